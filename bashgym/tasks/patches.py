"""Unified diffs, made and applied: strictly, by what they say of the lines around them."""

import difflib
import re
from collections.abc import Mapping, Sequence

HUNK = re.compile(r"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")
NO_NEWLINE = "\\ No newline at end of file"


class NoAnswer(ValueError):
    """The answer cannot be applied: why, in a few words."""


def made(before: Mapping[str, str], after: Mapping[str, str]) -> str:
    """The diff that turns `before` into `after`; a file that is only in `after` is new."""
    said = []
    for path, text in after.items():
        old = before.get(path)
        head = "/dev/null" if old is None else f"a/{path}"
        lines = difflib.unified_diff((old or "").splitlines(True), text.splitlines(True), head, f"b/{path}")
        said += [line if line.endswith("\n") else f"{line}\n{NO_NEWLINE}\n" for line in lines]
    return "".join(said)


def applied(diff: str, files: Mapping[str, str]) -> dict[str, str | None]:
    """The files that a diff changes with their new text, None for those it removes. Raises NoAnswer."""
    lines = diff.splitlines()
    changed: dict[str, str | None] = {}
    at = 0
    while at < len(lines):
        if not (lines[at].startswith("--- ") and at + 1 < len(lines) and lines[at + 1].startswith("+++ ")):
            at += 1
            continue
        old, new = name(lines[at][4:]), name(lines[at + 1][4:])
        body = at + 2
        while body < len(lines) and not lines[body].startswith("--- "):
            body += 1
        if old is not None and old not in files:
            raise NoAnswer(f"the patch changes {old}, which is not there")
        text = patched(lines[at + 2 : body], files[old] if old is not None else "", old or str(new))
        if old is not None and old != new:
            changed[old] = None
        if new is not None:
            changed[new] = text
        at = body
    if not changed:
        raise NoAnswer("no unified diff in the answer")
    return changed


def name(head: str) -> str | None:
    """The path of a `---` or `+++` line without a/ or b/ and its date; None for /dev/null."""
    path = head.split("\t")[0].strip()
    return None if path == "/dev/null" else re.sub(r"^[ab]/", "", path)


def patched(body: Sequence[str], text: str, path: str) -> str:
    """`text` with the hunks in `body` applied in order; each must find its old lines, if not where it says."""
    lines = text.splitlines(True)
    done: list[str] = []
    taken = 0
    for wanted, old, new in hunks(body):
        start = found(lines, old, taken, max(wanted - 1, 0))
        if start is None:
            raise NoAnswer(f"the patch does not fit {path}")
        done += lines[taken:start] + new
        taken = start + len(old)
    return "".join(done + lines[taken:])


def found(lines: Sequence[str], old: Sequence[str], low: int, near: int) -> int | None:
    """Where `old` stands in `lines`, from `low` on, nearest to `near`."""
    places = [at for at in range(low, len(lines) - len(old) + 1) if list(lines[at : at + len(old)]) == list(old)]
    return min(places, key=lambda at: abs(at - near), default=None)


def hunks(body: Sequence[str]) -> list[tuple[int, list[str], list[str]]]:
    """(line from 1, old lines, new lines), lines with their ends."""
    made_of: list[tuple[int, list[str], list[str]]] = []
    touched: list[list[str]] = []
    for line in body:
        if head := HUNK.match(line):
            made_of.append((int(head[1]), [], []))
            touched = []
        elif line == NO_NEWLINE:
            for side in touched:
                side[-1] = side[-1].removesuffix("\n")
        elif made_of and (not line or line[0] in " +-"):
            sides = {"+": [made_of[-1][2]], "-": [made_of[-1][1]]}.get(line[:1], [made_of[-1][1], made_of[-1][2]])
            for side in sides:
                side.append(line[1:] + "\n")
            touched = sides
    return made_of
