"""Gemini CLI's own chats, sub-agents included."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from bashgym import config
from bashgym.gemini import files, session
from bashgym.reading.own import OwnHistory
from bashgym.records import SessionRef
from bashgym.trace import Trace


class Source(OwnHistory):
    """Reads `chats/session-*.jsonl`, and the JSON files that Gemini CLI wrote until early 2026."""

    agent = "Gemini CLI"
    name = "gemini"
    what = "Gemini CLI chats"
    begin = "run Gemini CLI once"

    class Config(config.Config):
        path: str = ""
        """A folder of chats, or one chat; empty: Gemini CLI's own folder, ~/.gemini/tmp."""

    def own_folders(self) -> list[Path]:
        return [files.own_folder()]

    def list(self) -> Iterable[SessionRef]:
        """Every chat, unread, but those that are excluded or forgotten.

        Raises InputError when the folder is not there or a file cannot be read."""
        return self.kept(files.sessions(self.there()[0]), files.worked_in)

    def read(self, ref: SessionRef) -> Iterator[Trace]:
        """The session's trace, then one for each of its sub-agents. Raises InputError when a file is gone."""
        yield from session.read(ref)
