"""A session as OpenCode keeps it: rows of sessions, messages and parts, each a JSON value, wherever they lie."""

import hashlib
from typing import Any, Literal

import msgspec

from bashgym import jsonl
from bashgym.reading import cwd, lines
from bashgym.reading.lines import legible
from bashgym.reading.values import text

Kind = Literal["session", "message", "part"]


class Row(msgspec.Struct, eq=False):
    """One row: `raw` is its JSON; `message` the message a part belongs to."""

    kind: Kind
    name: str
    raw: bytes
    message: str = ""

    def value(self) -> tuple[dict[str, Any], str | None]:
        """The object, base64 lifted, or why there is none."""
        found, reason = lines.parsed(self.raw, torn=False)
        return found, reason or lines.lifted(self.raw, found)


class Stored(msgspec.Struct, eq=False):
    """The rows of one session in a fixed order: the session, then each message with its parts. Rows are counted
    from 1: that is what `line_no` says of them."""

    name: str
    rows: list[Row]

    def __post_init__(self) -> None:
        self.rows = [*self.rows[:1], *arranged(self.rows[1:])]

    @property
    def size(self) -> int:
        return sum(len(row.raw) for row in self.rows)

    @property
    def header(self) -> dict[str, Any]:
        return self.rows[0].value()[0] if self.rows else {}

    @property
    def parent(self) -> str:
        """The session that started this one, "" where none did."""
        return text(self.header, "parent_id") or text(self.header, "parentID") or ""

    def folders(self) -> list[str]:
        """Every folder it worked in."""
        found = [text(self.header, "directory")]
        found += [cwd.value(quoted) for row in self.rows for quoted in cwd.CWD.findall(row.raw)]
        return list(dict.fromkeys(one for one in found if one))


def arranged(rows: list[Row]) -> list[Row]:
    """Messages in their order, each before its parts in the order of their ids; parts of no message at the end."""
    parts: dict[str, list[Row]] = {}
    for row in rows:
        if row.kind == "part":
            parts.setdefault(row.message, []).append(row)
    found: list[Row] = []
    for row in rows:
        if row.kind == "message":
            found += [row, *sorted(parts.pop(row.name, []), key=lambda part: part.name)]
    return [*found, *(part for left in parts.values() for part in left)]


def digest(family: list[Stored]) -> str:
    """SHA-256 over the rows of a session and then of its sub-agents."""
    total = hashlib.sha256()
    for stored in family:
        for row in stored.rows:
            head = f"{row.kind}\0{row.name}\0{row.message}\0{len(row.raw)}\0"
            total.update(head.encode("utf-8", "surrogatepass") + row.raw)
    return total.hexdigest()


def readable(value: Any) -> Any:
    """A column as JSON has it."""
    return legible(value) if isinstance(value, bytes) else value


def session_row(columns: dict[str, Any]) -> Row:
    """The row of a session; columns that hold JSON become what they hold."""
    fine = {name: readable(value) for name, value in columns.items()}
    for name in ("model", "revert", "permission", "metadata", "summary_diffs"):
        if isinstance(fine.get(name), str):
            fine[name] = opened(fine[name])
    return Row("session", str(fine.get("id")), jsonl.dumps(fine))


def opened(value: str) -> Any:
    try:
        return jsonl.parse(value.encode("utf-8", "surrogatepass"))
    except ValueError:
        return value
