"""`bashgym forget`: everything that is kept of a session is deleted, and nothing reads it again.

The agent's own files are not touched. The order makes it safe to be cut off at any instant: first the tombstone
($BASHGYM_HOME/forgotten, the SHA-256 of the id), so that neither hook nor run brings back what is deleted next; then
spool, archive, datasets, store; last the ledger, which says where to look. Forgetting again finishes it."""

import fcntl
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from bashgym import jsonl, paths
from bashgym.capture import spool, stored
from bashgym.capture.known import Known, Session
from bashgym.errors import BashGymError, InputError
from bashgym.lock import file as lock
from bashgym.manifest import Manifest
from bashgym.reading import excluded, remembered
from bashgym.records import ModelVersion
from bashgym.stages import ledger


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """What is kept of sessions, as `bashgym forget` would delete it."""

    sessions: tuple[str, ...]
    spool: tuple[str, ...]
    archive: tuple[str, ...]
    bytes: int  # of both
    results: int  # in the store
    rows: dict[str, dict[str, int]]  # run folder -> split -> rows
    models: tuple[dict[str, str], ...]  # name, version, path, run: trained on some of these rows
    copies: tuple[str, ...]  # other sessions that hold replies of these: forks, resumed copies
    agents: tuple[str, ...]  # files that the agents keep; they stay
    unread: tuple[str, ...] = ()


class Forgetting:
    """One act of forgetting: what it is about is found when it is made, and nothing is changed before `carry_out`."""

    def __init__(self, what: str, copies: bool, preset: str) -> None:
        """`preset` of the model registry. Raises InputError when nothing here is of that name."""
        self.known = Known()
        meant = {session.id: session for session in [*self.known.meant(what), *self.known.left_over()]}
        self.results = list(stored.results())
        if copies:
            for name in self.copies(meant):
                meant[name] = self.known.at(name)
        self.sessions = meant
        self.versions, self.fault = versions(preset)
        self.runs = stored.run_folders()

    def mine(self, meant: dict[str, Session]) -> list[stored.Result]:
        """The results of these sessions: by the ledger, else by the name they bear."""
        keys = {key for session in meant.values() for key in session.keys}
        return [one for one in self.results if one.key in keys or one.session in meant]

    def copies(self, meant: dict[str, Session]) -> list[str]:
        """Ids of other sessions in the store that hold some of the same replies."""
        mine = self.mine(meant)
        replies = {reply for one in mine for reply in one.replies}
        keys = {one.key for one in mine}
        sharing = {one.key for one in self.results if one.key not in keys and not replies.isdisjoint(one.replies)}
        owners = {key: session.id for session in self.known.sessions.values() for key in session.keys}
        return sorted({owners[key] for key in sharing if key in owners} - set(meant))

    def owners(self) -> dict[str, str]:
        """Trace -> session, of all traces to be forgotten; ids themselves too, where the store has lost the result."""
        by_key = {key: session.id for session in self.sessions.values() for key in session.keys}
        found = {name: name for name in self.sessions}
        for result in self.mine(self.sessions):
            owner = by_key.get(result.key, result.session)
            found |= dict.fromkeys((result.session, *result.traces), owner)
        return found

    def kept(self) -> Kept:
        """What there is to delete. Changes nothing."""
        sessions = self.sessions.values()
        files = sorted({file for one in sessions for file in (*one.spool, *one.archive)})
        rows = {str(run): summed(found) for run in self.runs if (found := stored.held(run, self.owners()))}
        return Kept(
            sessions=tuple(sorted(self.sessions)),
            spool=tuple(sorted(str(file) for one in sessions for file in one.spool)),
            archive=tuple(sorted(str(file) for one in sessions for file in one.archive)),
            bytes=sum(file.stat().st_size for file in files if file.exists()),
            results=len(self.mine(self.sessions)),
            rows=rows,
            models=tuple(self.models()),
            copies=tuple(self.copies(self.sessions)),
            agents=tuple(sorted(str(file) for one in sessions for file in one.agents)),
            unread=tuple(filter(None, (*self.known.unread, self.fault))),
        )

    def models(self) -> Iterator[dict[str, str]]:
        """Registered models whose run had rows of these sessions, and models that were made from such a one."""
        digests = {excluded.digest(name) for name in self.sessions}
        owners = self.owners()
        touched = {str(run) for run in self.runs if stored.held(run, owners) or digests & set(stored.noted(run))}
        found = {(one.name, one.version): one for one in self.versions if one.lineage.get("run_folder") in touched}
        while more := {(one.name, one.version): one for one in self.versions if based_on(one, found.values())}:
            if not more.keys() - found.keys():
                break
            found |= more
        listed = {one.path: {"name": one.name, "version": one.version, "path": one.path} for one in found.values()}
        for run in sorted(touched):
            noted = Manifest(Path(run) / "manifest.json").content.get("model")
            if noted:
                listed.setdefault(noted["path"], {name: str(noted[name]) for name in ("name", "version", "path")})
        yield from listed.values()

    def carry_out(self) -> None:
        """Deletes it all. Raises InputError where a run is under way, which could bring it back."""
        with stored.store().used(alone=True) as alone:
            if not alone:
                raise InputError("a run is under way; stop it or wait for its end, then forget again")
            self.look_again()
            bury(list(self.sessions))
            spool.fold()  # deletes waiting events of what is forgotten now
            for session in self.sessions.values():
                for file in session.spool:
                    file.unlink(missing_ok=True)
            self.clear_archive()
            owners = self.owners()
            keys = [one.key for one in self.mine(self.sessions)]
            for run in self.runs:
                stored.clear_run(run, owners)
                lock.without(run, keys, owners.keys())
            kept = stored.store()
            for key in stored.rows(owners.keys()):
                kept.drop(key)
            stored.drop_results(self.mine(self.sessions))
            remembered.clear()
            ledger.without(self.sessions.keys())

    def look_again(self) -> None:
        """A run may have ended since: what it kept is found too."""
        for entry in ledger.entries():
            if entry.id in self.sessions:
                self.sessions[entry.id].keys.add(entry.key)
        self.results = list(stored.results())
        self.runs = stored.run_folders()

    def clear_archive(self) -> None:
        with archive_alone():
            for session in self.sessions.values():
                for file in session.archive:
                    file.unlink(missing_ok=True)
                    drop_empty(file.parent)


