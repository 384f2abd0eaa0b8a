"""Anthropic's Messages API: content blocks, tool_use and tool_result; to keep, or to ask a teacher again."""

from collections.abc import Iterable, Iterator
from typing import Any

from bashgym.records import Drop, Example, Row
from bashgym.rows import spoken, turns, whole
from bashgym.rows.turns import Message

Block = dict[str, Any]


class Format:
    schema = "anthropic"

    class Config(whole.WholeConfig):
        pass

    def __init__(self, config: Config) -> None:
        self.config = config

    def stanza(self) -> dict[str, Any]:
        """Empty: no trainer reads these rows."""
        return {}

    def render(self, example: Example) -> Iterable[Row | Drop]:
        """One row of {id, system, messages, tools, meta}; user and assistant take turns, as the API wants it."""
        system, rest = spoken.split(whole.messages(example, self.config))
        messages: list[Message] = []
        for message in rest:
            role = "assistant" if message["role"] == "assistant" else "user"
            if not messages or messages[-1]["role"] != role:
                messages.append({"role": role, "content": []})
            messages[-1]["content"] += blocks(message)
        data = {
            "id": example.id,
            "system": system,
            "messages": [message for message in messages if message["content"]],
            "tools": [tool(one["function"]) for one in example.tools],
            "meta": turns.meta(example, example.steps),
        }
        yield Row(id=example.id, data=data, keys=[key for key in example.keys if key])


def blocks(message: Message) -> Iterator[Block]:
    """A message's content as blocks; the API refuses empty texts."""
    if message["role"] == "tool":
        yield {"type": "tool_result", "tool_use_id": message["tool_call_id"], "content": message["content"]}
        return
    if message.get("reasoning_content"):
        yield {"type": "thinking", "thinking": message["reasoning_content"], "signature": ""}
    if message["content"]:
        yield {"type": "text", "text": message["content"]}
    for call in whole.calls(message):
        function = call["function"]
        yield {"type": "tool_use", "id": call["id"], "name": function["name"], "input": function["arguments"]}


def tool(function: dict[str, Any]) -> dict[str, Any]:
    described = {"description": function["description"]} if function.get("description") else {}
    schema = function.get("parameters") or {"type": "object", "properties": {}}
    return {"name": function["name"], **described, "input_schema": schema}
