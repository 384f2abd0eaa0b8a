"""The bytes as written, past every sanitizer once more, composed otherwise: a whole line at a time, laid out as a
reader would see it (`key: value`, one below the other), where the walk over a session went string by string."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from bashgym import jsonl, scan
from bashgym.kinds import Sanitizer, ScanContext
from bashgym.scan import Unit
from bashgym.scanning.found import Found

WINDOW = 48 * 1024  # characters that are looked at together
OVERLAP = 2 * 1024  # longer than any secret but a key in PEM, whose lines are looked for one by one
# What chat templates put around words, in rows of text: without a space between, a value would seem to go on into it.
GLUE = re.compile(
    r"<\|[A-Za-z0-9_]{1,40}\|>|</?(?:tools?|tool_call|tool_response|think|s)>|\[/?INST\]|<</?SYS>>"
    r"|<(?:start|end)_of_turn>"
)


class Seen(NamedTuple):
    """A place in a file, never its content: `line` from 1, `rule` as `label/rule`."""

    line: int
    type: str
    rule: str


def rescan(path: Path, sanitizers: Sequence[tuple[str, Sanitizer]]) -> Iterator[Seen]:
    """What the sanitizers still find in the lines of `path`. Raises PrivacyError as scan.py does."""
    with path.open("rb") as file:
        for number, raw in enumerate(file, 1):
            yield from (Seen(number, span.type, span.rule) for span in found(raw, path.name, sanitizers))


def found(raw: bytes, name: str, sanitizers: Sequence[tuple[str, Sanitizer]]) -> Iterator[Found]:
    """What the sanitizers still find in one line, or one text, that is called `name`."""
    windows = list(cut(laid_out(raw)))
    scanners = [(label, each, ScanContext(session=name, strings=windows)) for label, each in sanitizers]
    for spans in scan.scan([Unit("", window) for window in windows], scanners).values():
        yield from spans


def laid_out(raw: bytes) -> str:
    """A line of JSON as text; a line that is none stays as it is."""
    try:
        return "\n".join(leaves("", jsonl.parse(raw)))
    except ValueError:
        return raw.decode("utf-8", "backslashreplace")


def leaves(key: str, value: Any) -> Iterator[str]:
    """`key: value` for everything inside `value`, in order; the items of a list stand under the list's key."""
    stack = [(key, value)]
    while stack:
        key, node = stack.pop()
        if isinstance(node, dict):
            stack.extend(reversed(node.items()))
        elif isinstance(node, list):
            stack.extend((key, item) for item in reversed(node))
        elif isinstance(node, str):
            yield f"{key}: {GLUE.sub(chr(10), node)}"
        else:
            yield f"{key}: {node}"


def cut(text: str) -> Iterator[str]:
    """`text` in windows that overlap."""
    for start in range(0, max(len(text) - OVERLAP, 1), WINDOW - OVERLAP):
        yield text[start : start + WINDOW]
