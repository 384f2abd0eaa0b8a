"""What lies in a lock file, written in steps as the run goes on and read back. Every step replaces the file whole."""

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec
import yaml

from bashgym import jsonl, yamls
from bashgym.errors import InputError
from bashgym.records import Record

NAME = "recipe.lock.yaml"
SESSIONS = "sessions.lock.jsonl"
FEW = 100  # sessions that are listed in the lock file itself
HEAD = "# Written by bashgym; the resolved recipe of this run, and what went into it.\n"
NEEDED = ("bashgym", "recipe", "settings", "plugins", "pseudonym_key", "code")


class LockedTrace(Record, frozen=True, kw_only=True):
    """A session's own trace, or one of its sub-agents, by its name in the dataset, and what became of it."""

    name: str
    label: str  # gold, silver, failed, unverified
    split: str | None = None  # None: it is not in the dataset
    dropped: str = ""  # why the curators left it out
    rows: int = 0
    copied: int = 0  # replies of it that an earlier session of the dataset teaches


class LockedSession(Record, frozen=True, kw_only=True):
    """A session by its name in the dataset; `result` is the store's key of what was made of it."""

    session: str
    id_sha256: str  # of the id that its source gives it
    source: str
    sha256: str
    bytes: int
    result: str
    traces: tuple[LockedTrace, ...] = ()
    drops: dict[str, int] = msgspec.field(default_factory=dict)  # what its rows lack, by reason


def add(folder: Path, **values: Any) -> None:
    """Puts `values` into the run's lock file, in place of what it had under these names."""
    content = load(folder / NAME)
    jsonl.replace(folder / NAME, dumped({**content, **values}))


def dumped(content: dict[str, Any]) -> bytes:
    dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    text = yaml.dump(content, Dumper=dumper, sort_keys=False, allow_unicode=True, width=120)
    return f"{HEAD}{text}".encode()


def add_sessions(folder: Path, sessions: list[LockedSession]) -> None:
    """The list of sessions, in the lock file or, where they are many, beside it; the file beside it comes first."""
    lines = b"".join(msgspec.json.encode(one) + b"\n" for one in sessions)
    entry: dict[str, Any] = {"count": len(sessions), "sha256": hashlib.sha256(lines).hexdigest()}
    if len(sessions) > FEW:
        jsonl.replace(folder / SESSIONS, lines)
        entry["file"] = SESSIONS
    else:
        entry["list"] = msgspec.to_builtins(sessions)
    add(folder, sessions=entry, splits=splits(sessions))
    if len(sessions) <= FEW:
        (folder / SESSIONS).unlink(missing_ok=True)


def splits(sessions: Iterable[LockedSession]) -> dict[str, Any]:
    """Traces by split: how many, and a hash of their names. The names stand with the sessions."""
    names: dict[str, list[str]] = {}
    for trace in (trace for session in sessions for trace in session.traces):
        names.setdefault(trace.split or "left out", []).append(trace.name)
    return {split: {"traces": len(found), "sha256": of_names(found)} for split, found in sorted(names.items())}


def of_names(names: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(sorted(names)).encode()).hexdigest()


def load(path: Path) -> dict[str, Any]:
    """The file's content as plain data. Raises InputError for what is no lock file."""
    try:
        content = yamls.load(path.read_bytes())
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); name the recipe.lock.yaml of a run") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not valid YAML ({type(error).__name__}); copy it again from its run") from None
    if not isinstance(content, dict):
        raise InputError(f"{path}: no lock file of a run; name the recipe.lock.yaml in a run's folder")
    return content


def read(path: Path) -> dict[str, Any]:
    """A lock file that a run can be held to, `sessions.list` included. Raises InputError where it lacks anything."""
    path = path / NAME if path.is_dir() else path
    content = load(path)
    missing = [name for name in NEEDED if name not in content]
    if missing:
        raise InputError(f"{path}: no lock file of a run (it lacks {', '.join(missing)}); name a run's {NAME}")
    if "sessions" not in content or "dataset" not in content:
        raise InputError(
            f"{path}: its run did not come to its dataset, so nothing says what it was made of; run it again"
        )
    listed = [msgspec.to_builtins(one) for one in sessions(path, content)]
    return {**content, "sessions": {**content["sessions"], "list": listed}}


def sessions(path: Path, content: dict[str, Any]) -> list[LockedSession]:
    """The sessions of the lock file at `path`; none where its run did not come so far.

    Raises InputError where the list is not beside it, or not the one it was written with."""
    entry = content.get("sessions")
    if entry is None:
        return []
    try:
        if "list" in entry:
            return msgspec.convert(entry["list"], list[LockedSession])
        beside = path.with_name(str(entry["file"]).rpartition("/")[2])
        lines = beside.read_bytes()
        if hashlib.sha256(lines).hexdigest() != entry["sha256"]:
            raise InputError(f"{beside}: not the list that {path.name} was written with; copy both from the same run")
        return [msgspec.json.decode(line, type=LockedSession) for line in lines.splitlines()]
    except FileNotFoundError:
        raise InputError(
            f"{path}: {beside.name}, the list of its sessions, is not beside it; copy it there too"
        ) from None
    except (msgspec.MsgspecError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{path}: its sessions cannot be read ({error}); copy it again from its run") from None


def without(folder: Path, results: Iterable[str], names: Iterable[str]) -> None:
    """Takes sessions out of a run's lock file, by the store's keys of their results or by their names there."""
    path = folder / NAME
    if not path.exists():
        return
    keys, called = set(results), set(names)
    found = sessions(path, load(path))
    kept = [one for one in found if one.result not in keys and one.session not in called]
    if len(kept) < len(found):
        add_sessions(folder, kept)
