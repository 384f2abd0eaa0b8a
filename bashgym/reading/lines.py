"""A file of JSON Lines as a source reads it: every line that is not blank is an entry or malformed, none is lost."""

import hashlib
import re
import zlib
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec

from bashgym import jsonl
from bashgym.reading import blobs
from bashgym.reading.files import opened, unreadable
from bashgym.trace import Malformed, SourceFile

NOT_JSON = "not JSON"
LONG_BASE64 = re.compile(rb"[A-Za-z0-9+/_-]{%d,}" % (blobs.LONG - 2))


class Entry(msgspec.Struct, eq=False):
    """One line that holds an object: its number from 1 and its value."""

    line_no: int
    value: dict[str, Any]

    def text(self, key: str) -> str | None:
        """The value at `key` where it is text and not empty."""
        found = self.value.get(key)
        return found if isinstance(found, str) and found else None


class File(msgspec.Struct, eq=False):
    """A file as read: what it is, its entries in order, its malformed lines; `file` of those is `number`."""

    source: SourceFile
    entries: list[Entry]
    malformed: list[Malformed]


def read(path: Path, number: int = 0, lift: bool = False) -> File:
    """Every line of `path`, which is file `number` of its session; with `lift` long base64 is replaced by its hash,
    and a line that is nested too deep counts as malformed. Raises InputError when it cannot be read."""
    entries: list[Entry] = []
    malformed: list[Malformed] = []
    digest = hashlib.sha256()
    size = 0

    def seen(raw: bytes) -> None:
        nonlocal size
        size += len(raw)
        digest.update(raw)

    try:
        with opened(path) as file:
            for line_no, raw, ended, fault in jsonl.pieces(file, seen):
                value, reason = ({}, fault) if fault else parsed(raw, torn=not ended)
                if lift and reason is None:
                    reason = lifted(raw, value)
                if reason is None:
                    entries.append(Entry(line_no, value))
                else:
                    malformed.append(Malformed(file=number, line_no=line_no, reason=reason, raw=legible(raw)))
    except (OSError, EOFError, zlib.error) as error:
        raise unreadable(path, error) from None
    count = len(entries) + len(malformed)
    source = SourceFile(path=str(path), sha256=digest.hexdigest(), bytes=size, lines=count, malformed=len(malformed))
    return File(source, entries, malformed)


def first_objects(path: Path, count: int) -> Iterator[dict[str, Any]]:
    """The objects in the first lines of a file; a file that is one JSON value over many lines (.json) is read whole.

    Raises OSError."""
    with opened(path) as file:
        lines: Iterable[bytes] = [file.read()] if path.suffix == ".json" else islice(file, count)
        for line in lines:
            if isinstance(value := value_of(line.strip()), dict):
                yield value


def value_of(raw: bytes) -> Any:
    """The JSON value of a line; None where there is none."""
    try:
        return jsonl.parse(raw)
    except ValueError:
        return None


def parsed(raw: bytes, torn: bool) -> tuple[dict[str, Any], str | None]:
    """The object of a line, or why there is none; `torn` says that no newline follows it (still being written)."""
    try:
        value = jsonl.parse(raw)
    except ValueError as error:
        return {}, "unfinished last line" if torn else f"{NOT_JSON}: {error}"
    return (value, None) if isinstance(value, dict) else ({}, "not an object")


def lifted(raw: bytes, value: dict[str, Any]) -> str | None:
    """Lifts long base64 out of the value of a line; why it cannot be kept, where it cannot."""
    if raw.count(b"{") + raw.count(b"[") <= blobs.DEEP and not LONG_BASE64.search(raw):
        return None
    try:
        blobs.lift_long(value)
    except blobs.TooDeep as error:
        return str(error)
    return None


def legible(raw: bytes) -> str:
    """The bytes as text; what is not UTF-8 is written as backslash escapes, long base64 as how much there was of it."""
    if len(raw) > blobs.LONG:
        raw = LONG_BASE64.sub(lambda found: f"[{len(found[0])} characters of base64]".encode(), raw)
    return raw.decode("utf-8", "backslashreplace")
