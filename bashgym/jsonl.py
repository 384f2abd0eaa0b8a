"""JSON Lines and whole files: append in one write, read past bad lines however long, replace atomically."""

import json
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, NamedTuple

import msgspec
import orjson

BLOCK = 1 << 16  # bytes; larger ones leave the processor's cache before they are parsed
LONGEST = 128 << 20  # bytes of a line that are taken into memory; no agent writes lines near this long
KEPT = 64 << 10  # bytes that are kept of a longer one
decode = msgspec.json.Decoder().decode  # raises ValueError or RecursionError


class Line(NamedTuple):
    """One line of a file: its number from 1, its bytes, and its value or why it has none."""

    number: int
    raw: bytes
    value: Any
    error: str | None


class Piece(NamedTuple):
    """The bytes of one line that is not blank, without what surrounds them; `fault`: why they are not all of it.

    ended: a newline follows; where none does, the line may still be being written."""

    number: int
    raw: bytes
    ended: bool
    fault: str | None = None


class Block(NamedTuple):
    """Some lines that follow each other, blank ones included; `ended` and `fault` (see Piece) are those of the last."""

    first: int  # the number of the first line, from 1
    lines: list[bytes]
    ended: bool = True
    fault: str | None = None


def blocks(file: IO[bytes], seen: Callable[[bytes], object]) -> Iterator[Block]:
    """The lines of `file`, a quarter of a mebibyte or so at a time; `seen` is given all bytes, as they are read.

    A line without a newline is the last one, even if more has been written by the time it was read: that would be its
    rest, and no line."""
    number, ended = 1, True
    while ended and (raw := file.read(BLOCK)):
        seen(raw)
        lines = raw.split(b"\n")
        fault, cut = None, lines.pop()
        if cut:  # the block ends within a line
            rest = file.readline(LONGEST)
            seen(rest)
            ended = rest.endswith(b"\n")
            lines.append(cut + rest)
            if len(rest) == LONGEST and not ended:
                size, ended = overlong(file, seen)
                fault = f"a line of {(len(lines[-1]) + size) / 1e6:.0f} MB; only its start is kept"
                lines[-1] = lines[-1].lstrip()[:KEPT] or b"?"  # never blank: a blank line would be no line
        yield Block(number, lines, ended, fault)
        number += len(lines)


def pieces(file: IO[bytes], seen: Callable[[bytes], object]) -> Iterator[Piece]:
    """The lines of `file` one by one, however large it is (see `blocks`)."""
    for block in blocks(file, seen):
        last = block.first + len(block.lines) - 1
        for number, line in enumerate(block.lines, block.first):
            if raw := line.strip():
                yield Piece(number, raw, block.ended or number != last, block.fault if number == last else None)


def overlong(file: IO[bytes], seen: Callable[[bytes], object]) -> tuple[int, bool]:
    """Passes over the rest of a line: its size, and whether a newline ends it."""
    size = 0
    while line := file.readline(1 << 20):
        seen(line)
        size += len(line)
        if line.endswith(b"\n"):
            return size, True
    return size, False


def parse(raw: bytes) -> Any:
    """The JSON value of `raw`; what msgspec refuses (NaN, lone surrogates, a byte order mark) is tried with `json`.

    Not by orjson, which is no faster and turns integers of more than 64 bits into floats. Raises ValueError when
    neither reads it."""
    try:
        return decode(raw)
    except (ValueError, RecursionError):
        return slowly(raw)


def slowly(raw: bytes) -> Any:
    """The JSON value of `raw` by the standard library."""
    try:
        return json.loads(raw.decode("utf-8-sig", "surrogatepass"))
    except RecursionError:
        raise ValueError("nested too deeply") from None
    except UnicodeDecodeError as error:
        raise ValueError(f"not UTF-8 (byte {error.start + 1})") from None


def read_lines(path: Path) -> Iterator[Line]:
    """Every line that is not blank, malformed ones included, with `error` set."""
    with path.open("rb") as file:
        for number, raw, _, fault in pieces(file, len):
            if fault:
                yield Line(number, raw, None, fault)
                continue
            try:
                yield Line(number, raw, parse(raw), None)
            except ValueError as error:
                yield Line(number, raw, None, str(error))


def dumps(value: Any) -> bytes:
    """Compact JSON bytes; big integers and lone surrogates, which orjson refuses, go through `json`.

    NaN and infinity, which JSON has not, become null."""
    try:
        return orjson.dumps(value)
    except (TypeError, orjson.JSONEncodeError):
        return json.dumps(value, ensure_ascii=True, separators=(",", ":")).encode()


def append(path: Path, record: Any) -> None:
    """One record as one line in one write, so that parallel writers never tear each other's lines."""
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(descriptor, dumps(record) + b"\n")
    finally:
        os.close(descriptor)


def replace(path: Path, content: bytes) -> None:
    """The file holds either its old bytes or `content`, never a part, also after a kill or a power cut."""
    with replacing(path) as file:
        file.write(content)


@contextmanager
def replacing(path: Path) -> Iterator[IO[bytes]]:
    """A file that takes the place of `path` in the end, and is gone where that is not reached."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
