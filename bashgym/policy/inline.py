"""Code given as text (python -c, perl -e, a here-document): the commands and paths that it names."""

import re
from collections.abc import Callable, Iterator

from bashgym.policy.effects import deletes, writes
from bashgym.policy.knowledge import load
from bashgym.policy.places import UNRESOLVED
from bashgym.policy.values import Session
from bashgym.policy.verdicts import ALLOWED, Verdict, destructive, unknown, worst

LITERAL = re.compile(
    r"""(?P<q>'''|\"""|['"`])(?P<text>(?:\\.|(?!(?P=q)).)*)(?P=q)|\bqw?\{(?P<braced>[^{}]*)\}""", re.DOTALL
)
FORKS = re.compile(
    r"\bfork\b\s*(?:\(\s*\))?\s*(?:while|for|until)\b|while\s*\(?\s*(?:1|true)\s*\)?\s*[:{]?[^\n]{0,20}\bfork\b",
    re.IGNORECASE,
)
RAW_DEVICE = re.compile(r"/dev/(?:sd|hd|vd|xvd|nvme|mmcblk|disk|mapper|mem|kmem|dm-)")


def judged(code: str, session: Session, command: str, judge: Callable[[str], Verdict]) -> Verdict:
    """The worst of what the code names; unknown where it makes its own code, or where what it runs is not in it."""
    known = load().code
    literals = [match["text"] if match["text"] is not None else match["braced"] for match in LITERAL.finditer(code)]
    verdicts = [writes(text, session, command) for text in literals if RAW_DEVICE.match(text)]
    if FORKS.search(code):
        verdicts.append(destructive("processes", "starts processes without end", command))
    if known.deletes.search(code):
        verdicts += removed(literals, session, command)
    if known.runs.search(code):
        verdicts += started(literals, command, judge)
    if known.hides.search(code):
        verdicts.append(unknown("runs code that it makes itself", command))
    return worst(verdicts)


def removed(literals: list[str], session: Session, command: str) -> Iterator[Verdict]:
    paths = [text for text in literals if re.fullmatch(r"[~/.\w*?][^\n]*", text)]
    if not paths:
        yield unknown("deletes what its code does not name", command)
    for path in paths:
        yield deletes(path, session, True, command)


def started(literals: list[str], command: str, judge: Callable[[str], Verdict]) -> Iterator[Verdict]:
    """Each text as a command, and all as the words of one."""
    if not literals:
        yield unknown("runs what its code does not name", command)
    for text in [*literals, " ".join(literals)]:
        yield judge(text.replace("{}", UNRESOLVED)) if text.strip() else ALLOWED
