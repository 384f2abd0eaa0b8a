"""Gemini CLI's own chats, sub-agents included."""

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from bashgym import config, paths
from bashgym.errors import InputError
from bashgym.gemini import files, session
from bashgym.reading import excluded
from bashgym.records import SessionRef
from bashgym.trace import Trace


class Source:
    """Reads `chats/session-*.jsonl`, and the JSON files that Gemini CLI wrote until early 2026."""

    agent = "Gemini CLI"

    class Config(config.Config):
        path: str = ""
        """A folder of chats, or one chat; empty: Gemini CLI's own folder, ~/.gemini/tmp."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.left_out: Counter[str] = Counter()

    def folder(self) -> Path:
        """Where the chats are."""
        return paths.resolve(self.config.path) if self.config.path else files.own_folder()

    def list(self) -> Iterable[SessionRef]:
        """Every chat, unread, but those that are excluded or forgotten.

        Raises InputError when the folder is not there or a file cannot be read."""
        folder = self.folder()
        if not folder.exists():
            raise InputError(f"source.gemini.path: {folder} is not there; {self.way_out()}")
        self.left_out = Counter()
        return excluded.kept(files.sessions(folder), self.left_out, files.worked_in)

    def way_out(self) -> str:
        if self.config.path:
            return "name a folder of Gemini CLI chats with source.gemini.path=FOLDER"
        return "run Gemini CLI once, or name a folder with source.gemini.path=FOLDER"

    def read(self, ref: SessionRef) -> Iterator[Trace]:
        """The session's trace, then one for each of its sub-agents. Raises InputError when a file is gone."""
        yield from session.read(ref)
