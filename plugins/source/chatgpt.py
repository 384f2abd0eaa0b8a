"""Chats of a ChatGPT data export: the zip, its folder, or conversations.json."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import Any

from bashgym import config, jsonl, paths
from bashgym.errors import InputError
from bashgym.exports import chatgpt, files, records
from bashgym.reading import excluded
from bashgym.records import SessionRef
from bashgym.trace import Trace

KEY = "source.chatgpt.path"
FEEDBACK = "message_feedback.json"
# how a conversation begins, where the file is damaged and has to be cut there
OPENING = re.compile(rb'\{\s*"title"\s*:\s*(?:null|"(?:[^"\\]|\\.)*+")\s*,\s*"create_time"')


class Source:
    """Reads `conversations.json` and `conversations-NNN.json` with `message_feedback.json`; each chat is a session.

    Of the other files of an export nothing is read: account data, the page that repeats the chats, pictures."""

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
    def parts(self) -> list[files.Part]:
        """The files of the export, opened once a process."""
        if not self.config.path:
            raise InputError(
                f"{KEY}: no export is named; ask ChatGPT for one (Settings, Data controls) and set {KEY}=ZIP"
            )
        limits = files.Limits(self.config.max_unpacked_mb, self.config.max_ratio)
        return files.parts(paths.resolve(self.config.path), frozenset({FEEDBACK}), limits, KEY)

    @cached_property
    def chats(self) -> dict[str, records.Record]:
        return records.records([part for part in self.parts if part.name != FEEDBACK], OPENING)

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
            raise InputError(f"{ref.path}: chat {ref.id} is no longer in it; list the export again")
