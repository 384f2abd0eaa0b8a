"""What is remembered of settings files that our hooks were put into: `$BASHGYM_HOME/capture/installed.json`."""

import hashlib
from pathlib import Path

import msgspec

from bashgym import jsonl, paths
from bashgym.errors import InputError


class Note(msgspec.Struct, frozen=True, kw_only=True):
    """What is remembered of a file we changed; hashes are SHA-256 of its bytes."""

    before: str | None  # None where there was no file
    after: str
    backup: str | None  # the file that holds the bytes of `before`
    made: tuple[str, ...] = ()  # folders we made for it
    new: bool = False  # there was no file
    touched: bool = False  # its owner changed it between two installs, so there is no going back to `before`
    client: str | None = None  # the oldest client that the events were chosen for
    at: str = ""  # when they were first registered


def hashed(raw: bytes) -> str:
    return hashlib.sha256(raw).hexdigest()


def notes() -> dict[str, Note]:
    """What is remembered, by the file's path."""
    file = paths.home() / "capture" / "installed.json"
    try:
        return msgspec.json.decode(file.read_bytes(), type=dict[str, Note])
    except FileNotFoundError:
        return {}
    except (OSError, msgspec.DecodeError):
        raise InputError(f"{file}: damaged; delete it: our hooks are known without it") from None


def remembered(file: Path, raw: bytes | None) -> Note | None:
    """The note of `file`, `touched` where its bytes are not those that we left."""
    note = notes().get(str(file))
    if note is None or (raw is not None and hashed(raw) == note.after):
        return note
    return msgspec.structs.replace(note, touched=True)


def remember(file: Path, note: Note) -> None:
    keep({**notes(), str(file): note})


def forget(file: Path) -> None:
    kept = notes()
    if kept.pop(str(file), None) is not None:
        keep(kept)


def keep(kept: dict[str, Note]) -> None:
    jsonl.replace(paths.home() / "capture" / "installed.json", msgspec.json.encode(kept))
