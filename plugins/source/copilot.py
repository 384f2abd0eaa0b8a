"""GitHub Copilot CLI's own sessions, sub-agents included."""

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from bashgym import config, paths
from bashgym.copilot import files, session
from bashgym.errors import InputError
from bashgym.reading import excluded
from bashgym.records import SessionRef
from bashgym.trace import Trace


class Source:
    """Reads `session-state/<session>/events.jsonl`, and the JSON files of `history-session-state` before it."""

    agent = "GitHub Copilot CLI"

    class Config(config.Config):
        path: str = ""
        """A folder of sessions, or one session's file; empty: Copilot CLI's own folders, session-state and
        history-session-state in $COPILOT_HOME or ~/.copilot."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.left_out: Counter[str] = Counter()

    def folders(self) -> list[Path]:
        """Where the sessions are; the first is the one that has to be there."""
        return [paths.resolve(self.config.path)] if self.config.path else files.own_folders()

    def list(self) -> Iterable[SessionRef]:
        """Every session, unread, but those that are excluded or forgotten.

        Raises InputError when the folder is not there or a file cannot be read."""
        there = [folder for folder in self.folders() if folder.exists()]
        if not there:
            raise InputError(f"source.copilot.path: {self.folders()[0]} is not there; {self.way_out()}")
        self.left_out = Counter()
        return excluded.kept(files.sessions(there), self.left_out, files.worked_in)

    def way_out(self) -> str:
        if self.config.path:
            return "name a folder of Copilot CLI sessions with source.copilot.path=FOLDER"
        return "run Copilot CLI once, set COPILOT_HOME, or name a folder with source.copilot.path=FOLDER"

    def read(self, ref: SessionRef) -> Iterator[Trace]:
        """The session's trace, then one for each of its sub-agents. Raises InputError when a file is gone."""
        yield from session.read(ref)
