"""A conversation as the two protocols want it: arguments as text for OpenAI's, blocks for Anthropic's."""

from collections.abc import Sequence
from typing import Any

from bashgym import jsonl
from bashgym.mining.places import Message


def sent(messages: Sequence[Message], protocol: str) -> list[Message]:
    """The messages to send; those of the system are left to the caller."""
    spoken = [message for message in messages if message["role"] != "system"]
    return anthropic(spoken) if protocol == "anthropic" else [openai(message) for message in spoken]


def system(messages: Sequence[Message]) -> str:
    return "\n".join(message["content"] for message in messages if message["role"] == "system")


def openai(message: Message) -> Message:
    if message["role"] == "tool":
        return {"role": "tool", "tool_call_id": message["tool_call_id"], "content": message["content"]}
    made = {"role": message["role"], "content": message["content"]}
    if message.get("tool_calls"):
        made["tool_calls"] = [
            {"id": call["id"], "type": "function", "function": {**call["function"], "arguments": text_of(call)}}
            for call in message["tool_calls"]
        ]
    return made


def text_of(call: dict[str, Any]) -> str:
    return jsonl.dumps(call["function"]["arguments"]).decode()


def anthropic(messages: Sequence[Message]) -> list[Message]:
    """Turns of user and assistant by turns; results of calls are the user's."""
    made: list[Message] = []
    for message in messages:
        role = "assistant" if message["role"] == "assistant" else "user"
        found = list(blocks(message))
        if not found:
            continue
        if made and made[-1]["role"] == role:
            made[-1]["content"] += found
        else:
            made.append({"role": role, "content": found})
    return made


def blocks(message: Message) -> list[dict[str, Any]]:
    if message["role"] == "tool":
        return [{"type": "tool_result", "tool_use_id": message["tool_call_id"], "content": message["content"]}]
    found: list[dict[str, Any]] = [{"type": "text", "text": message["content"]}] if message["content"].strip() else []
    for call in message.get("tool_calls", ()):
        function = call["function"]
        found.append({"type": "tool_use", "id": call["id"], "name": function["name"], "input": function["arguments"]})
    return found
