"""Files that hold many sessions: one a line (JSON Lines) or one an element (a JSON array); one object is one session.

What cannot be read is a row too, with the reason: a session of its own without steps, so that it is not lost."""

import hashlib
from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from bashgym import jsonl, paths
from bashgym.errors import InputError
from bashgym.reading import files
from bashgym.reading.conversation import Conversation, source_info
from bashgym.reading.lines import legible
from bashgym.records import SessionRef
from bashgym.trace import Agent, SourceFile, SourceInfo, Trace

LINES = (".jsonl", ".ndjson")


class Row(NamedTuple):
    """One row: `at` is SessionRef.row, `line_no` its line or element, from 1; `error` says why it has no value."""

    at: int
    line_no: int
    raw: bytes
    value: Any
    error: str | None


def of_lines(path: Path) -> bool:
    return files.bare(path).suffix in LINES


def rows(path: Path) -> Iterator[Row]:
    """Every row of `path` that is not blank. Raises InputError when the file cannot be read."""
    if not of_lines(path):
        yield from elements(path)
        return
    at = 0
    try:
        with files.opened(path) as file:
            for line_no, line in enumerate(file, 1):
                if raw := line.strip():
                    yield parsed(at, line_no, raw)
                at += len(line)
    except (OSError, EOFError) as error:
        raise files.unreadable(path, error) from None


def row(ref: SessionRef) -> Row:
    """The row of a reference. Raises InputError when the file is not as it was when it was listed."""
    path = Path(ref.path)
    at = ref.row or 0
    found = line(path, at) if of_lines(path) else next((one for one in elements(path) if one.at == at), None)
    if found is None or digest(found.raw) != ref.sha256:
        raise InputError(f"{path}: changed since it was listed; run again")
    return found


def line(path: Path, at: int) -> Row | None:
    try:
        with files.opened(path) as file:
            file.seek(at)
            raw = file.readline().strip()
        stamp = path.stat()
        starts = line_starts(path, stamp.st_size, stamp.st_mtime_ns)
    except (OSError, EOFError) as error:
        raise files.unreadable(path, error) from None
    return parsed(at, bisect_left(starts, at) + 1, raw) if raw else None


@lru_cache(4)
def line_starts(path: Path, size: int, changed: int) -> "array[int]":
    """Where each line of a file of this size and time begins."""
    starts, at = array("Q"), 0
    with files.opened(path) as file:
        for piece in file:
            starts.append(at)
            at += len(piece)
    return starts


def parsed(at: int, line_no: int, raw: bytes) -> Row:
    try:
        return Row(at, line_no, raw, jsonl.parse(raw), None)
    except ValueError as error:
        return Row(at, line_no, raw, None, f"not JSON: {error}")


def elements(path: Path) -> list[Row]:
    """The elements of a file's array, or its one object. A file that is no JSON is one row that says so."""
    try:
        stamp = path.stat()
    except OSError as error:
        raise files.unreadable(path, error) from None
    return whole(path, stamp.st_size, stamp.st_mtime_ns)


@lru_cache(2)
def whole(path: Path, size: int, changed: int) -> list[Row]:
    content = files.content(path)
    only = parsed(0, 1, content.strip())
    if not isinstance(only.value, list):
        return [only] if only.raw else []
    return [Row(at, at + 1, jsonl.dumps(value), value, None) for at, value in enumerate(only.value)]


def digest(raw: bytes) -> str:
    return hashlib.sha256(raw).hexdigest()


def reference(source: str, name: str, path: Path, found: Row) -> SessionRef:
    """The session that one row holds."""
    return SessionRef(
        source=source, id=name, path=str(path), size=len(found.raw), sha256=digest(found.raw), row=found.at
    )


def references(source: str, paths: Iterable[Path], name_of: Callable[[Path, Row], str | None]) -> Iterator[SessionRef]:
    """A reference for each row of all files; a row whose name is taken, or that has none, is named by its place."""
    taken: set[str] = set()
    for path in paths:
        for found in rows(path):
            name = name_of(path, found) or f"{files.bare(path).stem}:{found.line_no}"
            if name in taken:
                name = f"{name}:{files.bare(path).stem}:{found.line_no}"
            taken.add(name)
            yield reference(source, name, path, found)


def file_of(ref: SessionRef, found: Row) -> SourceFile:
    """The row as the file that a trace came from."""
    bad = 0 if found.error is None else 1
    return SourceFile(path=ref.path, sha256=ref.sha256, bytes=ref.size, lines=1, malformed=bad)


def info_of(kind: str, ref: SessionRef, found: Row, version: str | None = None) -> SourceInfo:
    return source_info(kind, [file_of(ref, found)], version)


def broken(kind: str, ref: SessionRef, found: Row, reason: str) -> Trace:
    """A row that is no session: a trace without steps, which holds it with the reason."""
    told = Conversation()
    told.bad(found.line_no, reason, legible(found.raw))
    unread = found._replace(error=reason)
    return told.trace(ref.id, Agent(name="unknown"), info_of(kind, ref, unread))


def files_of(name: str, path: str, example: str, what: str, patterns: Sequence[str] = ("*.jsonl",)) -> list[Path]:
    """The files of source `name` at `path`, which the user has to name, as `example`; `what` one of them is.

    Raises InputError when there are none."""
    if not path:
        raise InputError(f"source.{name}.path: no file is named; set source.{name}.path={example}")
    root = paths.resolve(path)
    found = {one: None for pattern in patterns for one in (files.found(root, pattern) if root.exists() else ())}
    if not found:
        endings = " or ".join(pattern.removeprefix("*") for pattern in patterns)
        raise InputError(f"source.{name}.path: no {endings} file at {root}; name {what}")
    return list(found)
