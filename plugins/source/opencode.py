"""OpenCode's own sessions, from its database or the files before it, sub-agents included."""

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from bashgym import config, paths
from bashgym.errors import InputError
from bashgym.opencode import session, sessions
from bashgym.reading import excluded
from bashgym.records import SessionRef
from bashgym.trace import Trace


class Source:
    """Reads `opencode.db`, also while OpenCode writes it, and the `storage` folder of releases before 1.2."""

    agent = "OpenCode"

    class Config(config.Config):
        path: str = ""
        """A folder with OpenCode's data, or one database; empty: OpenCode's own folder, ~/.local/share/opencode or
        $XDG_DATA_HOME/opencode."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.left_out: Counter[str] = Counter()

    def folder(self) -> Path:
        """Where the data is."""
        return paths.resolve(self.config.path) if self.config.path else sessions.own_folder()

    def list(self) -> Iterable[SessionRef]:
        """Every session, unread, but those that are excluded or forgotten.

        Raises InputError when the folder is not there or the database cannot be read."""
        folder = self.folder()
        if not folder.exists():
            raise InputError(f"source.opencode.path: {folder} is not there; {self.way_out()}")
        self.left_out = Counter()
        found = {f"{ref.id} {ref.path}": (ref, folders) for ref, folders in sessions.found(folder)}
        refs = (ref for ref, _ in found.values())
        return excluded.kept(refs, self.left_out, lambda ref: found[f"{ref.id} {ref.path}"][1])

    def way_out(self) -> str:
        if self.config.path:
            return "name a folder with OpenCode's data with source.opencode.path=FOLDER"
        return "run OpenCode once, set XDG_DATA_HOME, or name a folder with source.opencode.path=FOLDER"

    def read(self, ref: SessionRef) -> Iterator[Trace]:
        """The session's trace, then one for each of its sub-agents. Raises InputError when it is gone."""
        yield from session.read(ref)
