"""The lines of one session file: each is an entry (a message or an event) or malformed, and none is lost.

A file is read line by line, so that what is held of it are its values and never its bytes."""

import hashlib
import zlib
from pathlib import Path
from typing import Any, Literal

import msgspec

from bashgym import jsonl
from bashgym.errors import InputError
from bashgym.reading import blobs
from bashgym.reading.files import opened, unreadable
from bashgym.reading.lines import legible
from bashgym.trace import Malformed, SourceFile

Role = Literal["assistant", "user", "queued", "event"]
NOT_JSON = "not JSON"
UNFINISHED = "unfinished last line"


class Entry(msgspec.Struct, eq=False, gc=False):
    """One readable line: its number from 1, its value, what it is to a conversation, and what is often asked of it."""

    line_no: int
    value: dict[str, Any]
    role: Role
    kind: str  # its `type`, "" where it has none
    uuid: str | None
    parent: str | None  # as written
    ts: str | None
    sidechain: bool

    def text(self, key: str) -> str | None:
        """The value at `key` where it is text and not empty."""
        found = self.value.get(key)
        return found if isinstance(found, str) and found else None


class SessionFile(msgspec.Struct, eq=False):
    """A file as read: what it is, its entries in order, and its malformed lines (their `file` is 0)."""

    source: SourceFile
    entries: list[Entry]
    malformed: list[Malformed]


def read(path: Path) -> SessionFile:
    """Every line of `path` that is not blank. Raises InputError when the file cannot be read."""
    entries: list[Entry] = []
    malformed: list[Malformed] = []
    digest = hashlib.sha256()
    size = 0

    def seen(raw: bytes) -> None:
        nonlocal size
        size += len(raw)
        digest.update(raw)

    try:
        with opened(path) as file:
            for number, raw, ended, fault in jsonl.pieces(file, seen):
                found = fault or entry(number, raw)
                if isinstance(found, Entry):
                    entries.append(found)
                else:
                    torn = not ended and found.startswith(NOT_JSON)  # no newline yet: still being written
                    reason = UNFINISHED if torn else found
                    malformed.append(Malformed(file=0, line_no=number, reason=reason, raw=legible(raw)))
    except FileNotFoundError:
        raise InputError(f"{path}: cannot be read (it is gone); was it moved since it was listed?") from None
    except (OSError, EOFError, zlib.error) as error:
        raise unreadable(path, error) from None
    count = len(entries) + len(malformed)
    source = SourceFile(path=str(path), sha256=digest.hexdigest(), bytes=size, lines=count, malformed=len(malformed))
    return SessionFile(source, entries, malformed)


def entry(number: int, raw: bytes) -> Entry | str:
    """The line as an entry, or the reason why it is malformed."""
    try:
        value = jsonl.parse(raw)
    except ValueError as error:
        return f"{NOT_JSON}: {error}"
    if not isinstance(value, dict):
        return "not an object"
    kind = value.get("type", "")
    if not isinstance(kind, str):
        return "type is not text"
    role = role_of(kind, value)
    if role != "event" and (reason := fault(role, value)):
        return reason
    uuid, parent, ts = value.get("uuid"), value.get("parentUuid"), value.get("timestamp")
    found = Entry(
        number,
        value,
        role,
        kind,
        uuid if isinstance(uuid, str) and uuid else None,
        parent if isinstance(parent, str) and parent else None,
        ts if isinstance(ts, str) and ts else None,
        value.get("isSidechain") is True,
    )
    # a short line holds no long base64, and one with few brackets is not deep
    if len(raw) > blobs.LONG or b"base64" in raw or raw.count(b"[") + raw.count(b"{") > blobs.DEEP:
        return lifted(found)
    return found


def lifted(found: Entry) -> Entry | str:
    """The entry with long base64 lifted out of all but its message, whose images the step lifts, words untouched."""
    spoken = () if found.role == "event" else ("message", "attachment")
    rest = {key: item for key, item in found.value.items() if key not in spoken}
    try:
        blobs.lift_long(rest)
        for key in spoken:
            blobs.lift_long(found.value.get(key, {}), lift=False)
    except blobs.TooDeep as error:
        return str(error)
    found.value.update(rest)
    return found


def role_of(kind: Any, value: dict[str, Any]) -> Role:
    """What a line is to a conversation; lines of ancient versions have no type, only their message's role."""
    if kind == "assistant" or kind == "user":
        return "assistant" if kind == "assistant" else "user"
    if kind == "attachment":
        return "queued" if is_queued(value.get("attachment")) else "event"
    if not kind and "type" not in value and isinstance(value.get("message"), dict):
        role = value["message"].get("role")
        return role if role in ("assistant", "user") else "event"
    return "event"


def is_queued(attachment: Any) -> bool:
    """What was said while the model was at work, by the user or by a task that ended: newer versions attach it."""
    kind = attachment.get("type") if isinstance(attachment, dict) else None
    return kind == "queued_command" and isinstance(attachment.get("prompt"), (str, list))


def fault(role: Role, value: dict[str, Any]) -> str | None:
    """Why a message line is not what its type promises; None when it is."""
    if role == "queued":
        return content_fault(value["attachment"]["prompt"], "attachment.prompt")
    message = value.get("message")
    if not isinstance(message, dict):
        return "message is not an object"
    content = message.get("content")
    if content is None and role == "assistant" and isinstance(message.get("usage"), dict):
        return None  # a reply that says only what it cost
    return content_fault(content, "message.content")


def content_fault(content: Any, where: str) -> str | None:
    if isinstance(content, str):
        return None
    if not isinstance(content, list):
        return f"{where} is neither text nor a list"
    for block in content:
        if not isinstance(block, dict) or not isinstance(block.get("type"), str):
            return f"{where} holds something that is no block"
        if reason := block_fault(block):
            return f"{where}: {reason}"
    return None


TEXTS = {"text": ("text",), "thinking": ("thinking",), "tool_use": ("name",)}


def block_fault(block: dict[str, Any]) -> str | None:
    kind = block["type"]
    for key in TEXTS.get(kind, ()):
        if not isinstance(block.get(key), str):
            return f"{kind} block without {key}"
    if kind == "tool_result" and not isinstance(block.get("content"), (str, list, type(None))):
        return "tool_result block whose content is neither text nor a list"
    return None
