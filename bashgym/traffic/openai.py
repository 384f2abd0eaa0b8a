"""OpenAI's two APIs, and the many servers that speak them: Chat Completions and Responses."""

from collections.abc import Iterator
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

CHAT, RESPONSES = "openai chat", "openai responses"
STOPS = {"stop": "end_turn", "tool_calls": "tool_use", "function_call": "tool_use", "length": "max_tokens"}
UNFINISHED = "unfinished"
SYSTEM = ("system", "developer")


def chat_request(body: dict[str, Any]) -> Request:
    """System prompts are the messages at the start that the system or the developer wrote."""
    messages = objects(body.get("messages"))
    first = next((n for n, one in enumerate(messages) if one.get("role") not in SYSTEM), len(messages))
    return Request(
        api=CHAT,
        system=[words(one.get("content")) for one in messages[:first]],
        tools=[tool(one) for one in objects(body.get("tools"))],
        turns=[chat_turn(one) for one in messages[first:]],
        model=text_of(body, "model") or None,
        effort=text_of(body, "reasoning_effort") or None,
    )


def words(content: Any) -> str:
    if isinstance(content, str):
        return content
    return "\n".join(text_of(one, "text") for one in objects(content))


def tool(value: dict[str, Any]) -> dict[str, Any]:
    """Chat Completions nest a function, Responses do not; a tool of the server's own stays as it is."""
    inner = object_in(value, "function")
    if not inner and value.get("type") != "function":
        return typed(value)
    named = inner or value
    return function(text_of(named, "name"), text_of(named, "description"), named.get("parameters"))


def chat_turn(message: dict[str, Any]) -> Turn:
    role = message.get("role")
    if role in ("tool", "function"):
        content = message.get("content")
        fine = content if isinstance(content, str) or content is None else [typed(one) for one in objects(content)]
        return Turn("user", [Block("result", id=text_of(message, "tool_call_id"), content=fine)])
    blocks = list(said(message.get("content")))
    if role != "assistant":
        return Turn("system" if role in SYSTEM else "user", blocks)
    thinking = text_of(message, "reasoning_content") or text_of(message, "reasoning")
    calls = [call(one) for one in objects(message.get("tool_calls"))]
    old = object_in(message, "function_call")
    calls += [call({"function": old})] if old else []
    return Turn("assistant", [*([Block("thinking", text=thinking)] if thinking else []), *blocks, *calls])


def said(content: Any) -> Iterator[Block]:
    """The blocks of a message: its text, refusals too, and parts that are no text."""
    if isinstance(content, str):
        yield Block("text", text=content)
        return
    for part in objects(content):
        text = next((part[key] for key in ("text", "refusal") if isinstance(part.get(key), str)), None)
        yield Block("text", text=text) if text is not None else Block("part", raw=typed(part))


def call(value: dict[str, Any]) -> Block:
    named = object_in(value, "function") or object_in(value, "custom")
    written = named.get("arguments", named.get("input"))
    arguments = arguments_in(written) if isinstance(written, str) else written
    return Block("call", id=text_of(value, "id"), name=text_of(named, "name"), arguments=arguments)


def chat_replies(answer: Any) -> list[Reply]:
    """A reply for each choice, the first one first; from a stream they are put together."""
    value = chat_assembled(answer) if isinstance(answer, str) else answer
    if not isinstance(value, dict) or not isinstance(value.get("choices"), list):
        return []
    found = []
    for choice in objects(value["choices"]):
        reason = text_of(choice, "finish_reason")
        reply = Reply(
            turn=chat_turn({**object_in(choice, "message"), "role": "assistant"}),
            id=text_of(value, "id") or None,
            model=text_of(value, "model") or None,
            stop_reason=STOPS.get(reason, reason) or UNFINISHED,
            tier=text_of(value, "service_tier") or None,
        )
        found.append(reply)
    usage = object_in(value, "usage")
    if found and usage:  # of all choices together
        found[0].metrics = tokens(usage, "prompt_tokens", "completion_tokens")
    return found


def tokens(usage: dict[str, Any], asked: str, answered: str) -> Metrics:
    """OpenAI counts tokens from the cache among those of the prompt."""
    cached = count_in(object_in(usage, f"{asked}_details"), "cached_tokens")
    details = object_in(usage, f"{answered}_details")
    reasoning = count_in(details, "reasoning_tokens") if "reasoning_tokens" in details else None
    fresh = max(count_in(usage, asked) - cached, 0)
    return metrics(fresh, count_in(usage, answered), cached, reasoning=reasoning)


def chat_assembled(stream: str) -> dict[str, Any] | None:
    """The completion that a stream carried, as far as it came."""
    head: dict[str, Any] = {}
    choices: dict[int, dict[str, Any]] = {}
    for event in sse.events(stream):
        for key in ("id", "model", "usage", "service_tier"):
            if event.get(key):
                head[key] = event[key]
        for choice in objects(event.get("choices")):
            index = count_in(choice, "index")
            grow(choices.setdefault(index, {"message": {}, "calls": {}, "finish_reason": None}), choice)
    if not choices:
        return None
    for choice in choices.values():
        calls = choice.pop("calls")
        choice["message"]["tool_calls"] = [calls[index] for index in sorted(calls)]
    return {**head, "choices": [choices[index] for index in sorted(choices)]}