def bury(ids: Sequence[str]) -> None:
    """Adds the ids' digests to $BASHGYM_HOME/forgotten."""
    known = excluded.forgotten_digests()
    new = sorted({excluded.digest(name) for name in ids} - known)
    if new:
        jsonl.replace(excluded.forgotten_file(), "".join(f"{one}\n" for one in [*sorted(known), *new]).encode())


@contextmanager
def archive_alone() -> Iterator[None]:
    """While the hook's child archives nothing; its lock is hooks/archive.py's."""
    if not paths.archive().is_dir():
        yield
        return
    with (paths.archive() / ".lock").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def drop_empty(folder: Path) -> None:
    """Deletes a folder of the archive, and those above it, as far as they are empty."""
    while folder != paths.archive() and folder.is_dir() and not any(os.scandir(folder)):
        folder.rmdir()
        folder = folder.parent


def based_on(version: ModelVersion, others: Any) -> bool:
    """Whether a model's base is the checkpoint of one of the others."""
    base = version.lineage.get("base", "")
    return base.startswith("/") and any(Path(base).is_relative_to(one.path) for one in others if one.path)


def summed(found: dict[str, dict[str, int]]) -> dict[str, int]:
    """Rows by split over all sessions."""
    counts: dict[str, int] = {}
    for rows in found.values():
        for split, n in rows.items():
            counts[split] = counts.get(split, 0) + n
    return counts


def versions(preset: str) -> tuple[list[ModelVersion], str]:
    """Every registered model, or why they cannot be read: that must not keep anything from being forgotten."""
    from bashgym import show

    try:
        return list(show.model_registry(preset).list()), ""
    except BashGymError as error:
        return [], f"the model registry cannot be read, so only runs tell of models: {error}"
