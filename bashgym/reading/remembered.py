"""What was found out about files is not found out again while they stay as they are: listing unchanged history opens
none of them. `$BASHGYM_HOME/cache/history.sqlite`, for this user only; it may be deleted at any time.

A file is the same when size, inode, and times of change and modification are. A file that changed less than RACY
nanoseconds before it was read is not trusted: it could change again within one tick of the clock (as git has it).
Keys are hashes, so that no path is kept; values hold what the caller gives, which must be no words of a session."""

import errno
import hashlib
import os
import sqlite3
import stat
import struct
import threading
import time
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path

from bashgym import paths

RACY = 2_000_000_000  # nanoseconds: the coarsest clock of a file system in use (FAT)
KEPT = 30  # days without use after which an entry is dropped
REFRESHED = 7  # days after which a used entry is marked as used
SMALL = 4096  # bytes of a value that is read ahead
DAY = 86_400
WAIT = 5.0  # seconds for another process's write
TABLE = (
    "CREATE TABLE IF NOT EXISTS found (key BLOB PRIMARY KEY, stamp BLOB NOT NULL, value BLOB NOT NULL, "
    "day INTEGER NOT NULL) WITHOUT ROWID"
)


def of_files(what: str, files: Sequence[str | Path], find: Callable[[], bytes]) -> bytes:
    """`find()`, or what it returned when no file of `files` was any different. Raises OSError for a file not there."""
    key = digest(what, *map(str, files))
    before = stamps(files)
    known = recall(key, packed(before))
    if known is not None:
        return known
    began = time.time_ns()
    value = find()
    if stamps(files) == before and all(began - max(modified, changed) > RACY for _, modified, changed, _ in before):
        keep(key, value, packed(before))
    return value


def stamps(files: Sequence[str | Path]) -> list[tuple[int, int, int, int]]:
    """(size, modified, changed, inode) of each file; times in nanoseconds. Raises OSError for what is no plain file:
    a pipe would be waited on for ever."""
    found = [os.stat(file) for file in files]  # noqa: PTH116 (Path.stat takes twice the time)
    for file, one in zip(files, found, strict=True):
        if not stat.S_ISREG(one.st_mode):
            raise OSError(errno.EINVAL, "no plain file", str(file))
    return [(one.st_size, one.st_mtime_ns, one.st_ctime_ns, one.st_ino) for one in found]


def packed(found: list[tuple[int, int, int, int]]) -> bytes:
    data = b"".join(struct.pack("<4Q", *(number & 0xFFFF_FFFF_FFFF_FFFF for number in one)) for one in found)
    return hashlib.blake2b(data, digest_size=16).digest()


def digest(*parts: str) -> bytes:
    """A key: 16 bytes over `parts`, told apart from each other."""
    data = b"\0".join(part.encode("utf-8", "surrogatepass") for part in parts)
    return hashlib.blake2b(data, digest_size=16).digest()


def recall(key: bytes, stamp: bytes = b"") -> bytes | None:
    """What was kept under `key` and `stamp`."""
    early = ahead(str(place())).get(key)
    if early is not None and early[0] == stamp:
        return early[1]
    try:
        row = memory().execute("SELECT value, day FROM found WHERE key = ? AND stamp = ?", (key, stamp)).fetchone()
        if row and row[1] < today() - REFRESHED:
            memory().execute("UPDATE found SET day = ? WHERE key = ?", (today(), key))
    except sqlite3.Error as error:
        broken(error)
        return None
    return row[0] if row else None


@lru_cache(1)
def ahead(path: str) -> dict[bytes, tuple[bytes, bytes]]:
    """All small values in use, read at once: one question for each of thousands of files takes longer than the rest."""
    try:
        rows = memory().execute(
            "SELECT key, stamp, value FROM found WHERE day >= ? AND length(value) <= ?", (today() - REFRESHED, SMALL)
        )
        return {key: (stamp, value) for key, stamp, value in rows}
    except sqlite3.Error as error:
        broken(error)
        return {}


def keep(key: bytes, value: bytes, stamp: bytes = b"") -> None:
    """Keeps `value` under `key`, in place of what was there; where that cannot be done it is found again."""
    ahead(str(place())).pop(key, None)
    try:
        memory().execute("INSERT OR REPLACE INTO found VALUES (?, ?, ?, ?)", (key, stamp, value, today()))
    except sqlite3.Error as error:
        broken(error)


def clear() -> None:
    """Drops everything (`bashgym forget` does: values may name folders and sessions)."""
    opened.cache_clear()
    ahead.cache_clear()
    for end in ("", "-wal", "-shm"):
        place().with_name(place().name + end).unlink(missing_ok=True)


def today() -> int:
    return int(time.time()) // DAY


def place() -> Path:
    return place_in(os.environ.get("BASHGYM_HOME"))


@lru_cache
def place_in(_: str | None) -> Path:
    """Where the cache is; asking for the home looks at every folder above it, which is slow a thousand times."""
    return paths.home() / "cache" / "history.sqlite"


def memory() -> sqlite3.Connection:
    return opened(str(place()), os.getpid(), threading.get_ident())


@lru_cache
def opened(path: str, process: int, thread: int) -> sqlite3.Connection:
    """The cache of this thread; one in memory where the file can be neither read nor made."""
    try:
        return connected(path)
    except (sqlite3.Error, OSError) as error:
        if "locked" in str(error) or not removed(Path(path)):
            return connected(":memory:")
    try:
        return connected(path)
    except (sqlite3.Error, OSError):
        return connected(":memory:")


def removed(path: Path) -> bool:
    """Whether what is in the place of the cache, and is none, could be taken away."""
    try:
        path.unlink(missing_ok=True)
    except OSError:
        return False
    return True


def connected(path: str) -> sqlite3.Connection:
    if path != ":memory:":
        Path(path).parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    made = sqlite3.connect(path, timeout=WAIT, isolation_level=None)
    made.execute("PRAGMA journal_mode = WAL")
    made.execute("PRAGMA synchronous = OFF")  # after a power cut the file may be damaged: it is then made anew
    made.execute(TABLE)
    made.execute("DELETE FROM found WHERE day < ?", (today() - KEPT,))
    return made


def broken(error: sqlite3.Error) -> None:
    """A damaged file is dropped; a full or busy disk costs only time."""
    if isinstance(error, sqlite3.DatabaseError) and not isinstance(error, sqlite3.OperationalError):
        clear()
