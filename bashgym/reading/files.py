"""References to sessions: what a file is called, how large it is, and the hash of its bytes.

Files whose name ends in `.gz` are read as what they hold. An unchanged file is not hashed again (remembered.py)."""

import gzip
import hashlib
import struct
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import IO

import orjson

from bashgym.errors import InputError
from bashgym.reading import remembered
from bashgym.records import SessionRef

BLOCK = 1 << 20
PACKED = ".gz"
SPARED: ContextVar[list[str] | None] = ContextVar("spared", default=None)


def reference(source: str, name: str, path: Path, others: Sequence[Path] = ()) -> SessionRef:
    """The session `name` in `path`, with the files that belong to it.

    `sha256` is over the bytes of `path` and then of `others`, in this order. Raises InputError, or, within
    `sparing`, notes the reason and leaves `sha256` empty."""
    files = (path, *others)
    names = tuple(map(str, others))
    try:
        digest, size = unpacked(remembered.of_files("sha256", files, lambda: hashed(files)))
    except OSError as error:
        return spared(source, name, path, names, unreadable(Path(error.filename or path), error))
    except InputError as error:
        return spared(source, name, path, names, error)
    return SessionRef(source=source, id=name, path=str(path), size=size, sha256=digest, files=names)


def hashed(files: Sequence[Path]) -> bytes:
    """The hash and the size of all files together, as `unpacked` reads them."""
    digest, size = hashlib.sha256(), 0
    for file in files:
        for block in blocks(file):
            digest.update(block)
            size += len(block)
    return struct.pack("<Q", size) + digest.digest()


def unpacked(value: bytes) -> tuple[str, int]:
    return value[8:].hex(), struct.unpack("<Q", value[:8])[0]


@contextmanager
def sparing() -> Iterator[list[str]]:
    """Within, an unreadable file ends no listing: its session is listed without a hash, and why is in the list."""
    reasons: list[str] = []
    token = SPARED.set(reasons)
    try:
        yield reasons
    finally:
        SPARED.reset(token)


def spared(source: str, name: str, path: Path, files: tuple[str, ...], error: InputError) -> SessionRef:
    note(error)
    return SessionRef(source=source, id=name, path=str(path), size=0, sha256="", files=files)


def note(error: InputError) -> None:
    """Notes `error` within `sparing`, raises it elsewhere."""
    reasons = SPARED.get()
    if reasons is None:
        raise error from None
    if str(error) not in reasons:
        reasons.append(str(error))


def head(name: str, path: Path, look: Callable[[Path], list[str]]) -> list[str] | None:
    """What `look` sees of a file, remembered under `name`; None where it sees nothing, or cannot, which is noted."""
    try:
        found = orjson.loads(remembered.of_files(name, [path], lambda: orjson.dumps(look(path))))
    except OSError as error:
        note(unreadable(path, error))
        return None
    return found or None


def clean(names: Sequence[str | None]) -> list[str]:
    """Names that can be written as UTF-8; a hostile one is none."""
    return [name if name and name.isprintable() else "" for name in names]


def blocks(path: Path) -> Iterator[bytes]:
    """The bytes of `path`, a mebibyte at a time. Raises InputError when it cannot be read."""
    try:
        with opened(path) as file:
            while block := file.read(BLOCK):
                yield block
    except (OSError, EOFError, zlib.error) as error:
        raise unreadable(path, error) from None


def content(path: Path) -> bytes:
    """All bytes of `path`. Raises InputError when it cannot be read."""
    try:
        with opened(path) as file:
            return file.read()
    except (OSError, EOFError, zlib.error) as error:
        raise unreadable(path, error) from None


def opened(path: Path) -> IO[bytes]:
    return gzip.open(path) if path.suffix == PACKED else path.open("rb")  # type: ignore[return-value]


def bare(path: Path) -> Path:
    """The path as the agent wrote it: without the ending that the archive adds."""
    return path.with_suffix("") if path.suffix == PACKED else path


def unreadable(path: Path, error: Exception) -> InputError:
    reason = (error.strerror if isinstance(error, OSError) else None) or str(error) or type(error).__name__
    return InputError(f"{path}: cannot be read ({reason}); make it readable or move it out of the folder")


def found(root: Path, pattern: str) -> list[Path]:
    """The files under `root` that `pattern` matches, sorted; `root` itself where it is a file."""
    return [root] if root.is_file() else sorted(path for path in root.rglob(pattern) if path.is_file())
