"""The lines of one session file: each is an entry (a message or an event) or malformed, and none is lost.

A file is read line by line, so that what is held of it are its values and never its bytes."""

import hashlib
import re
import zlib
from pathlib import Path
from typing import Any, Literal

import msgspec

from bashgym import jsonl
from bashgym.errors import InputError
from bashgym.jsonl import decode, slowly
from bashgym.reading import blobs
from bashgym.reading.files import opened, unreadable
from bashgym.reading.lines import legible
from bashgym.records import SessionRef
from bashgym.trace import Malformed, SourceFile

Role = Literal["assistant", "user", "queued", "event"]
NOT_JSON = "not JSON"
UNFINISHED = "unfinished last line"
MARK = re.compile(b"base64").search  # in two thirds of the time of `in`
SMALL = 2 * blobs.DEEP  # bytes; a line needs more to nest that deep
SPOKEN = ("message", "attachment")
ROLES: dict[str, Role] = {  # of most lines; of the others see `role_of`
    "assistant": "assistant",
    "user": "user",
    **dict.fromkeys(
        ("progress", "system", "queue-operation", "file-history-snapshot", "api-request", "last-prompt"), "event"
    ),
}


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
        return found if type(found) is str and found else None


Kinds = dict[str, list[Entry]]


def by_kind(entries: list[Entry]) -> Kinds:
    """Entries by type, in their order: most questions are about one type, and few lines are of it."""
    found: Kinds = {}
    for entry in entries:
        found.setdefault(entry.kind, []).append(entry)
    return found


class SessionFile(msgspec.Struct, eq=False):
    """A file as read: what it is, its entries in order, and its malformed lines (their `file` is 0)."""

    source: SourceFile
    entries: list[Entry]
    malformed: list[Malformed]


def read(path: Path, listed: SessionRef | None = None) -> SessionFile:
    """Every line of `path` that is not blank. Raises InputError when the file cannot be read.

    A file that is all of `listed` and has kept its size is not hashed again: that took a tenth of the time."""
    entries: list[Entry] = []
    malformed: list[Malformed] = []
    known = listed.sha256 if listed and not listed.files else ""
    size, digest = taken(path, entries, malformed, hashing=not known)
    if listed and known and size != listed.size:  # it has grown since
        entries, malformed = [], []
        size, digest = taken(path, entries, malformed, hashing=True)
        known = ""
    count = len(entries) + len(malformed)
    source = SourceFile(path=str(path), sha256=known or digest, bytes=size, lines=count, malformed=len(malformed))
    return SessionFile(source, entries, malformed)


def taken(path: Path, entries: list[Entry], malformed: list[Malformed], hashing: bool) -> tuple[int, str]:
    """Fills the lists; the size of what was read, and its hash where that is wanted."""
    digest = hashlib.sha256()
    size = 0

    def seen(raw: bytes) -> None:
        nonlocal size
        size += len(raw)
        if hashing:
            digest.update(raw)

    try:
        with opened(path) as file:
            for block in jsonl.blocks(file, seen):
                take(block, entries, malformed)
    except FileNotFoundError:
        raise InputError(f"{path}: cannot be read (it is gone); was it moved since it was listed?") from None
    except (OSError, EOFError, zlib.error) as error:
        raise unreadable(path, error) from None
    return size, digest.hexdigest()


def take(block: jsonl.Block, entries: list[Entry], malformed: list[Malformed]) -> None:
    """Adds the lines of `block` to the one list or the other."""
    whole = block.lines[:-1] if block.fault else block.lines
    last = block.first + len(block.lines) - 1
    for number, line in enumerate(whole, block.first):
        if raw := line.strip():
            found = entry(number, raw)
            if type(found) is Entry:
                entries.append(found)
                continue
            reason = str(found)
            if number == last and not block.ended and reason.startswith(NOT_JSON):
                reason = UNFINISHED  # no newline yet: it is still being written
            malformed.append(Malformed(file=0, line_no=number, reason=reason, raw=legible(raw)))
    if block.fault:
        malformed.append(Malformed(file=0, line_no=last, reason=block.fault, raw=legible(block.lines[-1])))


def entry(number: int, raw: bytes) -> Entry | str:
    """The line as an entry, or the reason why it is malformed."""
    try:
        value = decode(raw)
    except (ValueError, RecursionError):
        try:
            value = slowly(raw)
        except ValueError as error:
            return f"{NOT_JSON}: {error}"
    if type(value) is not dict:
        return "not an object"
    get = value.get
    kind = get("type", "")
    if type(kind) is not str:
        return "type is not text"
    role = ROLES.get(kind) or role_of(kind, value)
    if role != "event" and (reason := fault(role, value)):
        return reason
    # long base64, marked base64 (in a reply's line only its message may hold some: the step's to lift), or too deep
    size = len(raw)
    suspect = size > blobs.LONG or (role != "assistant" and MARK(raw)) or (size > SMALL and nested(raw))
    if suspect and (reason := lift(value, role)):
        return reason
    uuid, parent, ts = get("uuid"), get("parentUuid"), get("timestamp")
    return Entry(
        number,
        value,
        role,
        kind,
        uuid if type(uuid) is str and uuid else None,
        parent if type(parent) is str and parent else None,
        ts if type(ts) is str and ts else None,
        get("isSidechain") is True,
    )


def nested(raw: bytes) -> bool:
    """Whether a line has brackets enough to be nested too deep; a level takes 2 bytes as a list, as an object 5."""
    lists = raw.count(b"[")
    return 3 * lists + len(raw) > 5 * blobs.DEEP and lists + raw.count(b"{") > blobs.DEEP


def lift(value: dict[str, Any], role: Role) -> str | None:
    """Lifts long base64 out of all of a line but its message, whose images the step lifts, words untouched; why the
    line cannot be kept, where it cannot."""
    spoken = () if role == "event" else SPOKEN
    try:
        for key, item in value.items():
            kind = type(item)
            if kind is dict or kind is list:
                blobs.lift_long(item, lift=key not in spoken)
            elif kind is str and len(item) > blobs.LONG and key not in spoken and blobs.BASE64.match(item):
                value[key] = blobs.digest(item)
    except blobs.TooDeep as error:
        return str(error)
    return None


def role_of(kind: str, value: dict[str, Any]) -> Role:
    """What a line is to a conversation whose type is not in ROLES; lines of ancient versions have no type, only their
    message's role."""
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
    if type(message) is not dict:
        return "message is not an object"
    content = message.get("content")
    if content is None and role == "assistant" and isinstance(message.get("usage"), dict):
        return None  # a reply that says only what it cost
    return None if type(content) is str else content_fault(content, "message.content")


def content_fault(content: Any, where: str) -> str | None:
    if type(content) is str:
        return None
    if type(content) is not list:
        return f"{where} is neither text nor a list"
    for block in content:
        kind = block.get("type") if type(block) is dict else None
        if type(kind) is not str:
            return f"{where} holds something that is no block"
        key = TEXTS.get(kind)
        if key is not None:
            if type(block.get(key)) is not str:
                return f"{where}: {kind} block without {key}"
        elif kind == "tool_result" and not isinstance(block.get("content"), (str, list, type(None))):
            return f"{where}: tool_result block whose content is neither text nor a list"
    return None


TEXTS = {"text": "text", "thinking": "thinking", "tool_use": "name"}
