"""Which sessions there are: one reference for each that no other started, with those it started.

A database holds many sessions: a reference to one is the path of the database and the session's id, and its hash is
over the session's rows and those of its sub-agents. A database that has not changed is not read again."""

import os
import sqlite3
from collections.abc import Iterator, Mapping
from pathlib import Path

import orjson

from bashgym import jsonl
from bashgym.opencode import database, storage
from bashgym.opencode.rows import Stored, digest
from bashgym.reading import cwd, remembered
from bashgym.reading.files import reference, unreadable
from bashgym.reading.folders import of_session
from bashgym.records import SessionRef

SOURCE = "opencode"
LOOK = "opencode sessions 1"  # to be counted up when `listing` says more
DATABASES = "opencode*.db"  # one for each channel of releases


def own_folder() -> Path:
    """Where OpenCode keeps its data: $XDG_DATA_HOME/opencode, default ~/.local/share/opencode."""
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share").expanduser() / "opencode"


def found(root: Path) -> Iterator[tuple[SessionRef, list[str]]]:
    """Every session in `root`, a database or a folder with databases or the files before them, with the folders it
    worked in. A session that was carried over into a database is read from there. Raises InputError."""
    taken: set[str] = set()
    for path in [root] if root.is_file() else sorted(root.glob(DATABASES)):
        for ref, folders, members in in_database(path):
            taken.update(members)
            yield ref, folders
    for folder in (root, root / "storage"):
        yield from in_storage(folder, taken)


def in_database(path: Path) -> Iterator[tuple[SessionRef, list[str], list[str]]]:
    """Each session with its folders and the ids of it and its sub-agents."""
    logs = [log for end in database.LOGS if (log := path.with_name(path.name + end)).exists()]
    try:
        known = remembered.of_files(LOOK, [path, *logs], lambda: database.within(path, listing))
    except OSError as error:
        raise unreadable(path, error) from None
    for members, size, sha256, folders in orjson.loads(known):
        yield SessionRef(source=SOURCE, id=members[0], path=str(path), size=size, sha256=sha256), folders, members


def listing(connection: sqlite3.Connection) -> bytes:
    """[ids, bytes, hash, folders] of every session that no other one started, as JSON."""
    lines = []
    for members in families(database.parents(connection)).values():
        family = [database.stored(connection, one) for one in members]
        lines.append([members, sum(one.size for one in family), digest(family), folders_of(family)])
    return jsonl.dumps(lines)


def folders_of(family: list[Stored]) -> list[str]:
    return list(dict.fromkeys(folder for one in family for folder in one.folders()))


def families(parents: Mapping[str, str]) -> dict[str, list[str]]:
    """Each session that no other one started, with itself and all that came of it, parents before children. One that
    is its own ancestor is as if nobody had started it."""
    result: dict[str, list[str]] = {}
    waiting: list[tuple[int, int, str, str]] = []
    for place, name in enumerate(parents):
        chain = [name]
        while (parent := parents[chain[-1]]) in parents and parent not in chain:
            chain.append(parent)
        if len(chain) == 1 or parent in chain:
            result[name] = [name]
        else:
            waiting.append((len(chain), place, name, chain[-1]))
    for *_, name, root in sorted(waiting):
        result.setdefault(root, [root]).append(name)
    return result


def in_storage(folder: Path, taken: set[str]) -> Iterator[tuple[SessionRef, list[str]]]:
    files = {name: path for name, path in storage.session_files(folder).items() if name not in taken}
    parents = {name: storage.parent_of(path) for name, path in files.items()}
    for name, members in families(parents).items():
        paths = [other for one in members for other in (files[one], *storage.files_of(files[one]))]
        ref = reference(SOURCE, name, paths[0], paths[1:])
        yield ref, of_session(f"{SOURCE} folders 1", ref, storage_folders)


def storage_folders(ref: SessionRef) -> Iterator[str]:
    """Every folder that a session of the files worked in."""
    yield from cwd.folders_of(ref)
    for one in read(ref):
        yield from one.folders()


def read(ref: SessionRef) -> list[Stored]:
    """The rows of a session, then of its sub-agents, parents first. Raises InputError when they cannot be read."""
    path = Path(ref.path)
    if path.suffix == ".json":
        heads = [path, *(Path(name) for name in ref.files if Path(name).parts[-3] == "session")]
        return [storage.stored(head) for head in heads]
    return database.within(path, lambda connection: family_in(connection, ref.id))


def family_in(connection: sqlite3.Connection, name: str) -> list[Stored]:
    parents = database.parents(connection)
    members = families(parents).get(name, [])
    return [database.stored(connection, one) for one in members]
