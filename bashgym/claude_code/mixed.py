"""Claude Code's lines outside its own files: many sessions in one file, told apart by the session id in each line.

Tools that collect sessions write them one after the other, sub-agents after or between them. A line without an id
belongs to the session of the line before it."""

import hashlib
from array import array
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from bashgym import jsonl
from bashgym.claude_code import lines, session
from bashgym.claude_code.lines import Entry, SessionFile
from bashgym.errors import InputError
from bashgym.reading import files
from bashgym.reading.heap import undisturbed
from bashgym.reading.lines import legible
from bashgym.reading.values import text
from bashgym.records import SessionRef
from bashgym.trace import Malformed, SourceFile, Trace


class Place(NamedTuple):
    """Where the lines of one session are in a file of many: numbers from 1, and the bytes where they begin."""

    numbers: "array[int]"
    starts: "array[int]"


def references(source: str, path: Path) -> Iterator[SessionRef]:
    """Every session of `path`. Raises InputError when the file cannot be read."""
    for name, place in places(path).items():
        digest, size = digest_of(lines_of(path, place))
        yield SessionRef(source=source, id=name, path=str(path), size=size, sha256=digest, row=place.starts[0])


def digest_of(numbered: Iterable[tuple[int, bytes]]) -> tuple[str, int]:
    """The hash of a session's lines, and how many bytes they are."""
    digest, size = hashlib.sha256(), 0
    for _, raw in numbered:
        digest.update(raw + b"\n")
        size += len(raw) + 1
    return digest.hexdigest(), size


def places(path: Path) -> dict[str, Place]:
    try:
        stamp = path.stat()
    except OSError as error:
        raise files.unreadable(path, error) from None
    return found(path, stamp.st_size, stamp.st_mtime_ns)


@lru_cache(4)
def found(path: Path, size: int, changed: int) -> dict[str, Place]:
    """The sessions of a file of this size and time, in the order of their first lines."""
    known: dict[str, Place] = {}
    current, at = files.bare(path).stem, 0
    try:
        with files.opened(path) as file:
            for number, line in enumerate(file, 1):
                if raw := line.strip():
                    current = session_of(raw) or current
                    place = known.setdefault(current, Place(array("Q"), array("Q")))
                    place.numbers.append(number)
                    place.starts.append(at)
                at += len(line)
    except (OSError, EOFError) as error:
        raise files.unreadable(path, error) from None
    return known


def session_of(raw: bytes) -> str | None:
    try:
        return text(jsonl.parse(raw), "sessionId")
    except ValueError:
        return None


def lines_of(path: Path, place: Place) -> Iterator[tuple[int, bytes]]:
    """The lines of one session with their numbers."""
    try:
        with files.opened(path) as file:
            for number, start in zip(place.numbers, place.starts, strict=True):
                file.seek(start)
                yield number, file.readline().strip()
    except (OSError, EOFError) as error:
        raise files.unreadable(path, error) from None


def read(ref: SessionRef) -> list[Trace]:
    """The session's trace and those of its sub-agents. Raises InputError when the file is not as it was listed."""
    path = Path(ref.path)
    place = places(path).get(ref.id)
    numbered = list(lines_of(path, place)) if place else []
    if digest_of(numbered)[0] != ref.sha256:
        raise InputError(f"{path}: session {ref.id} changed since it was listed; run again")
    return of_lines(ref, numbered)


def of_lines(ref: SessionRef, numbered: Iterable[tuple[int, bytes]]) -> list[Trace]:
    """The traces that numbered lines of one session make."""
    entries: list[Entry] = []
    malformed: list[Malformed] = []
    for number, raw in numbered:
        made = lines.entry(number, raw)
        if isinstance(made, Entry):
            entries.append(made)
        else:
            malformed.append(Malformed(file=0, line_no=number, reason=made, raw=legible(raw)))
    count = len(entries) + len(malformed)
    source = SourceFile(path=ref.path, sha256=ref.sha256, bytes=ref.size, lines=count, malformed=len(malformed))
    with undisturbed():
        return session.assembled(ref, SessionFile(source, entries, malformed))
