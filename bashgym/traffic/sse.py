"""Server-sent events: the text of a stream to the objects in it."""

from collections.abc import Iterator
from typing import Any

from bashgym import jsonl

DONE = "[DONE]"  # how OpenAI's streams end


def events(stream: str) -> Iterator[dict[str, Any]]:
    """The data of each event that is an object, its `type` from the event's name where it has none of its own;
    {"type": "[DONE]"} for that word, {"type": "broken", "text"} for data that is no JSON (a stream cut short)."""
    name, data = "", []
    for line in [*stream.replace("\r\n", "\n").replace("\r", "\n").split("\n"), ""]:
        if line.startswith("event:"):
            name = line[6:].strip()
        elif line.startswith("data:"):
            data.append(line[5:].removeprefix(" "))
        elif not line and data:
            yield parsed(name, "\n".join(data))
            name, data = "", []


def parsed(name: str, text: str) -> dict[str, Any]:
    if text.strip() == DONE:
        return {"type": DONE}
    try:
        value = jsonl.parse(text.encode("utf-8", "surrogatepass"))
    except ValueError:
        return {"type": "broken", "text": text}
    if not isinstance(value, dict):
        return {"type": "broken", "text": text}
    return value if "type" in value or not name else {**value, "type": name}
