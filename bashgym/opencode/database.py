"""OpenCode's database, read while OpenCode may be writing it, and without a trace of us in it.

It is opened read-only. A database without a write-ahead log, which nobody has open, is read as immutable, so that not
even an empty log is left beside it; one that changes meanwhile, or has a log, is read as every other reader does, in
one transaction. Where a writer lets nobody in, a copy of it and its log, in a folder of our own, is read."""

import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

from bashgym.errors import InputError
from bashgym.opencode.rows import Row, Stored, readable, session_row

T = TypeVar("T")
WAIT = 1.0  # seconds for a writer to finish
COPIES = 5  # attempts at a copy during which nothing was written
LOGS = ("-wal", "-journal")


def within(path: Path, work: Callable[[sqlite3.Connection], T]) -> T:
    """What `work` says of the database at `path`. Raises InputError when it cannot be read in any way."""
    reason: Exception | None = None
    for way in (untouched, shared, copied):
        try:
            with way(path) as connection:
                return work(connection)
        except (sqlite3.Error, OSError) as error:
            reason = error
    raise InputError(f"{path}: cannot be read as OpenCode's database ({reason}); close OpenCode and try again")


@contextmanager
def untouched(path: Path) -> Iterator[sqlite3.Connection]:
    """A database that nobody writes. Raises sqlite3.OperationalError when somebody does, before or meanwhile."""
    before = stamps(path)
    if any(size for _, size, _ in before[1:]):
        raise sqlite3.OperationalError("it is being written")
    with closing(opened(path, "immutable=1")) as connection:
        yield connection
    if stamps(path) != before:
        raise sqlite3.OperationalError("it was written meanwhile")


@contextmanager
def shared(path: Path) -> Iterator[sqlite3.Connection]:
    """One state of a database that others may write meanwhile. Raises sqlite3.OperationalError when it is locked."""
    with closing(opened(path, "mode=ro")) as connection:
        connection.execute("BEGIN")
        yield connection


@contextmanager
def copied(path: Path) -> Iterator[sqlite3.Connection]:
    """A copy; what its writer has not committed is rolled back in it."""
    with tempfile.TemporaryDirectory(prefix="bashgym-") as folder:
        copy = Path(folder) / "copy.db"
        for _ in range(COPIES):
            before = stamps(path)
            shutil.copyfile(path, copy)
            for log in LOGS:
                source, target = path.with_name(path.name + log), copy.with_name(copy.name + log)
                target.unlink(missing_ok=True)
                if source.exists():
                    shutil.copyfile(source, target)
            if stamps(path) == before:
                break
        with closing(opened(copy, "mode=rw")) as connection:
            yield connection


def stamps(path: Path) -> list[tuple[bool, int, int]]:
    """(there, size, time of modification) of the database and its logs."""
    found = []
    for name in (path.name, *(path.name + log for log in LOGS)):
        place = path.with_name(name)
        state = place.stat() if place.exists() else None
        found.append((state is not None, state.st_size if state else 0, state.st_mtime_ns if state else 0))
    return found


def opened(path: Path, how: str) -> sqlite3.Connection:
    place = f"file:{quote(str(path.resolve()))}?{how}"
    connection = sqlite3.connect(place, uri=True, timeout=WAIT, isolation_level=None)
    connection.text_factory = bytes
    try:
        connection.execute("PRAGMA query_only = 1")
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def parents(connection: sqlite3.Connection) -> dict[str, str]:
    """The id of every session, oldest first, with that of the session which started it, "" for most."""
    found = connection.execute("SELECT id, parent_id FROM session ORDER BY time_created, id")
    return {word(name): word(parent) for name, parent in found}


def stored(connection: sqlite3.Connection, name: str) -> Stored:
    """The rows of the session `name`."""
    rows = [session_row(columns) for columns in records(connection, "SELECT * FROM session WHERE id = ?", name)]
    for columns in records(connection, "SELECT * FROM message WHERE session_id = ? ORDER BY time_created, id", name):
        rows.append(Row("message", word(columns["id"]), data_of(columns)))
    for columns in records(connection, "SELECT * FROM part WHERE session_id = ?", name):
        rows.append(Row("part", word(columns["id"]), data_of(columns), word(columns["message_id"])))
    return Stored(name, rows)


def records(connection: sqlite3.Connection, query: str, name: str) -> Iterator[dict[str, Any]]:
    found = connection.execute(query, (name,))
    columns = [column[0] for column in found.description]
    for row in found:
        yield dict(zip(columns, row, strict=True))


def word(value: Any) -> str:
    """An id as text."""
    return "" if value is None else str(readable(value))


def data_of(columns: dict[str, Any]) -> bytes:
    """The JSON of a message or part; a value that is no text is kept as what it is."""
    data = columns.get("data")
    return data if isinstance(data, bytes) else b"null" if data is None else str(data).encode()
