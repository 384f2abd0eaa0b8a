"""Chats of a ChatGPT data export: the zip, its folder, or conversations.json."""

import re
from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import Any

from bashgym import jsonl
from bashgym.errors import InputError
from bashgym.exports import chatgpt, files, records
from bashgym.exports.opened import Export, ExportConfig
from bashgym.reading import excluded
from bashgym.records import SessionRef
from bashgym.trace import Trace

FEEDBACK = "message_feedback.json"


class Source(Export):
    """Reads `conversations.json` and `conversations-NNN.json` with `message_feedback.json`; each chat is a session.

    Of the other files of an export nothing is read: account data, the page that repeats the chats, pictures."""

    name = "chatgpt"
    begin = "ask ChatGPT for one (Settings, Data controls)"
    opening = re.compile(rb'\{\s*"title"\s*:\s*(?:null|"(?:[^"\\]|\\.)*+")\s*,\s*"create_time"')
    others = frozenset({FEEDBACK})

    class Config(ExportConfig):
        pass

    @cached_property
    def feedback(self) -> dict[str, list[dict[str, Any]]]:
        """Entries of the user's thumbs by chat; those of chats that are not in the export under FEEDBACK."""
        found: dict[str, list[dict[str, Any]]] = {}
        for part in self.rated:
            try:
                entries = chatgpt.by_conversation(part.content)
            except ValueError as error:
                raise InputError(f"{part.place}: no list of ratings ({error}); move it away to go on without") from None
            for name, items in entries.items():
                found.setdefault(name if name in self.chats else FEEDBACK, []).extend(items)
        return found

    @property
    def rated(self) -> list[files.Part]:
        return [part for part in self.parts if part.name == FEEDBACK]

    def list(self) -> Iterable[SessionRef]:
        """Every chat, unread. Raises InputError when the export is not there, damaged, or larger than allowed."""
        self.left_out.clear()
        refs = [record.reference("chatgpt", self.beside(name)) for name, record in self.chats.items()]
        if FEEDBACK in self.feedback:
            rest = records.Record(FEEDBACK, self.rated[0], 0, memoryview(self.beside(FEEDBACK)))
            refs.append(rest.reference("chatgpt"))
        return excluded.kept(refs, self.left_out, lambda _: ())

    def beside(self, name: str) -> bytes:
        """What the user's thumbs say of a chat, as bytes for its hash."""
        return jsonl.dumps(self.feedback[name]) if name in self.feedback else b""

    def read(self, ref: SessionRef) -> Iterator[Trace]:
        """The chat. Raises InputError when the export no longer holds it."""
        entries = self.feedback.get(ref.id, [])
        if ref.id in self.chats:
            yield chatgpt.read(self.chats[ref.id], entries)
        elif ref.id == FEEDBACK and entries:
            yield chatgpt.ratings(ref.id, self.rated[0], entries)
        else:
            raise self.gone(ref)
