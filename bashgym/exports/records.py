"""One JSON array of many conversations as many pieces, none of them parsed: a gigabyte is walked over once a process.

The fast way is msgspec's walk over the array (1.8 GB/s measured). It refuses what other readers of JSON take (half a
surrogate pair, NaN), and then the array's own brackets are counted; where those do not match either, the file is cut
where conversations begin, so that damage to one does not take the others along."""

import hashlib
import re
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import msgspec

from bashgym import jsonl
from bashgym.exports.files import Part
from bashgym.records import SessionRef
from bashgym.trace import SourceFile

BOM = b"\xef\xbb\xbf"
SPACE = re.compile(rb"[ \t\r\n]*+")
# up to the next bracket outside strings; possessive, so that no text makes it slow
BRACKET = re.compile(rb'[^"{}\[\]]*+(?:"(?:[^"\\]++|\\.)*+"[^"{}\[\]]*+)*+([{}\[\]])', re.DOTALL)
NAME = re.compile(r"[\w.:@-]{1,200}")


class Head(msgspec.Struct):
    """What tells a conversation's id; all else is skipped."""

    conversation_id: Any = None
    id: Any = None
    uuid: Any = None


class Record(NamedTuple):
    """One conversation, unparsed: its id, the part it lies in, which one of that part it is (from 0), its bytes."""

    id: str
    part: Part
    row: int
    raw: memoryview

    def value(self) -> dict[str, Any]:
        """Raises ValueError when it is no JSON object."""
        found = jsonl.parse(bytes(self.raw))
        if not isinstance(found, dict):
            raise ValueError("not an object")
        return found

    def source(self, lines: int, malformed: int) -> SourceFile:
        """The record as a file of a trace; its lines are its messages."""
        digest = hashlib.sha256(self.raw).hexdigest()
        size = len(self.raw)
        return SourceFile(path=self.part.place, sha256=digest, bytes=size, lines=lines, malformed=malformed)

    def reference(self, source: str, beside: bytes = b"") -> SessionRef:
        """The session; its hash is over its own bytes and over what other files say of it."""
        digest = hashlib.sha256(self.raw)
        digest.update(beside)
        size = len(self.raw) + len(beside)
        path = str(self.part.path)
        return SessionRef(source=source, id=self.id, path=path, size=size, sha256=digest.hexdigest(), row=self.row)


def records(parts: Sequence[Part], opening: re.Pattern[bytes]) -> dict[str, Record]:
    """Every conversation by its id; `opening` is how one begins. A piece without an id is called after its place, and
    a second one of the same id gets a number."""
    found: dict[str, Record] = {}
    seen: Counter[str] = Counter()
    for part in parts:
        for row, raw in enumerate(pieces(part.content, opening)):
            name = named(raw) or f"{part.name}#{row + 1}"
            unique = name
            while unique in found:
                seen[name] += 1
                unique = f"{name}#{seen[name] + 1}"
            found[unique] = Record(unique, part, row, raw)
    return found


def named(raw: memoryview) -> str | None:
    """The id that a conversation gives itself, where it can be one."""
    try:
        head = msgspec.json.decode(raw, type=Head)
    except (ValueError, RecursionError):  # msgspec's errors are values' errors too
        try:
            head = msgspec.convert(jsonl.parse(bytes(raw)), Head)
        except ValueError:
            return None
    names = (name for name in (head.conversation_id, head.id, head.uuid) if isinstance(name, str))
    return next((name for name in names if NAME.fullmatch(name)), None)


def pieces(content: Any, opening: re.Pattern[bytes]) -> list[memoryview]:
    """The elements of the array that `content` (bytes or a map of them) holds; a lone object is its own piece."""
    data = memoryview(content)
    data = data[len(BOM) :] if data[: len(BOM)] == BOM else data
    try:
        return [memoryview(raw) for raw in msgspec.json.decode(data, type=list[msgspec.Raw])]
    except (msgspec.DecodeError, RecursionError):
        counted = by_brackets(data)
        return by_openings(data, opening) if counted is None else counted


def by_brackets(data: memoryview) -> list[memoryview] | None:
    """The objects of the array, by counting brackets outside strings; None where they do not match."""
    begin = after_space(data, 0)
    if data[begin : begin + 1] == b"{":
        return whole(data, begin)
    if data[begin : begin + 1] != b"[":
        return None
    found: list[memoryview] = []
    position = after_space(data, begin + 1)
    while data[position : position + 1] == b"{":
        end = closing(data, position)
        if end is None:
            return None
        found.append(data[position:end])
        position = after_space(data, end)
        if data[position : position + 1] != b",":
            break
        position = after_space(data, position + 1)
    closed = data[position : position + 1] == b"]" and after_space(data, position + 1) == len(data)
    return found if closed else None


def whole(data: memoryview, begin: int) -> list[memoryview] | None:
    """All of it, where it is one object and nothing else."""
    end = closing(data, begin)
    return [data[begin:end]] if end is not None and after_space(data, end) == len(data) else None


def closing(data: memoryview, position: int) -> int | None:
    """Where the bracket that opens at `position` is closed (one past it); None where it never is."""
    depth = 0
    while match := BRACKET.match(data, position):
        depth += 1 if match.group(1) in b"{[" else -1
        position = match.end()
        if depth == 0:
            return position
    return None


def by_openings(data: memoryview, opening: re.Pattern[bytes]) -> list[memoryview]:
    """The text cut where conversations begin; every byte but the brackets and commas between them is in a piece."""
    starts = [match.start() for match in opening.finditer(data)]
    edges = [0, *starts, len(data)]
    found = [part for begin, end in pairwise(edges) for part in split(trimmed(data[begin:end]))]
    return [piece for piece in found if len(piece)]


def split(piece: memoryview) -> list[memoryview]:
    """The object that `piece` begins with, and what follows it: one whose own beginning is damaged."""
    end = closing(piece, 0) if piece[:1] == b"{" else None
    return [piece] if end is None else [piece[:end], trimmed(piece[end:])]


def trimmed(piece: memoryview) -> memoryview:
    """Without what belongs to the array around it."""
    text = bytes(piece)
    kept = text.strip(b" \t\r\n").removeprefix(b"[").removesuffix(b"]").strip(b", \t\r\n")
    begin = text.find(kept)
    return piece[begin : begin + len(kept)]


def after_space(data: memoryview, position: int) -> int:
    match = SPACE.match(data, position)
    return match.end() if match else position
