"""Anthropic's Messages API: requests, answers, streams."""

from typing import Any

from bashgym.reading.conversation import metrics
from bashgym.trace import Metrics
from bashgym.traffic import sse
from bashgym.traffic.words import (
    Block,
    Reply,
    Request,
    Turn,
    arguments_in,
    count_in,
    function,
    object_in,
    objects,
    text_of,
    typed,
)

API = "anthropic"
UNFINISHED = "unfinished"


def request(body: dict[str, Any]) -> Request:
    """What was asked, whatever is wrong with it."""
    return Request(
        api=API,
        system=texts(body.get("system")),
        tools=[tool(one) for one in objects(body.get("tools"))],
        turns=[turn(one) for one in objects(body.get("messages"))],
        model=text_of(body, "model") or None,
        effort=text_of(object_in(body, "output_config"), "effort") or None,
    )


def texts(system: Any) -> list[str]:
    if isinstance(system, str):
        return [system] if system else []
    return [text for one in objects(system) if (text := text_of(one, "text"))]


def tool(value: dict[str, Any]) -> dict[str, Any]:
    """A tool of the client's; one of Anthropic's own (it has a type and no schema) stays as it is."""
    if "input_schema" not in value and isinstance(value.get("type"), str):
        return typed(value)
    return function(text_of(value, "name"), text_of(value, "description"), value.get("input_schema"))


def turn(message: dict[str, Any]) -> Turn:
    content = message.get("content")
    blocks = [{"type": "text", "text": content}] if isinstance(content, str) else objects(content)
    role = message.get("role")
    return Turn("assistant" if role == "assistant" else "system" if role == "system" else "user", [*map(block, blocks)])


def block(value: dict[str, Any]) -> Block:
    """A content block; what is not known is a part, with all its fields."""
    kind = text_of(value, "type")
    if kind == "text" and isinstance(value.get("text"), str):
        return Block("text", text=value["text"])
    if kind == "thinking" and isinstance(value.get("thinking"), str):
        return Block("thinking", text=value["thinking"], signature=text_of(value, "signature"))
    if kind in ("tool_use", "server_tool_use", "mcp_tool_use"):
        return Block("call", id=text_of(value, "id"), name=text_of(value, "name"), arguments=value.get("input"))
    if kind.endswith("tool_result"):
        content = value.get("content")
        fine = content if isinstance(content, str) or content is None else [typed(one) for one in parts(content)]
        return Block("result", id=text_of(value, "tool_use_id"), content=fine, is_error=value.get("is_error") is True)
    return Block("part", raw=typed(value))


def parts(content: Any) -> list[dict[str, Any]]:
    return objects(content if isinstance(content, list) else [content])


def replies(answer: Any) -> list[Reply]:
    """The reply in an answer, or none (an error); from a stream it is put together."""
    message = assembled(answer) if isinstance(answer, str) else answer
    if not isinstance(message, dict) or not isinstance(message.get("content"), list):
        return []
    usage = object_in(message, "usage")
    return [
        Reply(
            turn=turn({**message, "role": "assistant"}),
            id=text_of(message, "id") or None,
            model=text_of(message, "model") or None,
            stop_reason=text_of(message, "stop_reason") or UNFINISHED,
            metrics=tokens(usage) if usage else None,
            tier=text_of(usage, "service_tier") or None,
        )
    ]


def tokens(usage: dict[str, Any]) -> Metrics:
    """Tokens of one reply; cache tiers where the server told them apart."""
    found = metrics(
        count_in(usage, "input_tokens"),
        count_in(usage, "output_tokens"),
        count_in(usage, "cache_read_input_tokens"),
        count_in(usage, "cache_creation_input_tokens"),
    )
    tiers, info = object_in(usage, "cache_creation"), found.extra.bashgym
    info.ephemeral_5m_input_tokens = count_in(tiers, "ephemeral_5m_input_tokens")
    info.ephemeral_1h_input_tokens = count_in(tiers, "ephemeral_1h_input_tokens")
    info.web_search_requests = count_in(object_in(usage, "server_tool_use"), "web_search_requests")
    info.service_tier = text_of(usage, "service_tier") or None
    return found


def assembled(stream: str) -> dict[str, Any] | None:
    """The message that a stream carried, as far as it came; None where none began."""
    message: dict[str, Any] | None = None
    blocks: dict[int, dict[str, Any]] = {}
    ended = False
    for event in sse.events(stream):
        kind = event.get("type")
        if kind == "message_start":
            message = {**object_in(event, "message"), "content": []}
        elif kind == "content_block_start":
            blocks[index_of(event)] = {**object_in(event, "content_block"), "json": []}
        elif kind == "content_block_delta":
            grow(blocks.setdefault(index_of(event), {"type": "text", "json": []}), object_in(event, "delta"))
        elif kind == "message_delta" and message is not None:
            message.update({key: value for key, value in object_in(event, "delta").items() if value is not None})
            known = {key: value for key, value in object_in(event, "usage").items() if value is not None}
            message["usage"] = {**object_in(message, "usage"), **known}
        ended |= kind == "message_stop"
    if message is None and not blocks:
        return None
    message = message or {}
    message["content"] = [finished(blocks[index]) for index in sorted(blocks)]
    if not ended:
        message["stop_reason"] = None
    return message


def index_of(event: dict[str, Any]) -> int:
    return count_in(event, "index")


def grow(part: dict[str, Any], delta: dict[str, Any]) -> None:
    """Adds a piece to a block."""
    for key in ("text", "thinking", "signature"):
        if isinstance(delta.get(key), str):
            before = part.get(key)
            part[key] = (before if isinstance(before, str) else "") + delta[key]
            if part.get("type") == "text" and key == "thinking":
                part["type"] = "thinking"
    if isinstance(delta.get("partial_json"), str):
        part["json"].append(delta["partial_json"])
    if "citation" in delta:
        part["citations"] = [*(part.get("citations") or []), delta["citation"]]


def finished(part: dict[str, Any]) -> dict[str, Any]:
    written = "".join(part.pop("json"))
    return {**part, "input": arguments_in(written)} if written else part


def is_request(path: str, body: dict[str, Any]) -> bool:
    return path.endswith("/messages") or isinstance(body.get("anthropic_version"), str)
