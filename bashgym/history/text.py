"""Text of a session made fit to be looked at: no colours of a terminal, no character that steers what shows it."""

import re
from typing import Any

import orjson

from bashgym.signals.calls import Called, argument

REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
COLOUR = re.compile(r"\x1b\[[0-9;:?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]{0,4096}(?:\x07|\x1b\\)")
# controls but tab and newline; the characters that turn the direction of writing, hide, or stand for none
UNFIT = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e0fff]"
)
TITLES = (
    "command", "cmd", "filepath", "path", "notebookpath", "pattern", "query", "url", "description", "skill", "prompt",
    "subject", "name",
)  # fmt: skip


def legible(text: str) -> str:
    """`text` without terminal colours; what else would steer a screen is replaced by U+FFFD."""
    if "\x1b" in text or "\r" in text:
        text = COLOUR.sub("", text).replace("\r\n", "\n").replace("\r", "\n")
    return UNFIT.sub(REPLACEMENT, text)


def written(value: Any) -> str:
    """A value of a tool's arguments or of an event: text as it is, all else as JSON."""
    if isinstance(value, str):
        return value
    try:
        return orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()
    except (TypeError, orjson.JSONEncodeError):
        return repr(value)


def cut(text: str, longest: int) -> tuple[str, int]:
    """`text` with its middle left out where it is longer than `longest`, and how many characters that were."""
    if len(text) <= longest:
        return text, 0
    head, tail = longest * 3 // 4, longest // 4
    return f"{text[:head]}\n[...]\n{text[-tail:]}", len(text) - head - tail


def title(called: Called) -> str:
    """The one argument that says best what a call is about, its first line."""
    found = argument(called, *TITLES)
    text = found if isinstance(found, str) else " ".join(map(str, found)) if isinstance(found, list) else ""
    return text.strip().split("\n", 1)[0]


def body(content: Any) -> str:
    """The text of a message or a result; a part that is no text is named with its size."""
    if isinstance(content, list):
        return "\n".join(part_text(part) for part in content)
    return content or ""


def part_text(part: Any) -> str:
    if not isinstance(part, dict):
        return written(part)
    if isinstance(part.get("text"), str):
        return part["text"]
    size = f", {part['bytes']:,} bytes" if isinstance(part.get("bytes"), int) else ""
    return f"[{part.get('type', 'part')} {part.get('media_type') or ''}{size}]".replace(" ]", "]").replace(" ,", ",")
