"""What an edit changed, as lines: from the result where the agent wrote a patch, else from the call's arguments."""

import difflib
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Literal, NamedTuple

from bashgym.signals.calls import EDIT_TOOLS, OPAQUE_TOOLS, WRITE_TOOLS, Called, argument

Kind = Literal["add", "del", "same", "place"]
LONGEST = 400  # lines of one diff


class Line(NamedTuple):
    kind: Kind
    text: str


SIGNS: dict[str, Kind] = {"+": "add", "-": "del", "@": "place"}


def diff(called: Called) -> list[Line]:
    """The lines of the change; empty for a call that is no edit, or whose change nobody wrote down."""
    if called.tool not in EDIT_TOOLS | WRITE_TOOLS | OPAQUE_TOOLS:
        return []
    found = list(hunks(called.raw)) or list(of_arguments(called))
    more = len(found) - LONGEST
    return found if more <= 0 else [*found[:LONGEST], Line("place", f"{more:,} more lines")]


def hunks(raw: Any) -> Iterator[Line]:
    """Claude Code's `structuredPatch`."""
    patch = raw.get("structuredPatch") if isinstance(raw, dict) else None
    for hunk in patch if isinstance(patch, list) else ():
        lines = hunk.get("lines") if isinstance(hunk, dict) else None
        if isinstance(lines, list) and lines:
            yield Line("place", f"line {hunk.get('newStart', '?')}")
            yield from signed(line for line in lines if isinstance(line, str))


def of_arguments(called: Called) -> Iterator[Line]:
    """Old and new text, a list of such pairs, a patch, or a whole new file."""
    edits = argument(called, "edits")
    values = [called.call.arguments, *(edits if isinstance(edits, list) else ())]
    changed = [found for one in values if isinstance(one, dict) and (found := pair(one))]
    patch = argument(called, "patch", "input", "diff", "patchtext")
    content = argument(called, "content", "filetext", "newsource")
    if changed:
        for old, new in changed:
            yield from between(old, new)
    elif isinstance(patch, str) and ("*** Begin Patch" in patch or "@@" in patch):
        yield from signed(patch.split("\n"))
    elif isinstance(content, str):
        yield from (Line("add", line) for line in content.split("\n"))


def pair(values: dict[str, Any]) -> tuple[str, str] | None:
    """Old and new text, however an agent spells their names; None where there is neither."""
    folded = {name.replace("_", "").lower(): value for name, value in values.items() if isinstance(value, str)}
    old, new = folded.get("oldstring", folded.get("oldstr")), folded.get("newstring", folded.get("newstr"))
    return None if old is None and new is None else (old or "", new or "")


def between(old: str, new: str) -> Iterator[Line]:
    """Compared line by line; the whole of both where they are too long to be compared in good time."""
    before, after = old.split("\n") if old else [], new.split("\n") if new else []
    if len(before) + len(after) > 5 * LONGEST:
        yield from (Line("del", line) for line in before)
        yield from (Line("add", line) for line in after)
        return
    lines: Sequence[str] = list(difflib.unified_diff(before, after, lineterm="", n=3))[2:]
    yield from signed(lines)


def signed(lines: Iterable[str]) -> Iterator[Line]:
    """Lines of a patch, told apart by their first character."""
    for line in lines:
        if line.startswith(("+++", "---", "***", "diff --git")):
            yield Line("place", line)
        else:
            kind = SIGNS.get(line[:1], "same")
            yield Line(kind, line if kind == "place" else line[1:])
