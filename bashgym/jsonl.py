"""JSON Lines and whole files: append in one write, read past bad lines, replace atomically."""

import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import orjson


class Line(NamedTuple):
    """One line of a file: its number from 1, its bytes, and its value or why it has none."""

    number: int
    raw: bytes
    value: Any
    error: str | None


def parse(raw: bytes) -> Any:
    """The JSON value of `raw`; what orjson refuses (NaN, lone surrogates, big numbers) is tried with `json`.

    Raises ValueError when neither reads it."""
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError:
        try:
            return json.loads(raw.decode("utf-8-sig", "surrogatepass"))
        except RecursionError as error:
            raise ValueError("nested too deeply") from error


def read_lines(path: Path) -> Iterator[Line]:
    """Every line that is not blank, malformed ones included, with `error` set."""
    with path.open("rb") as file:
        for number, raw in enumerate(file, 1):
            text = raw.strip()
            if not text:
                continue
            try:
                yield Line(number, text, parse(text), None)
            except ValueError as error:
                yield Line(number, text, None, str(error))


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
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
