"""Items of a rollout: which call a line belongs to, and what the arguments and texts of one are."""

from typing import Any

from bashgym.reading.conversation import Content
from bashgym.reading.values import record, text

ENDS = ("exec_command_end", "mcp_tool_call_end", "patch_apply_end", "web_search_end", "dynamic_tool_call_response",
        "image_generation_end", "view_image_tool_call", "collab_agent_spawn_end", "collab_waiting_end",
        "collab_close_end", "collab_agent_interaction_end")  # fmt: skip
NO_ENDS = frozenset({"UserMessage", "AgentMessage", "Reasoning", "Plan"})
ANSWERS = ("_output", "_result")


def answer_of(value: dict[str, Any]) -> str | None:
    """The call whose output a line is."""
    payload = record(value, "payload") if value.get("type") == "response_item" else value
    kind = payload.get("type")
    named = isinstance(kind, str) and kind.endswith(ANSWERS) and "payload" not in payload
    return text(payload, "call_id") if named else None


def end_of(value: dict[str, Any]) -> str | None:
    """The call whose end an event tells."""
    payload = record(value, "payload")
    if value.get("type") != "event_msg":
        return None
    if payload.get("type") in ENDS:
        return text(payload, "call_id")
    item = record(payload, "item")
    told = payload.get("type") == "item_completed" and text(item, "type") not in NO_ENDS
    return text(item, "id") if told else None


def server(payload: dict[str, Any], name: str) -> str | None:
    """The MCP server of a tool: its namespace, or the middle of `mcp__server__tool`."""
    space = text(payload, "namespace") or name
    parts = space.split("__")
    return parts[1] if parts[0] == "mcp" and len(parts) > 1 and parts[1] else None


def joined(message: Content, words: Content) -> Content:
    """The texts of one reply, in order."""
    if not message:
        return words
    before = [{"type": "text", "text": message}] if isinstance(message, str) else message
    return [*before, *([{"type": "text", "text": words}] if isinstance(words, str) else words)]


def shell_text(value: dict[str, Any]) -> str:
    """What a command printed, of a result that keeps the two streams apart."""
    return "".join(part for key in ("stdout", "stderr") if (part := text(value, key)))
