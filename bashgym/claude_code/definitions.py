"""Tool definitions, in OpenAI's shape, out of the requests that newer versions keep in the session file."""

from collections.abc import Iterable
from typing import Any

from bashgym.claude_code.lines import Entry


def definitions(entries: Iterable[Entry]) -> list[dict[str, Any]] | None:
    """All tools ever offered in these lines, the latest definition of each; None where the lines hold none."""
    found: dict[str, dict[str, Any]] = {}
    for entry in entries:
        for tool in offered(entry.value):
            if definition := openai(tool):
                found[definition["function"]["name"]] = definition
    return list(found.values()) or None


def offered(value: dict[str, Any]) -> list[Any]:
    """The tools in an `api-request-shape` or in a prompt snapshot, as the client wrote them."""
    holder = value.get("shape") if value.get("type") == "api-request-shape" else None
    if value.get("type") == "attachment" and isinstance(value.get("attachment"), dict):
        holder = value["attachment"] if value["attachment"].get("type") == "prompt_snapshot" else None
    tools = holder.get("tools") if isinstance(holder, dict) else None
    return tools if isinstance(tools, list) else []


def openai(tool: Any) -> dict[str, Any] | None:
    """Anthropic's `{name, description, input_schema}`, itself or under `schema`; None when it is neither."""
    if isinstance(tool, dict) and isinstance(tool.get("schema"), dict):
        tool = tool["schema"]
    if not isinstance(tool, dict) or not isinstance(tool.get("name"), str):
        return None
    schema, description = tool.get("input_schema"), tool.get("description")
    return {
        "type": "function",
        "function": {
            "name": tool["name"],
            "description": description if isinstance(description, str) else "",
            "parameters": schema if isinstance(schema, dict) else {"type": "object", "properties": {}},
        },
    }
