"""Lists of messages to turns: Anthropic's, OpenAI's, and ShareGPT's with calls written as text.

Each function reads one list into a Conversation; a message's line number is its place in the list, from 1. What is
no message is kept aside."""

import json
import re
from collections.abc import Iterator
from typing import Any

from bashgym import jsonl
from bashgym.reading.conversation import Content, Conversation
from bashgym.reading.values import record, records, text
from bashgym.trace import Origin, Step

Messages = list[Any]
REMINDER = "<system-reminder>"
TAGGED = re.compile(r"<(tool_call|tool_use|functioncall|function_call)>(.*?)(?:</\1>|<\|endoftext\|>|\Z)", re.S)
ANSWERS = (("FUNCTION RESPONSE:", ""), ("<tool_response>", "</tool_response>"))
QUOTED = re.compile(r"""("arguments"\s*:\s*)'(.*)'\s*\}\s*\Z""", re.S)  # Glaive's arguments: JSON in single quotes
HUMANS = frozenset({"human", "user"})
MODELS = frozenset({"gpt", "assistant", "chatgpt", "model", "bot"})
CALLS = frozenset({"function_call", "tool_call"})
RESULTS = frozenset({"observation", "tool", "function", "function_response", "tool_response", "ipython"})


def bad(talk: Conversation, number: int, message: Any, reason: str) -> None:
    talk.bad(number, reason, jsonl.dumps(message).decode())


def anthropic(talk: Conversation, messages: Messages) -> None:
    """Messages of blocks: text, thinking, tool_use, tool_result, images."""
    for number, message in enumerate(messages, 1):
        role, content = text(message, "role"), message.get("content") if isinstance(message, dict) else None
        blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
        if role not in ("user", "assistant", "system") or not isinstance(blocks, list):
            bad(talk, number, message, "no role, or no content")
        elif not all(isinstance(block, dict) and isinstance(block.get("type"), str) for block in blocks):
            bad(talk, number, message, "content holds something that is no block")
        elif not blocks:
            talk.event("empty message", message, line_no=number)
        elif role == "assistant":
            reply(talk, blocks, number)
        else:
            turn(talk, blocks, number, "user" if role == "user" else "system")


def reply(talk: Conversation, blocks: list[dict[str, Any]], number: int | None) -> Step:
    """One reply of the model with its thinking and calls."""
    step = talk.say("agent", "", line_no=number)
    parts: list[dict[str, Any]] = []
    for block in blocks:
        kind = block["type"]
        step.info.blocks.append(kind)
        if kind == "thinking" and isinstance(block.get("thinking"), str):
            talk.think(step, block["thinking"])
            if signature := text(block, "signature"):
                step.info.signatures.append(signature)
        elif kind == "tool_use" and text(block, "name"):
            talk.call(step, text(block, "id") or "", block["name"], block.get("input"))
        else:
            parts.append({key: value for key, value in block.items() if key != "cache_control"})
    talk.words(step, parts)
    return step


def turn(talk: Conversation, blocks: list[dict[str, Any]], number: int, origin: Origin) -> None:
    """Results of calls go where they were made; what else a message holds was said."""
    said = []
    for block in blocks:
        content = block.get("content")
        if block["type"] == "tool_result" and isinstance(content, str | list | None):
            shape = isinstance(content, list) and not all(isinstance(one, dict) for one in content)
            words = jsonl.dumps(content).decode() if shape else content
            call_id = text(block, "tool_use_id")
            talk.result(call_id, words, is_error=block.get("is_error") is True, line_no=number)
        else:
            said.append({key: value for key, value in block.items() if key != "cache_control"})
    if said:
        injected = origin == "user" and all(str(one.get("text", "")).lstrip().startswith(REMINDER) for one in said)
        step = talk.say(origin, "", kind="meta" if injected else None, line_no=number)
        talk.words(step, said)


def openai(talk: Conversation, messages: Messages) -> None:
    """Messages with `tool_calls` and answers of role tool; also the older `function_call` and role function."""
    for number, message in enumerate(messages, 1):
        role = text(message, "role")
        content = message.get("content") if isinstance(message, dict) else None
        if not fine(content) or role not in ("system", "developer", "user", "assistant", "tool", "function"):
            bad(talk, number, message, "no role, or content that is neither text nor parts")
        elif role == "assistant":
            completion(talk, message, number)
        elif role in ("tool", "function"):
            call_id = text(message, "tool_call_id") or last_call(talk)
            talk.result(call_id, content, line_no=number)
        else:
            talk.say("user" if role == "user" else "system", content or "", line_no=number)


def fine(content: Any) -> bool:
    whole = isinstance(content, list) and all(isinstance(part, dict) for part in content)
    return content is None or isinstance(content, str) or whole


