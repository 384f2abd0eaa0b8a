"""Whose the changes are that no commit holds: the session's, or there before it."""

import re

from bashgym.signals.history import history
from bashgym.trace import Trace

STATUS = re.compile(r"\bgit\b[^|;&\n]*\bstatus\b")
UNCOMMITTED = re.compile(
    r"^(?:[ MADRCU?]{2} |[MADRCU] )(\S+)|^\s+(?:modified|new file|deleted|renamed):\s+(\S+)", re.MULTILINE
)


def edited(trace: Trace) -> dict[tuple[int, int], list[str]]:
    """The files that each call edited, by where it stands."""
    found: dict[tuple[int, int], list[str]] = {}
    for change in history(trace).changes:
        if change.kind == "edit":
            found.setdefault(change.at[:2], []).append(change.path)
    return found


def uncommitted(line: str, output: str) -> list[str]:
    """Files that `git status` shows with changes that are in no commit."""
    if not STATUS.search(line):
        return []
    return [short or long for short, long in UNCOMMITTED.findall(output[:20_000])]
