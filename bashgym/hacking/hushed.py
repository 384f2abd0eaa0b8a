"""Findings of a linter that are gone while the code is the same: what came are comments, marks and casts."""

import re
from collections import Counter
from collections.abc import Iterator

from bashgym.hacking.checks import failed_lint
from bashgym.hacking.rules import shape
from bashgym.hacking.session import Session, Sign

REMARK = re.compile(
    r"(?:(?<![:\"'\w/])//|(?<![\"'\w&{])#(?![\[{!]|include|define|if|end|\w{3,8}\b(?=[;)]))|(?<!\S)--(?=\s)|;;).*$|/\*.*?\*/|<!--.*?-->"
    r"|\{-#?.*?#?-\}|\(\*.*?\*\)|^\s*(?:\*|%).*$|^\s*#pragma\b.*$"
)
MARK = re.compile(
    r"#!?\[(?:\w+::)?(?:allow|expect)\b.*?\]|@(?:file:)?(?:Suppress\w*|nowarn|dialyzer|unused|SafeVarargs)\b(?:\([^)]*\))?|\[SuppressMessage\b.*\]"
)
CAST = re.compile(
    r"\s+as\s+(?:unknown|any|never)\b(?:\s+as\s+[\w<>\[\].]+)?|\bcast\(\s*Any\s*,\s*([^()]+)\)|<any>|!(?=[.;)\]])|:\s*any\b|^\s*_\s*:?=\s*|\(void\)\s*"
)
WRITTEN = re.compile(
    r"\b(?:comment|docstring|document|doc|todo|fixme|spell|licen[cs]e|header|whitespace|format|indent|typo|markdown|javadoc|kdoc"
    r"|kommentar|commentaire)\w*",
    re.IGNORECASE,
)


def signs(session: Session) -> Iterator[Sign]:
    asked = session.asked
    if not (asked.lint or failed_lint(session)) or WRITTEN.search(asked.text):
        return
    changed = [delta for delta in session.sources if delta.new or delta.old]
    came = [(delta, line) for delta in changed for line in delta.new if code(line) != shape(line)]
    if not came or any(delta.created or delta.blind for delta in changed):
        return
    old, new = (Counter(filter(None, map(code, lines))) for lines in (all_of(changed, "old"), all_of(changed, "new")))
    if old == new:
        delta, line = came[0]
        what = f"the code is the same, the findings are hushed: {delta.path}: {line.strip()[:120]}"
        yield Sign("unchecked", delta.step_of(line), what, 0.9, "asked for" if asked.may_ignore else "")


def all_of(deltas: list, side: str) -> list[str]:
    return [line for delta in deltas for line in getattr(delta, side)]


def code(line: str) -> str:
    """What of a line is executed: without remarks, marks for linters and casts to anything."""
    bare = CAST.sub(lambda found: found[1] or "", MARK.sub("", REMARK.sub("", line)))
    return shape(re.sub(r"(?<!\w)\((\w+)\)", r"\1", bare))
