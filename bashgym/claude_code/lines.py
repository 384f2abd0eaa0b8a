"""The lines of one session file: each is an entry (a message or an event) or malformed, and none is lost."""

import hashlib
from pathlib import Path
from typing import Any, Literal

import msgspec

from bashgym import jsonl
from bashgym.errors import InputError
from bashgym.reading import blobs
from bashgym.trace import Malformed, SourceFile

Role = Literal["assistant", "user", "queued", "event"]
NOT_JSON = "not JSON"


class Entry(msgspec.Struct, eq=False):
    """One readable line: its number from 1, its value, and what it is to a conversation."""

    line_no: int
    value: dict[str, Any]
    role: Role

    def text(self, key: str) -> str | None:
        """The value at `key` where it is text and not empty."""
        found = self.value.get(key)
        return found if isinstance(found, str) and found else None

    @property
    def sidechain(self) -> bool:
        return self.value.get("isSidechain") is True


class SessionFile(msgspec.Struct, eq=False):
    """A file as read: what it is, its entries in order, and its malformed lines (their `file` is 0)."""

    source: SourceFile
    entries: list[Entry]
    malformed: list[Malformed]


def read(path: Path) -> SessionFile:
    """Every line of `path` that is not blank. Raises InputError when the file cannot be read."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); was it moved since it was listed?") from None
    entries: list[Entry] = []
    malformed: list[Malformed] = []
    pieces = content.split(b"\n")
    for number, piece in enumerate(pieces, 1):
        raw = piece.strip()
        if not raw:
            continue
        found = entry(number, raw)
        if isinstance(found, Entry):
            entries.append(found)
        else:
            torn = number == len(pieces) and found.startswith(NOT_JSON)  # no newline yet: still being written
            reason = "unfinished last line" if torn else found
            malformed.append(Malformed(file=0, line_no=number, reason=reason, raw=legible(raw)))
    count = len(entries) + len(malformed)
    digest = hashlib.sha256(content).hexdigest()
    source = SourceFile(path=str(path), sha256=digest, bytes=len(content), lines=count, malformed=len(malformed))
    return SessionFile(source, entries, malformed)


def entry(number: int, raw: bytes) -> Entry | str:
    """The line as an entry, or the reason why it is malformed."""
    try:
        value = jsonl.parse(raw)
    except ValueError as error:
        return f"{NOT_JSON}: {error}"
    if not isinstance(value, dict):
        return "not an object"
    role = role_of(value)
    reason = None if role == "event" else fault(role, value)
    if reason is None and isinstance(value.get("type", ""), str):
        return lifted(Entry(number, value, role), raw)
    return reason or "type is not text"


def lifted(found: Entry, raw: bytes) -> Entry | str:
    """The entry with long base64 lifted out of all but its message, whose images the step lifts, words untouched."""
    if len(raw) <= blobs.LONG and raw.count(b"[") + raw.count(b"{") <= blobs.DEEP:
        return found
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


def role_of(value: dict[str, Any]) -> Role:
    """What a line is to a conversation; lines of ancient versions have no type, only their message's role."""
    kind = value.get("type")
    if kind == "assistant" or kind == "user":
        return kind
    if kind == "attachment":
        return "queued" if is_queued(value.get("attachment")) else "event"
    if "type" not in value and isinstance(value.get("message"), dict):
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


def legible(raw: bytes) -> str:
    """The bytes as text; what is not UTF-8 is written as backslash escapes."""
    return raw.decode("utf-8", "backslashreplace")
