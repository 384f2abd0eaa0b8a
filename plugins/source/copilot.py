"""GitHub Copilot CLI's own sessions, sub-agents included."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from bashgym import config
from bashgym.copilot import files, session
from bashgym.reading.own import OwnHistory
from bashgym.records import SessionRef
from bashgym.trace import Trace


class Source(OwnHistory):
    """Reads `session-state/<session>/events.jsonl`, and the JSON files of `history-session-state` before it."""

    agent = "GitHub Copilot CLI"
    name = "copilot"
    what = "Copilot CLI sessions"
    begin = "run Copilot CLI once, set COPILOT_HOME"

    class Config(config.Config):
        path: str = ""
        """A folder of sessions, or one session's file; empty: Copilot CLI's own folders, session-state and
        history-session-state in $COPILOT_HOME or ~/.copilot."""

    def own_folders(self) -> list[Path]:
        return files.own_folders()

    def list(self) -> Iterable[SessionRef]:
        """Every session, unread, but those that are excluded or forgotten.

        Raises InputError when the folder is not there or a file cannot be read."""
        return self.kept(files.sessions(self.there()), files.worked_in)

    def read(self, ref: SessionRef) -> Iterator[Trace]:
        """The session's trace, then one for each of its sub-agents. Raises InputError when a file is gone."""
        yield from session.read(ref)
