"""References to sessions: what a file is called, how large it is, and the hash of its bytes."""

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path

from bashgym.errors import InputError
from bashgym.records import SessionRef

BLOCK = 1 << 20


def reference(source: str, name: str, path: Path, others: Sequence[Path] = ()) -> SessionRef:
    """The session `name` in `path`, with the files that belong to it.

    `sha256` is over the bytes of `path` and then of `others`, in this order. Raises InputError."""
    digest, size = hashlib.sha256(), 0
    for file in (path, *others):
        for block in blocks(file):
            digest.update(block)
            size += len(block)
    files = tuple(str(other) for other in others)
    return SessionRef(source=source, id=name, path=str(path), size=size, sha256=digest.hexdigest(), files=files)


def blocks(path: Path) -> Iterator[bytes]:
    """The bytes of `path`, a mebibyte at a time. Raises InputError when it cannot be read."""
    try:
        with path.open("rb") as file:
            while block := file.read(BLOCK):
                yield block
    except OSError as error:
        raise unreadable(path, error) from None


def unreadable(path: Path, error: OSError) -> InputError:
    return InputError(f"{path}: cannot be read ({error.strerror}); make it readable or move it out of the folder")


def found(root: Path, pattern: str) -> list[Path]:
    """The files under `root` that `pattern` matches, sorted; `root` itself where it is a file."""
    return [root] if root.is_file() else sorted(path for path in root.rglob(pattern) if path.is_file())
