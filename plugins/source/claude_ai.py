"""Chats of a Claude.ai data export: the zip, its folder, or conversations.json."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import cached_property

from bashgym import config, paths
from bashgym.errors import InputError
from bashgym.exports import claude_ai, files, records
from bashgym.reading import excluded
from bashgym.records import SessionRef
from bashgym.trace import Trace

KEY = "source.claude_ai.path"
# how a conversation begins, where the file is damaged and has to be cut there
OPENING = re.compile(rb'\{\s*"uuid"\s*:\s*"[^"]*+"\s*,\s*"name"')


class Source:
    """Reads `conversations.json`; each chat is a session. Account data and projects are not read."""

    class Config(config.Config):
        path: str = ""
        """The export as it was downloaded (a zip), the folder it was unpacked to, or its conversations.json."""
        max_unpacked_mb: int = 8192
        """The most that a zip may unpack to, in mebibytes of the files that are read of it."""
        max_ratio: int = 200
        """How many times its packed size a file in a zip may have; chats pack to a tenth, zip bombs to a thousandth."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.left_out: Counter[str] = Counter()

    @cached_property
    def chats(self) -> dict[str, records.Record]:
        """Every chat by its id, unparsed; the export is opened once a process."""
        if not self.config.path:
            raise InputError(f"{KEY}: no export is named; ask Claude.ai for one (Settings, Privacy) and set {KEY}=ZIP")
        limits = files.Limits(self.config.max_unpacked_mb, self.config.max_ratio)
        return records.records(files.parts(paths.resolve(self.config.path), frozenset(), limits, KEY), OPENING)

    def list(self) -> Iterable[SessionRef]:
        """Every chat, unread. Raises InputError when the export is not there, damaged, or larger than allowed."""
        self.left_out.clear()
        refs = (record.reference("claude_ai") for record in self.chats.values())
        return excluded.kept(refs, self.left_out, lambda _: ())

    def read(self, ref: SessionRef) -> Iterator[Trace]:
        """The chat. Raises InputError when the export no longer holds it."""
        record = self.chats.get(ref.id)
        if record is None:
            raise InputError(f"{ref.path}: chat {ref.id} is no longer in it; list the export again")
        yield claude_ai.read(record)
