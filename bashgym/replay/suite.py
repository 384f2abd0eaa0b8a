"""Which command runs a session's tests, in the words of the session itself, and how a box can run it."""

import os
import re
import shlex
from pathlib import Path
from typing import NamedTuple

from bashgym import policy
from bashgym.replay.surroundings import Surroundings
from bashgym.replay.unfit import Unfit
from bashgym.signals.calls import calls, command_line
from bashgym.signals.runners import Runner, runner, unwrapped
from bashgym.signals.shell import Command, split
from bashgym.trace import Trace

REPORT = ".bashgym-report.xml"
# what would stop a run early, or make it depend on an earlier one
SELECTIVE = re.compile(
    r"-x|--exitfirst|--maxfail(=.*)?|--lf|--last-failed|--ff|--failed-first|--nf|--sw|--stepwise|--pdb"
)
ALONE = re.compile(r"--maxfail")


class Suite(NamedTuple):
    """A test command without what wrapped it; `folder` is relative to the repository's top."""

    words: tuple[str, ...]
    runner: Runner
    folder: str


def suite(trace: Trace, root: Path) -> Suite:
    """The last run of all tests, else the last run; never one that the policy does not allow.

    Raises Unfit where the session shows none."""
    found, refused = [], ""
    for called in calls(trace):
        line = command_line(called)
        commands = split(line) if line and called.call.extra.bashgym.denied is None else []
        for index, command in enumerate(commands):
            started = runner(command)
            words = unwrapped(command) if started else ()
            if not started or not words:
                continue
            verdict = policy.judge(shlex.join(words) if not live(words) else " ".join(words))
            if verdict.allowed and not live(words):
                found.append(Suite(words, started, place(commands[:index], trace, root)))
            else:
                refused = verdict.reason or "has words that are not known"
    whole = [one for one in found if not one.runner.selectors]
    if not found:
        raise Unfit(f"its test command {refused}" if refused else "it ran no tests, so no command for them is known")
    return (whole or found)[-1]


def live(words: tuple[str, ...]) -> bool:
    """Whether the shell would still make something else of them."""
    return any(getattr(word, "live", ()) or getattr(word, "bare", False) for word in words)


def place(earlier: list[Command], trace: Trace, root: Path) -> str:
    """The folder in the repository where the command ran, by the `cd` before it."""
    cwd = trace.info.project.cwd or str(root)
    for command in earlier:
        if command.program == "cd" and len(command.words) == 2:
            cwd = os.path.normpath(os.path.join(cwd, command.words[1]))  # noqa: PTH118 - text, not resolved
    for top in (str(root), os.path.realpath(root)):
        if cwd == top or cwd.startswith(top + "/"):
            return os.path.relpath(cwd, top)
    return "."


def arguments(wanted: Suite, around: Surroundings, seen_at: Path, root: Path) -> tuple[str, ...]:
    """The words for the box; pytest writes a report of each test, and runs to its end."""
    words = tuple(str(word).replace(str(root), str(seen_at)) for word in wanted.words)
    if wanted.runner.family != "pytest":
        return words
    rest = words[words.index("pytest") + 1 :] if "pytest" in words else words[1:]
    kept = [
        word
        for before, word in zip(("", *rest), rest, strict=False)
        if not SELECTIVE.fullmatch(word) and not ALONE.fullmatch(before)
    ]
    more = ("-p", "no:cacheprovider", "--color=no", f"--junitxml={seen_at / REPORT}")
    return (*started(words, around), *kept, *more)


def started(words: tuple[str, ...], around: Surroundings) -> tuple[str, ...]:
    """pytest of the environment: as a script where it was one, since `-m` would put the folder on the path."""
    python = around.python or Path("python3")
    script = python.parent / "pytest"
    return (str(python), str(script)) if "-m" not in words and script.is_file() else (str(python), "-m", "pytest")
