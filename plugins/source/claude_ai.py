"""Chats of a Claude.ai data export: the zip, its folder, or conversations.json."""

import re
from collections.abc import Iterable, Iterator

from bashgym.exports import claude_ai
from bashgym.exports.opened import Export, ExportConfig
from bashgym.reading import excluded
from bashgym.records import SessionRef
from bashgym.trace import Trace


class Source(Export):
    """Reads `conversations.json`; each chat is a session. Account data and projects are not read."""

    name = "claude_ai"
    begin = "ask Claude.ai for one (Settings, Privacy)"
    opening = re.compile(rb'\{\s*"uuid"\s*:\s*"[^"]*+"\s*,\s*"name"')

    class Config(ExportConfig):
        pass

    def list(self) -> Iterable[SessionRef]:
        """Every chat, unread. Raises InputError when the export is not there, damaged, or larger than allowed."""
        self.left_out.clear()
        refs = (record.reference("claude_ai") for record in self.chats.values())
        return excluded.kept(refs, self.left_out, lambda _: ())

    def read(self, ref: SessionRef) -> Iterator[Trace]:
        """The chat. Raises InputError when the export no longer holds it."""
        record = self.chats.get(ref.id)
        if record is None:
            raise self.gone(ref)
        yield claude_ai.read(record)
