"""Whose the changes are that no commit holds: the session's, or there before it."""

import re
from collections.abc import Iterator

from bashgym.signals.calls import Called
from bashgym.signals.changes import changes
from bashgym.trace import Trace

STATUS = re.compile(r"\bgit\b[^|;&\n]*\bstatus\b")
UNCOMMITTED = re.compile(
    r"^(?:[ MADRCU?]{2} |[MADRCU] )(\S+)|^\s+(?:modified|new file|deleted|renamed):\s+(\S+)", re.MULTILINE
)


def edited(called: Called, trace: Trace) -> Iterator[str]:
    return (change.path for change in changes(called, trace) if change.kind == "edit")


def uncommitted(line: str, output: str) -> list[str]:
    """Files that `git status` shows with changes that are in no commit."""
    if not STATUS.search(line):
        return []
    return [short or long for short, long in UNCOMMITTED.findall(output[:20_000])]
