"""Results by content hash: what was computed once is not computed again. Holds sanitized data only."""

import fcntl
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bashgym import jsonl


class Store:
    """Compressed blobs under `folder`, named by the hash of everything that went into them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @contextmanager
    def used(self, alone: bool = False) -> Iterator[bool]:
        """While a run uses the store, nobody clears it: any number of users, or one alone; false where that one would
        have to wait."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with (self.folder / ".lock").open("a") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB if alone else fcntl.LOCK_SH)
            except BlockingIOError:
                yield False
                return
            yield True

    def all_keys(self) -> list[str]:
        """The keys of all blobs, sorted."""
        return sorted(path.parent.name + path.stem for path in self.folder.glob("??/*.z") if path.name[0] != ".")

    def begin(self, key: str, size: int) -> bytes | None:
        """The first `size` bytes of the blob; None as in `get`."""
        try:
            return zlib.decompressobj().decompress(self.path(key).read_bytes(), size)
        except (FileNotFoundError, zlib.error):
            return None

    def drop(self, key: str) -> bool:
        """Whether there was a blob."""
        there = self.has(key)
        self.path(key).unlink(missing_ok=True)
        return there

    def path(self, key: str) -> Path:
        return self.folder / key[:2] / f"{key[2:]}.z"

    def has(self, key: str) -> bool:
        return self.path(key).exists()

    def get(self, key: str) -> bytes | None:
        """The blob, or None where there is none or where a disk has damaged it (it is then made anew)."""
        try:
            return zlib.decompress(self.path(key).read_bytes())
        except (FileNotFoundError, zlib.error):
            return None

    def put(self, key: str, blob: bytes) -> None:
        jsonl.replace(self.path(key), zlib.compress(blob, 1))
