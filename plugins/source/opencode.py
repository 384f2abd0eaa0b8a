"""OpenCode's own sessions, from its database or the files before it, sub-agents included."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from bashgym import config
from bashgym.opencode import session, sessions
from bashgym.reading.own import OwnHistory
from bashgym.records import SessionRef
from bashgym.trace import Trace


class Source(OwnHistory):
    """Reads `opencode.db`, also while OpenCode writes it, and the `storage` folder of releases before 1.2."""

    agent = "OpenCode"
    name = "opencode"
    what = "OpenCode's data"
    begin = "run OpenCode once, set XDG_DATA_HOME"

    class Config(config.Config):
        path: str = ""
        """A folder with OpenCode's data, or one database; empty: OpenCode's own folder, ~/.local/share/opencode or
        $XDG_DATA_HOME/opencode."""

    def own_folders(self) -> list[Path]:
        return [sessions.own_folder()]

    def list(self) -> Iterable[SessionRef]:
        """Every session, unread, but those that are excluded or forgotten.

        Raises InputError when the folder is not there or the database cannot be read."""
        found = {f"{ref.id} {ref.path}": (ref, folders) for ref, folders in sessions.found(self.there()[0])}
        return self.kept((ref for ref, _ in found.values()), lambda ref: found[f"{ref.id} {ref.path}"][1])

    def read(self, ref: SessionRef) -> Iterator[Trace]:
        """The session's trace, then one for each of its sub-agents. Raises InputError when it is gone."""
        yield from session.read(ref)