def grow(choice: dict[str, Any], event: dict[str, Any]) -> None:
    """Adds a chunk to a choice: text and thinking in pieces, calls in fragments by their index."""
    delta, message = object_in(event, "delta"), choice["message"]
    choice["finish_reason"] = event.get("finish_reason") or choice["finish_reason"]
    for key in ("content", "reasoning_content", "reasoning", "refusal"):
        if isinstance(delta.get(key), str):
            target = "content" if key == "refusal" else key
            message[target] = message.get(target, "") + delta[key]
    old = object_in(delta, "function_call")
    for fragment in [*objects(delta.get("tool_calls")), *([{"index": 0, "function": old}] if old else [])]:
        known = choice["calls"].setdefault(count_in(fragment, "index"), {"id": "", "function": {}})
        known["id"] = known["id"] or text_of(fragment, "id")
        for key in ("name", "arguments"):
            piece = text_of(object_in(fragment, "function"), key)
            known["function"][key] = known["function"].get(key, "") + piece


def responses_request(body: dict[str, Any]) -> Request:
    given = body.get("input")
    items = [{"role": "user", "content": given}] if isinstance(given, str) else objects(given)
    instructions = text_of(body, "instructions")
    first = next((n for n, one in enumerate(items) if one.get("role") not in SYSTEM), len(items))
    return Request(
        api=RESPONSES,
        system=[*([instructions] if instructions else []), *(words(one.get("content")) for one in items[:first])],
        tools=[tool(one) for one in objects(body.get("tools"))],
        turns=list(item_turns(items[first:])),
        model=text_of(body, "model") or None,
        effort=text_of(object_in(body, "reasoning"), "effort") or None,
        previous=text_of(body, "previous_response_id") or None,
    )


def item_turns(items: list[dict[str, Any]]) -> Iterator[Turn]:
    """Items that follow each other on one side are one turn: a reply is several items, so are its calls' results."""
    held: Turn | None = None
    for one in items:
        side, blocks = item(one)
        message = one.get("role") is not None and side != "assistant"
        if (
            held is not None
            and held.role == side
            and not message
            and (side == "assistant" or held.blocks[0].kind == "result")
        ):
            held.blocks += blocks
            continue
        if held is not None:
            yield held
        held = Turn(side, blocks) if blocks else None  # type: ignore[arg-type]
    if held is not None:
        yield held


def item(value: dict[str, Any]) -> tuple[str, list[Block]]:
    """Whose item it is, and what it says."""
    kind, role = text_of(value, "type"), value.get("role")
    if kind.endswith("call_output"):
        output = value.get("output")
        fine = output if isinstance(output, str) or output is None else [typed(one) for one in objects(output)]
        return "user", [Block("result", id=text_of(value, "call_id"), content=fine)]
    if kind in ("function_call", "custom_tool_call"):
        written = value.get("arguments", value.get("input"))
        arguments = arguments_in(written) if isinstance(written, str) and kind == "function_call" else written
        return "assistant", [
            Block("call", id=text_of(value, "call_id"), name=text_of(value, "name"), arguments=arguments)
        ]
    if kind == "reasoning":
        thoughts = [text_of(one, "text") for key in ("summary", "content") for one in objects(value.get(key))]
        secret = text_of(value, "encrypted_content")
        return "assistant", [Block("thinking", text="\n\n".join(filter(None, thoughts)), signature=secret)]
    if role is not None or kind == "message":
        side = "assistant" if role == "assistant" else "system" if role in SYSTEM else "user"
        return side, list(said(value.get("content")))
    return "assistant", [Block("part", raw=typed(value))]


def responses_replies(answer: Any) -> list[Reply]:
    value = responses_assembled(answer) if isinstance(answer, str) else answer
    if not isinstance(value, dict) or not isinstance(value.get("output"), list):
        return []
    blocks = [block for one in objects(value["output"]) for block in item(one)[1]]
    status = text_of(value, "status")
    ended = "tool_use" if any(block.kind == "call" for block in blocks) else "end_turn"
    cut = text_of(object_in(value, "incomplete_details"), "reason") or status or UNFINISHED
    usage = object_in(value, "usage")
    return [
        Reply(
            turn=Turn("assistant", blocks),
            id=text_of(value, "id") or None,
            model=text_of(value, "model") or None,
            stop_reason=ended if status == "completed" else cut,
            metrics=tokens(usage, "input_tokens", "output_tokens") if usage else None,
            tier=text_of(value, "service_tier") or None,
        )
    ]


def responses_assembled(stream: str) -> dict[str, Any] | None:
    """The response that a stream carried: its last event holds it whole, else its items as far as they came."""
    head: dict[str, Any] = {}
    items: list[dict[str, Any]] = []
    for event in sse.events(stream):
        kind = text_of(event, "type")
        if kind in ("response.completed", "response.incomplete", "response.failed"):
            return object_in(event, "response") or None
        if kind == "response.created":
            head = object_in(event, "response")
        if kind == "response.output_item.done":
            items.append(object_in(event, "item"))
    return {**head, "output": items, "status": UNFINISHED} if items else None
