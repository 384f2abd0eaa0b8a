"""Which sessions are known here, and which of them a word of the user means: an id, a folder or a repository."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bashgym import jsonl, paths
from bashgym.capture import consent, spool
from bashgym.capture.hooks import module
from bashgym.errors import InputError
from bashgym.history import agents
from bashgym.reading import cwd, excluded
from bashgym.reading.excluded import Excluded
from bashgym.reading.files import sparing
from bashgym.records import SessionRef
from bashgym.stages import ledger

SHORT = 8  # characters of an id that may stand for it
LINES = 50  # of a spool file, in which its session's id is looked for where its name does not tell it


@dataclass
class Session:
    """A session by its agent's id: the folders it worked in, and what is kept of it here.

    `agents` holds the agents' own files, which nobody touches."""

    id: str
    folders: set[str] = field(default_factory=set)
    keys: set[str] = field(default_factory=set)  # of its results in the store
    spool: set[Path] = field(default_factory=set)
    archive: set[Path] = field(default_factory=set)
    agents: set[Path] = field(default_factory=set)


class Known:
    """All sessions that anything here tells of."""

    def __init__(self) -> None:
        self.sessions: dict[str, Session] = {}
        self.unread: list[str] = []  # why some could not be looked at
        self.from_ledger()
        self.from_spool()
        self.from_archive()
        self.from_agents()

    def at(self, name: str) -> Session:
        return self.sessions.setdefault(name, Session(name))

    def from_ledger(self) -> None:
        for entry in ledger.entries():
            if entry.id:
                session = self.at(entry.id)
                session.folders.update(entry.folders)
                session.keys.add(entry.key)

    def from_spool(self) -> None:
        """Every agent's folder of the spool holds one file a session."""
        for file in sorted(paths.spool().glob("*/*.jsonl*")):
            session = self.at(spooled_id(file))
            session.spool.add(file)
            session.folders.update(found_in(file))

    def from_archive(self) -> None:
        archive = module("archive")
        for root in (path for path in sorted(paths.archive().glob("*")) if path.is_dir()):
            for name, files in archive.sessions(str(root)).items():
                session = self.at(name.partition("/")[2])
                session.archive.update(root / file for file in files)

    def from_agents(self) -> None:
        """What agents keep themselves; archived sessions are listed with Claude Code's own."""
        with excluded.suspended(), sparing() as reasons:
            for agent in agents.agents():
                try:
                    refs = list(agent.source.list())
                except InputError:
                    continue  # that agent has no history here
                for ref in refs:
                    self.from_reference(ref)
        self.unread += reasons

    def from_reference(self, ref: SessionRef) -> None:
        session = self.at(ref.id)
        session.folders.update(ref.folders)
        for path in {Path(name) for name in (ref.path, *ref.files)}:
            if path.is_relative_to(paths.archive()):
                session.archive.add(path)
            elif path.is_relative_to(paths.spool()):
                session.spool.add(path)
            else:
                session.agents.add(path)

    def meant(self, what: str) -> list[Session]:
        """The sessions that `what` means: an id, the beginning of one, a folder, or a repository. Raises InputError."""
        if what in self.sessions or excluded.load().forgotten(what):
            return [self.at(what)]
        begun = [name for name in self.sessions if len(what) >= SHORT and name.startswith(what)]
        if len(begun) == 1:
            return [self.sessions[begun[0]]]
        if begun:
            raise InputError(f"{what}: {len(begun)} sessions begin so; name one of {', '.join(sorted(begun)[:5])}")
        return self.of_place(what)

    def of_place(self, what: str) -> list[Session]:
        """The sessions that were ever in the folder, or in a checkout of the repository."""
        try:
            place = consent.entry(what)
        except InputError:
            way_out = "`bashgym traces list` shows sessions; folders are absolute paths, repositories owner/name"
            raise InputError(f"{what}: no session, folder or repository of that name; {way_out}") from None
        rules = of_entry(place)
        return [session for session in self.sessions.values() if any(map(rules.covers, sorted(session.folders)))]

    def left_over(self) -> list[Session]:
        """Sessions that were forgotten, and of which something is still kept: a forgetting that was cut off."""
        rules = excluded.load()
        kept = (one for one in self.sessions.values() if one.keys or one.spool or one.archive)
        return [one for one in kept if rules.forgotten(one.id)]


def of_entry(entry: str) -> Excluded:
    """Rules with this entry alone: what is asked for is this place."""
    if entry.startswith("/"):
        return Excluded(excluded.spellings(entry), frozenset(), ignores=False)
    return Excluded(frozenset(), {entry}, ignores=False)


def spooled_id(file: Path) -> str:
    """The id of the session that a spool file is of; one that is no safe name stands only in the events."""
    name = file.name.partition(".jsonl")[0]
    for event in events(file):
        found = event.get("session_id")
        if isinstance(found, str) and spool.file_of(found).name.partition(".")[0] == name:
            return found
    return name


def events(file: Path) -> Iterator[dict[str, Any]]:
    for line in jsonl.read_lines(file):
        if line.number > LINES:
            return
        event = line.value.get("event") if isinstance(line.value, dict) else None
        if isinstance(event, dict):
            yield event


def found_in(file: Path) -> Iterator[str]:
    """Every folder that a spool file names."""
    for quoted in set(cwd.quoted_folders(file)):
        folder = cwd.value(quoted)
        if folder:
            yield folder
