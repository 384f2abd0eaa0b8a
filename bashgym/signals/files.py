"""The files of a session, their content put together again from what the trace shows of them.

Write gives the whole; an edit is applied to the last known content; a whole Read and the client's own
`originalFile` make a file known again. Whatever may have changed a file unseen makes it unknown, never wrong."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from bashgym.signals.calls import (
    EDIT_TOOLS,
    OPAQUE_TOOLS,
    READ_TOOLS,
    WRITE_TOOLS,
    Called,
    argument,
    calls,
    command_line,
    path_of,
)
from bashgym.signals.changes import EVERYTHING, changes
from bashgym.trace import Trace

NUMBERED = re.compile(r"[ \t]*(\d+)(?:→|\t|: )(.*)")
REMINDER = re.compile(r"<system-reminder>.*?</system-reminder>", re.DOTALL)
LINE_LIMIT = 2000  # a Read without a limit shows so many lines, and so many characters of each


@dataclass
class File:
    """One file: `content` now, and `original`, what it was before the session first changed it; None: not known."""

    path: str
    content: str | None = None
    why: str = "never seen whole"  # why content is not known
    original: str | None = None
    created: bool = False  # made by this session
    step_id: int | None = None  # the step that changed it last
    deleted: bool = False

    def set(self, content: str) -> None:
        self.content, self.why, self.deleted = content, "", False

    def forget(self, why: str) -> None:
        self.content, self.why = None, why


def edited_files(trace: Trace) -> list[File]:
    """Files the session wrote or edited with its tools, as they were at its end, in the order of their first change."""
    files: dict[str, File] = {}
    for called in calls(trace):
        if called.tool in READ_TOOLS:
            seen(files, called)
        elif called.tool in WRITE_TOOLS | EDIT_TOOLS | OPAQUE_TOOLS:
            edit(files, called)
        else:
            otherwise(files, called, trace)
    return [file for file in files.values() if file.step_id is not None and not file.deleted]


def file_at(files: dict[str, File], path: str) -> File:
    return files.setdefault(path, File(path))


def seen(files: dict[str, File], called: Called) -> None:
    """A whole Read tells the content."""
    path = path_of(called)
    content = read_whole(called) if called.took_effect else None
    if path and content is not None:
        file = file_at(files, path)
        file.set(content)


def read_whole(called: Called) -> str | None:
    """The content a Read shows, when it shows all of it."""
    raw = called.raw if isinstance(called.raw, dict) else {}
    part = raw.get("file")
    if isinstance(part, dict) and isinstance(part.get("content"), str):
        whole = part.get("startLine", 1) == 1 and part.get("numLines") == part.get("totalLines")
        return part["content"] if whole else None
    if called.cut or argument(called, "offset", "limit", "viewrange") is not None:
        return None
    lines = []
    for expected, line in enumerate(REMINDER.sub("", called.text).rstrip().split("\n"), 1):
        match = NUMBERED.fullmatch(line)
        if not match or int(match[1]) != expected or len(match[2]) >= LINE_LIMIT:
            return None
        lines.append(match[2])
    return "\n".join(lines) + "\n" if len(lines) < LINE_LIMIT else None


def edit(files: dict[str, File], called: Called) -> None:
    """A call of an editing tool; refused and failed ones changed nothing."""
    path = path_of(called)
    if argument(called, "command") == "view" or called.failed or called.call.extra.bashgym.denied:
        return
    if path is None:
        for file in files.values():
            file.forget("changed by a patch")
        return
    file = file_at(files, path)
    if called.result is None:
        file.forget("the call that changes it has no result")
    else:
        before(file, called)
        after(file, called)
    file.step_id = called.step.step_id


def before(file: File, called: Called) -> None:
    """What the client says the file was; at the session's first change of it this is its original."""
    raw = called.raw if isinstance(called.raw, dict) else {}
    told = raw.get("originalFile") if "originalFile" in raw else raw.get("originalFileContents")
    if isinstance(told, str) and file.content != told:
        file.set(told)
    if file.step_id is None:
        file.original = file.content
        writes = argument(called, "content", "filetext") is not None
        file.created = raw.get("type") == "create" or (writes and not raw.get("type") and file.content is None)


def after(file: File, called: Called) -> None:
    """The content after the call."""
    raw = called.raw if isinstance(called.raw, dict) else {}
    whole = argument(called, "content", "filetext", "contents")
    if raw.get("userModified"):
        file.forget("the user changed the edit before it was made")
    elif called.tool in OPAQUE_TOOLS:
        file.forget("changed by a patch")
    elif isinstance(whole, str):
        file.set(whole)
    else:
        apply(file, list(replacements(called)))


def replacements(called: Called) -> Iterator[tuple[Any, Any, bool]]:
    """(old, new, everywhere) of an edit, several of a MultiEdit."""
    many = argument(called, "edits")
    for one in many if isinstance(many, list) else [called.call.arguments]:
        folded = (
            {str(name).replace("_", "").lower(): value for name, value in one.items()} if isinstance(one, dict) else {}
        )
        old = folded.get("oldstring", folded.get("oldstr"))
        new = folded.get("newstring", folded.get("newstr", ""))
        yield old, new, folded.get("replaceall") is True


def apply(file: File, edits: list[tuple[Any, Any, bool]]) -> None:
    """Replaces in the known content; what does not fit makes the file unknown (a pseudonym, a change unseen)."""
    content = file.content
    for old, new, everywhere in edits:
        if old == "" and not content and isinstance(new, str):
            content = new
        elif content is None:
            return file.forget(file.why or "never seen whole")
        elif not isinstance(old, str) or not isinstance(new, str) or not old or old not in content:
            return file.forget("an edit does not fit what is known of it")
        else:
            content = content.replace(old, new) if everywhere else content.replace(old, new, 1)
    return file.set(content) if content is not None else file.forget("an edit without text")


def otherwise(files: dict[str, File], called: Called, trace: Trace) -> None:
    """Commands, sub-agents and foreign tools make the files they may have changed unknown; rm and mv take one away."""
    for change in changes(called, trace):
        if change.kind == "commit":
            continue
        for file in files.values():
            if change.path == EVERYTHING or same(change.path, file.path):
                file.forget(f"may have been changed by {called.call.function_name} ({change.kind})")
                file.deleted = file.deleted or (removed(called) and change.path != EVERYTHING)


def removed(called: Called) -> bool:
    return bool(re.search(r"(?:^|[;&|\s])(?:git\s+)?(?:rm|mv)\s", command_line(called) or ""))


def same(named: str, path: str) -> bool:
    """Whether a name in a command may mean `path`: equal, or one ends in the other; a folder or pattern may hold it."""
    left, right = PurePosixPath(named).parts, PurePosixPath(path).parts
    shorter = min(len(left), len(right))
    if not shorter:
        return True
    return (
        left[-shorter:] == right[-shorter:]
        or any(sign in named for sign in "*?$[{")
        or PurePosixPath(named).name in right
    )
