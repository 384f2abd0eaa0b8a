"""Results by content hash: what was computed once is not computed again. Holds sanitized data only."""

import zlib
from pathlib import Path

from bashgym import jsonl


class Store:
    """Compressed blobs under `folder`, named by the hash of everything that went into them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

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
