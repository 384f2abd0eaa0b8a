"""Calls and results as tagged JSON in plain words, the way of Hermes: for rows that know text alone."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

HOW = 'Call a tool with <tool_call>{"name": ..., "arguments": {...}}</tool_call>.'


def words(message: Mapping[str, Any]) -> str:
    """What a message says, calls and results included."""
    content = str(message.get("content") or "")
    if message["role"] == "tool":
        return f"<tool_response>{content}</tool_response>"
    thought = message.get("reasoning_content")
    calls = [f"<tool_call>{called(call['function'])}</tool_call>" for call in message.get("tool_calls") or []]
    return "\n".join(filter(None, [f"<think>{thought}</think>" if thought else "", content, *calls]))


def called(function: Mapping[str, Any]) -> str:
    return json.dumps({"name": function["name"], "arguments": function["arguments"]}, ensure_ascii=False)


def opening(system: str, tools: Sequence[Mapping[str, Any]]) -> str:
    """The system's words with the tools declared in them."""
    if not tools:
        return system
    listed = "\n".join(json.dumps(tool, ensure_ascii=False) for tool in tools)
    declared = f"# Tools\n\n<tools>\n{listed}\n</tools>\n\n{HOW}"
    return f"{system}\n\n{declared}" if system else declared


def split(messages: Sequence[dict[str, Any]]) -> tuple[str, list[dict[str, Any]]]:
    """The system's words at the start of a conversation, and the other messages."""
    if messages and messages[0]["role"] == "system":
        return str(messages[0]["content"]), list(messages[1:])
    return "", list(messages)
