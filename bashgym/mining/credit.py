"""Which edits turned the tests: between two runs of the same tests, the edits that can have made the difference.

Nothing is credited where something else may have done it: a test that was edited, an installation, work put aside or
brought back, a run that turned without any edit. Of several edits those count whose file the failing run names; if it
names none, all count alike. A gain is told by the number of failed tests where both runs print it."""

import re
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath
from typing import NamedTuple

from bashgym.mining.corrected import texts
from bashgym.signals.calls import EDIT_TOOLS, OPAQUE_TOOLS, WRITE_TOOLS, Called, calls, command_line, path_of
from bashgym.signals.changes import Change
from bashgym.signals.files import same
from bashgym.signals.history import History, history, undoes
from bashgym.signals.runners import covers
from bashgym.signals.shell import split
from bashgym.signals.suite_runs import SuiteRun
from bashgym.trace import Trace

TEST = re.compile(
    r"(?:^|/)(?:tests?|spec|__tests__|testing)/"
    r"|(?:^|[/_.-])(?:test|tests|spec|conftest)(?:[_.-]|$)|_test\."
)
NO_CODE = frozenset({".md", ".rst", ".txt", ".log", ".lock", ".svg", ".png", ".csv", ".adoc"})
INSTALLERS = frozenset({"pip", "pip3", "npm", "yarn", "pnpm", "uv", "poetry", "apt", "apt-get", "brew", "cargo", "gem",
                        "bundle", "go", "conda", "mix", "composer", "docker", "docker-compose",
                        "systemctl"})  # fmt: skip
INSTALLING = frozenset({"install", "add", "sync", "ci", "get", "update", "upgrade", "up", "start", "restart", "i"})


class Credit(NamedTuple):
    """One edit that turned the tests between two runs; `weight` 0 to 1, of all that was gained or lost there."""

    edit: Called
    before: SuiteRun
    after: SuiteRun
    weight: float
    good: bool


def credits(trace: Trace) -> Iterator[Credit]:
    """Edits that turned tests green, or red."""
    seen = history(trace)
    everything = list(calls(trace))
    for before, after in compared(seen.known_runs):
        good = gain(before, after)
        if good is None or clouded(seen, everything, before, after):
            continue
        failing = before if good else after
        edits = telling(candidates(seen, everything, before, after), output(everything, failing))
        for one in edits:
            yield Credit(one, before, after, round(1 / len(edits), 4), good)


def compared(runs: Sequence[SuiteRun]) -> Iterator[tuple[SuiteRun, SuiteRun]]:
    """Each run with the last one before it of the same tests."""
    for number, after in enumerate(runs):
        for before in reversed(runs[:number]):
            if covers(before.runner, after.runner) or covers(after.runner, before.runner):
                yield before, after
                break


def gain(before: SuiteRun, after: SuiteRun) -> bool | None:
    """True: fewer tests fail; False: more do; None: neither, or not to be told. A narrower run that passes says
    nothing of the rest, a wider one that fails may fail elsewhere."""
    if (before.result, after.result) == ("failed", "passed"):
        return True if covers(after.runner, before.runner) else None
    if (before.result, after.result) == ("passed", "failed"):
        return False if covers(before.runner, after.runner) else None
    if before.result == after.result == "failed" and before.runner == after.runner:
        if before.failed is None or after.failed is None or before.failed == after.failed:
            return None
        total = [(run.passed or 0) + run.failed for run in (before, after) if run.failed is not None]
        return before.failed > after.failed if total[0] == total[1] else None
    return None


def clouded(seen: History, everything: Sequence[Called], before: SuiteRun, after: SuiteRun) -> bool:
    """Whether something else than an edit of code may have turned the tests."""
    between = [change for change in seen.changes if before.at < change.at < after.at]
    if any(change.kind in ("away", "back") or not change.known for change in between):
        return True
    if any(change.kind == "edit" and TEST.search(change.path) for change in between):
        return True
    lines = [command_line(one) or "" for one in everything if before.at[:2] < one.at < after.at[:2]]
    return any(installs(line) for line in lines)


def installs(line: str) -> bool:
    return any(one.program in INSTALLERS and INSTALLING & set(one.words[1:4]) for one in split(line))


def candidates(seen: History, everything: Sequence[Called], before: SuiteRun, after: SuiteRun) -> list[Called]:
    """Edits of code between two runs that were not taken back or written over before the second."""
    editing = EDIT_TOOLS | WRITE_TOOLS | OPAQUE_TOOLS
    made = [
        one
        for one in everything
        if before.at[:2] < one.at < after.at[:2] and one.tool in editing and one.took_effect and is_code(path_of(one))
    ]
    reverts = [change for change in seen.changes if change.kind == "revert" and change.at < after.at]
    return [
        one
        for number, one in enumerate(made)
        if not any(undoes(revert, changed(one)) for revert in reverts)
        and not any(replaces(later, one) for later in made[number + 1 :])
    ]


def is_code(path: str | None) -> bool:
    return path is None or (PurePosixPath(path).suffix.lower() not in NO_CODE and not TEST.search(path))


def changed(called: Called) -> Change:
    return Change((*called.at, 0), called.step.step_id, "edit", path_of(called) or "*")


def replaces(later: Called, earlier: Called) -> bool:
    """Whether a later edit leaves nothing of an earlier one."""
    path, other = path_of(later), path_of(earlier)
    if path is None or other is None or not same(path, other):
        return False
    if later.tool in WRITE_TOOLS:
        return True
    old, new = texts(later)[0], texts(earlier)[1]
    return bool(old and new) and str(new).strip() in str(old) and earlier.tool not in WRITE_TOOLS


def telling(edits: Sequence[Called], printed: str) -> list[Called]:
    """Those whose file the failing run names, by its path or as a module; all where it names none."""
    named = [one for one in edits if named_in(path_of(one), printed)]
    return named or list(edits)


def named_in(path: str | None, printed: str) -> bool:
    if not path:
        return False
    name = PurePosixPath(path).name
    return bool(re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", printed))


def output(everything: Sequence[Called], run: SuiteRun) -> str:
    """What a run printed."""
    return next((one.text for one in everything if one.call.tool_call_id == run.call_id), "")
