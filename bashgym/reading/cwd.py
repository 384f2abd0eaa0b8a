"""The folders that a session's files name: every `cwd` in their JSON, whatever line or depth; nothing is parsed."""

import gzip
import mmap
import os
import re
import zlib
from collections.abc import Iterator
from pathlib import Path

from bashgym.errors import InputError
from bashgym.jsonl import parse
from bashgym.reading.files import unreadable
from bashgym.records import SessionRef

CWD = re.compile(rb'"cwd"\s*:\s*("(?:[^"\\]|\\.)*")')


def folders_of(ref: SessionRef) -> Iterator[str]:
    """Every distinct folder that the session's files name. Raises InputError when one cannot be read."""
    seen: set[bytes] = set()
    for name in (ref.path, *ref.files):
        for quoted in quoted_folders(Path(name)):
            if quoted not in seen:
                seen.add(quoted)
                cwd = value(quoted)
                if cwd:
                    yield cwd


def quoted_folders(path: Path) -> Iterator[bytes]:
    """The JSON strings that are the value of a key `cwd` in a file. Raises InputError when it cannot be read."""
    try:
        if path.suffix == ".gz":
            with gzip.open(path) as unpacked:
                yield from (match.group(1) for line in unpacked for match in CWD.finditer(line))
            return
        with path.open("rb") as file:
            if os.fstat(file.fileno()).st_size == 0:
                return
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as view:
                yield from (match.group(1) for match in CWD.finditer(view))
    except (OSError, EOFError, zlib.error) as error:
        raise damaged(path, error) from None


def damaged(path: Path, error: Exception) -> InputError:
    if isinstance(error, OSError) and error.strerror:
        return unreadable(path, error)
    return InputError(f"{path}: cannot be unpacked ({error}); delete it")


def value(quoted: bytes) -> str | None:
    """The text of a JSON string; None where it is none (a damaged line)."""
    try:
        found = parse(quoted)
    except ValueError:
        return None
    return found if isinstance(found, str) else None
