"""Codex CLI's own sessions, sub-agents included."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from bashgym import config
from bashgym.codex import files, session
from bashgym.reading.own import OwnHistory
from bashgym.records import SessionRef
from bashgym.trace import Trace


class Source(OwnHistory):
    """Reads rollouts (`rollout-<time>-<thread>.jsonl`), those of archived sessions included."""

    agent = "Codex CLI"
    name = "codex"
    what = "Codex sessions"
    begin = "run Codex once, set CODEX_HOME"

    class Config(config.Config):
        path: str = ""
        """A folder of rollouts, or one rollout; empty: Codex's own folders, sessions and archived_sessions in
        $CODEX_HOME or ~/.codex."""

    def own_folders(self) -> list[Path]:
        return files.own_folders()

    def list(self) -> Iterable[SessionRef]:
        """Every session, unread, but those that are excluded or forgotten.

        Raises InputError when the folder is not there or a file cannot be read."""
        return self.kept(files.sessions(self.there()), files.worked_in)

    def read(self, ref: SessionRef) -> Iterator[Trace]:
        """The session's trace, then one for each of its sub-agents. Raises InputError when a file is gone."""
        yield from session.read(ref)
