"""A chat's file as a log of patches, applied: its messages in the order they were first said.

A line is the header, a message, `{"$set": changes of the header}` or `{"$rewindTo": id of a message}`. A message is
written again under its id when more of it is known (its tool calls): the last one holds. A `$set` of `messages`
replaces the history of the model; what it leaves out was compacted, what it brings is the client's own."""

from typing import Any

import msgspec

from bashgym import jsonl
from bashgym.reading import lines
from bashgym.reading.lines import Entry, File
from bashgym.reading.values import at, record, text


class Message(msgspec.Struct, eq=False):
    """What was written under one id: every version with its line, the last of which holds."""

    versions: list[Entry]
    active: bool = True
    injected: bool = False  # the client brought it with a `$set`
    summary: bool = False  # and it is the first after a compaction
    brought: dict[str, Any] = {}  # what else that `$set` held

    @property
    def value(self) -> dict[str, Any]:
        return self.versions[-1].value

    @property
    def line_nos(self) -> list[int]:
        return [version.line_no for version in self.versions]


class Log:
    """A chat while its lines are applied. `others` are lines that hold no message; `cuts` are compactions, each as
    the count of messages before it."""

    def __init__(self) -> None:
        self.header: dict[str, Any] = {}
        self.messages: dict[str, Message] = {}
        self.others: list[tuple[str, Entry]] = []
        self.cuts: list[int] = []

    def apply(self, entry: Entry) -> None:
        value = entry.value
        if isinstance(value.get("$rewindTo"), str):
            self.rewind(value["$rewindTo"])
            self.others.append(("$rewindTo", entry))
        elif isinstance(value.get("id"), str):
            self.put(value["id"], entry)
        elif isinstance(value.get("$set"), dict):
            self.set(entry, value["$set"])
        elif "sessionId" in value:
            self.header.update(value)
            self.others.append(("header", entry))
        else:
            self.others.append((text(value, "type") or "unknown", entry))

    def put(self, name: str, entry: Entry) -> Message:
        message = self.messages.setdefault(name, Message(versions=[]))
        message.versions.append(entry)
        message.active = True
        return message

    def rewind(self, name: str) -> None:
        """Takes back the message `name` and all after it; all there are where it is not known, as the client does."""
        reached = name not in self.messages
        for key, message in self.messages.items():
            reached = reached or key == name
            message.active = message.active and not reached

    def set(self, entry: Entry, changes: dict[str, Any]) -> None:
        self.header.update({key: value for key, value in changes.items() if key != "messages"})
        history = changes.get("messages")
        if not isinstance(history, list) or not self.replace(entry, history):
            self.others.append(("$set", entry))

    def replace(self, entry: Entry, history: list[Any]) -> bool:
        """Takes over a new history; whether it held messages that were not known."""
        names = [text(one, "id") or f"line {entry.line_no}, {place}" for place, one in enumerate(history)]
        known = set(names)
        cut = any(message.active and key not in known for key, message in self.messages.items())
        fresh = [
            (name, one)
            for name, one in zip(names, history, strict=True)
            if name not in self.messages and isinstance(one, dict)
        ]
        if cut:
            self.cuts.append(len(self.messages))
        for place, (name, one) in enumerate(fresh):
            message = self.put(name, Entry(entry.line_no, one))
            message.injected, message.summary = True, cut and place == 0
            if place == 0:
                odd = [one for one in history if not isinstance(one, dict)]
                rest = {key: value for key, value in record(entry.value, "$set").items() if key != "messages"}
                message.brought = {"$set": {**rest, "messages": odd} if odd else rest}
        return bool(fresh)


def read(file: File, data: bytes) -> Log:
    """The log of a file, whose bytes are `data`; of a JSON file, whose records are counted from 1, the header first."""
    log = Log()
    first = file.entries[0].value if file.entries else {}
    if isinstance(at(first, "messages"), list) or not file.entries or file.malformed:
        whole = single(data)
        if whole is not None:
            file.entries, file.malformed = whole, []
            file.source.lines = len(whole)
    for entry in file.entries:
        log.apply(entry)
    return log


def single(data: bytes) -> list[Entry] | None:
    """The records of a chat that is one JSON value: the header, then each message."""
    try:
        value = jsonl.parse(data)
    except ValueError:
        return None
    history = at(value, "messages")
    if not isinstance(history, list):
        return None
    if lines.lifted(data, value) is not None:
        return None
    header = {key: inner for key, inner in value.items() if key != "messages"}
    found = [header, *(one if isinstance(one, dict) else {"message": one} for one in history)]
    return [Entry(number, one) for number, one in enumerate(found, 1)]
