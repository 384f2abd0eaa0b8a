"""Which session lies where in what we keep: `$BASHGYM_HOME/ledger.jsonl`, one line a session and result, one a run.

Written before a session is worked on, so that nothing is ever kept of it that the ledger does not know; `bashgym
forget` reads it. It holds ids and folders as they are, for this user only, and never leaves the data home."""

import fcntl
import os
from collections.abc import Iterable, Set
from pathlib import Path

import msgspec

from bashgym import jsonl, paths
from bashgym.errors import InputError
from bashgym.records import Record


class Entry(Record, frozen=True, kw_only=True):
    """A session's id as its source has it, the folders it worked in, the store's key of its result; or a run."""

    id: str = ""
    source: str = ""
    folders: tuple[str, ...] = ()
    key: str = ""
    run: str = ""  # a run's folder; the other fields are empty


def file() -> Path:
    return paths.home() / "ledger.jsonl"


def entries() -> list[Entry]:
    """Every line; none where there is no file yet. What a kill left behind the last newline is no line: its session
    was not worked on. Raises InputError for a damaged line."""
    found = []
    content = file().read_bytes() if file().exists() else b""
    for number, line in enumerate(content.split(b"\n")[:-1], 1):
        try:
            found.append(msgspec.json.decode(line, type=Entry))
        except msgspec.DecodeError:
            raise InputError(f"{file()}:{number}: damaged; delete the line") from None
    return found


def note(new: Iterable[Entry]) -> None:
    """Adds what the ledger has not yet."""
    descriptor = os.open(file(), os.O_RDWR | os.O_CREAT, 0o600)
    with os.fdopen(descriptor, "r+b") as ledger:
        fcntl.flock(ledger, fcntl.LOCK_EX)
        known = {one(entry) for entry in entries()}
        fresh = [entry for entry in new if one(entry) not in known]
        content = ledger.read()
        ledger.seek(content.rfind(b"\n") + 1)  # over what a kill left of a line
        ledger.truncate()
        ledger.write(b"".join(msgspec.json.encode(entry) + b"\n" for entry in fresh))


def one(entry: Entry) -> tuple[str, str, str]:
    return entry.id, entry.key, entry.run


def without(ids: Set[str]) -> None:
    """Drops the sessions' lines."""
    known = entries()
    kept = [entry for entry in known if not entry.id or entry.id not in ids]
    if len(kept) < len(known):
        jsonl.replace(file(), b"".join(msgspec.json.encode(entry) + b"\n" for entry in kept))
