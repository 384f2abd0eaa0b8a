"""What a session's writing tools did to the files of its repository, replayed on what was there.

An edit whose text is not in the file does not fit, and then nothing is claimed: a file may have been changed by a
command, by the user, or by a sub-agent. What is seen to be changed in such a way is `unseen`: the end state is then
not known whole."""

import os
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from bashgym.replay.repository import may_be_written
from bashgym.replay.unfit import Unfit
from bashgym.signals.calls import EDIT_TOOLS, OPAQUE_TOOLS, WRITE_TOOLS, Called, argument, calls, path_of
from bashgym.signals.changes import changes
from bashgym.signals.files import replacements
from bashgym.trace import Trace

TEST_FILE = re.compile(
    r"(?:^|/)(?:tests?|__tests__|spec|specs|testing|e2e)/|(?:^|/)(?:test_[^/]*|[^/]*_test|[^/]*[.-](?:test|spec)|conftest)\.\w+$"
)


@dataclass
class Change:
    """Texts by path in the repository: `base` is what the session found there though the commit says otherwise."""

    base: dict[str, str] = field(default_factory=dict)
    after: dict[str, str] = field(default_factory=dict)
    unseen: bool = False

    @property
    def tests(self) -> dict[str, str]:
        """The test files among what it wrote."""
        return {path: text for path, text in self.after.items() if TEST_FILE.search(path)}


def replay(trace: Trace, root: Path, at_commit: Callable[[str], str | None]) -> Change:
    """The change of a session on the branch it ended on. `at_commit` reads a file of the snapshot; None: not there."""
    change = Change()
    for called in calls(trace):
        if called.tool in OPAQUE_TOOLS and called.took_effect:
            raise Unfit(f"a file was changed with a tool that is not replayed ({called.tool})")
        if called.tool in WRITE_TOOLS | EDIT_TOOLS:
            apply(called, trace, root, at_commit, change)
        elif any(one.kind in ("edit", "revert", "away", "back") for one in changes(called, trace)):
            change.unseen = True
    if not change.after:
        raise Unfit("no file of the repository was edited")
    return change


def apply(called: Called, trace: Trace, root: Path, at_commit: Callable[[str], str | None], change: Change) -> None:
    """One call of a writing tool."""
    if not called.took_effect or argument(called, "command") == "view":
        return
    path = within(path_of(called), trace, root)
    if path is None:
        return
    raw = called.raw if isinstance(called.raw, dict) else {}
    if raw.get("userModified"):
        raise Unfit("the user changed an edit before it was made")
    before = change.after.get(path, change.base.get(path))
    if before is None:
        before = at_commit(path)
    told = raw.get("originalFile") if "originalFile" in raw else raw.get("originalFileContents")
    if isinstance(told, str) and told != before:
        if path not in change.after:
            change.base[path] = told
        before = told
    whole = argument(called, "content", "filetext", "contents")
    change.after[path] = whole if isinstance(whole, str) else edited(before, called)


def edited(text: str | None, called: Called) -> str:
    """The text after the replacements of an Edit or MultiEdit."""
    for old, new, everywhere in replacements(called):
        if not isinstance(old, str) or not isinstance(new, str):
            raise Unfit("an edit without text")
        if old == "" and not text:
            text = new
        elif text is None or not old or old not in text:
            raise Unfit("an edit does not fit the files of the commit it began at")
        else:
            text = text.replace(old, new) if everywhere else text.replace(old, new, 1)
    if text is None:
        raise Unfit("an edit without text")
    return text


def within(path: str | None, trace: Trace, root: Path) -> str | None:
    """The path in the repository; None for a file elsewhere. Raises Unfit for one that must not be written."""
    if path is None:
        raise Unfit("an edit does not say of which file")
    whole = os.path.normpath(os.path.join(trace.info.project.cwd or "", path))  # noqa: PTH118 - hostile text, not resolved
    for top in (str(root), os.path.realpath(root)):
        if whole.startswith(top + "/"):
            found = whole[len(top) + 1 :]
            if not may_be_written(found):
                raise Unfit("it edited a file that is never copied (.env, or in .git)")
            return str(PurePosixPath(found))
    return None


def put(folder: Path, texts: dict[str, str]) -> None:
    """Writes texts into a snapshot; raises Unfit rather than write through a link."""
    for path, text in texts.items():
        place = folder
        for part in PurePosixPath(path).parts:
            place = place / part
            if place.is_symlink():
                raise Unfit("it edited a file behind a link")
        place.parent.mkdir(parents=True, exist_ok=True)
        with place.open("w", encoding="utf-8", errors="surrogatepass", newline="") as file:
            file.write(text)