def completion(talk: Conversation, message: dict[str, Any], number: int | None) -> Step:
    """One reply: its words, its reasoning, its calls."""
    step = talk.say("agent", message.get("content") or "", line_no=number)
    if reasoning := text(message, "reasoning_content") or text(message, "reasoning"):
        talk.think(step, reasoning)
    older = [{"function": message["function_call"]}] if isinstance(message.get("function_call"), dict) else []
    for call in [*records(message, "tool_calls"), *older]:
        function = record(call, "function") or call
        name = text(function, "name")
        if name:
            talk.call(step, text(call, "id") or "", name, given(function.get("arguments")))
        else:
            step.info.foreign.setdefault("calls_without_a_name", []).append(call)
    return step


def given(arguments: Any) -> Any:
    """Arguments as an object where they are JSON text."""
    if not isinstance(arguments, str):
        return arguments
    try:
        return jsonl.parse(arguments.encode("utf-8", "surrogatepass")) if arguments.strip() else {}
    except ValueError:
        return arguments


def last_call(talk: Conversation) -> str | None:
    """The id of the first call of the last reply that has no answer yet."""
    step = next((one for one in reversed(talk.steps) if one.tool_calls), None)
    open_calls = (
        [call.tool_call_id for call in step.tool_calls or () if call.tool_call_id not in step.results()] if step else []
    )
    return open_calls[0] if open_calls else None


def sharegpt(talk: Conversation, messages: Messages) -> None:
    """Turns of `from` and `value`; calls are turns of their own, or tags in the model's words."""
    for number, message in enumerate(messages, 1):
        who, value = text(message, "from"), message.get("value") if isinstance(message, dict) else None
        if who is None or not isinstance(value, str):
            bad(talk, number, message, "no from, or no value")
        elif who in RESULTS:
            answer(talk, value, number)
        elif who in HUMANS:
            if answered(value) is not None and last_call(talk):
                answer(talk, value, number)
            else:
                talk.say("user", value, line_no=number)
        elif who in CALLS:
            step = talk.say("agent", "", line_no=number)
            if not called(talk, step, value):
                step.message = value
        elif who in MODELS:
            tagged(talk, value, number)
        elif who == "system":
            talk.say("system", value, line_no=number)
        else:
            bad(talk, number, message, f"from is {who}")


def answered(value: str) -> str | None:
    """What a tool answered, where a turn is written as such an answer."""
    words = value.strip()
    for start, end in ANSWERS:
        if words.startswith(start):
            return words.removeprefix(start).removesuffix(end).strip()
    return None


def answer(talk: Conversation, value: str, number: int) -> None:
    stripped = answered(value)
    talk.result(last_call(talk), value if stripped is None else stripped, line_no=number)


def tagged(talk: Conversation, value: str, number: int | None) -> Step:
    """A reply; calls in tags are taken out of its words. What cannot be read as a call stays where it is."""
    step = talk.say("agent", "", line_no=number)
    words = []
    at = 0
    for found in TAGGED.finditer(value):
        if called(talk, step, found.group(2)):
            words.append(value[at : found.start()])
            at = found.end()
    step.message = "".join([*words, value[at:]]).replace("<|endoftext|>", "").strip()
    return step


def called(talk: Conversation, step: Step, written: str) -> bool:
    """Adds the calls that `written` is, one or a list of them; False where it is none."""
    made = [one for one in calls_in(written) if text(one, "name")]
    for one in made:
        arguments = one.get("arguments", one.get("input", one.get("parameters")))
        talk.call(step, text(one, "id") or "", one["name"], given(arguments))
    if not made:
        step.info.foreign.setdefault("unread_calls", []).append(written)
    return bool(made)


def calls_in(written: str) -> Iterator[dict[str, Any]]:
    text_of = QUOTED.sub(lambda found: f"{found.group(1)}{json.dumps(found.group(2))}}}", written.strip())
    try:
        value = jsonl.parse(text_of.encode("utf-8", "surrogatepass"))
    except ValueError:
        return
    yield from (one for one in (value if isinstance(value, list) else [value]) if isinstance(one, dict))


def tools(value: Any) -> list[dict[str, Any]] | None:
    """Definitions of tools in OpenAI's shape, from Anthropic's or from OpenAI's; None where there are none."""
    found = []
    for one in value if isinstance(value, list) else ():
        if isinstance(one, dict) and isinstance(one.get("function"), dict):
            found.append(one)
        elif text(one, "name"):
            schema = one.get("input_schema", one.get("parameters")) or {"type": "object", "properties": {}}
            function = {"name": one["name"], "description": text(one, "description") or "", "parameters": schema}
            found.append({"type": "function", "function": function})
    return found or None


def content_of(value: Any) -> Content:
    """A system prompt: text, or blocks."""
    return value if isinstance(value, str) else [one for one in value or () if isinstance(one, dict)]
