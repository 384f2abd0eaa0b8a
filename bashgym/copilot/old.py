"""Sessions of 2025 in `history-session-state/`: one JSON value with the messages as OpenAI's API has them."""

from typing import Any

from bashgym import jsonl
from bashgym.copilot.talk import Talk
from bashgym.reading import blobs, lines
from bashgym.reading.conversation import Content
from bashgym.reading.lines import Entry
from bashgym.reading.values import arguments, at, records, text


def single(data: bytes) -> list[Entry] | None:
    """The records of such a file, counted from 1: all but the messages, then each message."""
    try:
        value = jsonl.parse(data)
    except ValueError:
        return None
    history = at(value, "chatMessages")
    if not isinstance(history, list) or lines.lifted(data, value) is not None:
        return None
    header = {key: inner for key, inner in value.items() if key != "chatMessages"}
    found = [header, *(one if isinstance(one, dict) else {"message": one} for one in history)]
    return [Entry(number, one) for number, one in enumerate(found, 1)]


def read(talk: Talk, entry: Entry) -> None:
    """One record."""
    talk.lines += 1
    value, role = entry.value, entry.text("role")
    if role == "assistant":
        step = talk.replying(entry)
        step.message = words(value.get("content"))
        step.info.message_id = f"{talk.session}:{entry.line_no}"
        for call in records(value, "tool_calls"):
            given = arguments(at(call, "function", "arguments"))
            talk.request(step, text(call, "id") or "", text(call, "function", "name") or "", given)
    elif role == "tool":
        talk.result(text(value, "tool_call_id"), words(value.get("content")), line_no=entry.line_no)
    elif role in ("user", "system", "developer"):
        talk.spoken(entry, "user" if role == "user" else "system", words(value.get("content")))
    else:
        talk.event("header" if entry.line_no == 1 else "message", value, line_no=entry.line_no)


def words(content: Any) -> Content:
    if isinstance(content, list):
        return [part(one) if isinstance(one, dict) else {"type": "other", "value": one} for one in content]
    return content if isinstance(content, str) else ""


def part(value: dict[str, Any]) -> dict[str, Any]:
    if value.get("type") == "image_url":
        return blobs.picture(at(value, "image_url", "url") or value.get("image_url"))
    return value
