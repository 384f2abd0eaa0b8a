"""Test runs of a trace and what came of each: from the exit code where the shell shows it, else from the summary."""

import re
from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

from bashgym.signals.calls import Called, command_line, exit_code
from bashgym.signals.failures import around, names
from bashgym.signals.runners import Runner, runner
from bashgym.signals.shell import Command, split
from bashgym.signals.summaries import Reading, read
from bashgym.trace import Trace

Result = Literal["passed", "failed", "unknown"]
At = tuple[int, int, int]  # position of the step, of the call in it, of the command in the call

# no tests ran, or not to their end: pytest 4 (usage) and 5 (none collected), the shell's 126 and 127, timeout's 124,
# and the signals INT, KILL, TERM
NO_RESULT = frozenset({4, 5, 124, 126, 127, 130, 137, 143})
NOT_STARTED = re.compile(
    r"No module named '?(?:pytest|tox|nose2?|nox)\b|command not found|not recognized as|[Mm]issing script"
    r"|No rule to make target|could not find `Cargo\.toml`|go\.mod file not found|(?:cd|pushd): .{1,300}No such file"
)
CUTTING = frozenset(
    {"head", "grep", "egrep", "rg", "ag", "sed", "awk", "wc", "cut", "uniq", "less", "more", "jq", "python"}
)
HEAD_LINES = 10  # what `head` shows unless told
SURE = {"both": 0.95, "summary": 0.85, "exit_code": 0.8, "conflict": 0.6}


class SuiteRun(NamedTuple):
    """One run of tests. `basis` says what the result rests on; counts are None where nothing printed them."""

    at: At
    step_id: int
    call_id: str
    runner: Runner
    command: str
    result: Result
    passed: int | None = None
    failed: int | None = None
    basis: Literal["both", "summary", "exit_code", "conflict", "none"] = "none"
    broken: frozenset[str] = frozenset()  # names of tests that failed, as far as they were printed
    around: bool = False  # what was printed tells of something missing around it: a server, Docker, a network

    @property
    def confidence(self) -> float:
        return SURE.get(self.basis, 0.0)


def suite_runs(called: Called, trace: Trace) -> Iterator[SuiteRun]:
    """The test runs of one call. Their outputs cannot be told apart, so several share what was read from them."""
    line = command_line(called)
    if line is None or called.result is None or called.call.extra.bashgym.denied:
        return
    commands = split(line)
    found = [(index, started) for index, command in enumerate(commands) if (started := runner(command))]
    if not found:
        return
    reading = read(called.text, {started.family for _, started in found})
    code = exit_code(called, trace)
    if code and NOT_STARTED.search(called.text):
        code = None
    for index, started in found:
        result, basis = decide(own_status(commands, index, code), believed(reading, commands, index, called))
        if result == "failed" and not ran(reading) and around(called.text) and not names(called.text):
            result, basis = "unknown", "none"  # nothing ran: what it needs is not here
        yield SuiteRun(
            at=(*called.at, index),
            step_id=called.step.step_id,
            call_id=called.call.tool_call_id,
            runner=started,
            command=" ".join(commands[index].words),
            result=result,
            passed=reading.passed if reading else None,
            failed=reading.failed if reading else None,
            basis=basis,
            broken=names(called.text) if result == "failed" else frozenset(),
            around=result == "failed" and around(called.text),
        )


def ran(reading: Reading | None) -> bool:
    """Whether any test is known to have run."""
    return reading is not None and bool(reading.passed or reading.failed)


def decide(
    status: Result, reading: Reading | None
) -> tuple[Result, Literal["both", "summary", "exit_code", "conflict", "none"]]:
    """The result out of the exit status and the summary; "failed" of either wins (a Makefile may hide the one,

    a coverage threshold fail the run after all tests have passed)."""
    if reading is None:
        return status, "none" if status == "unknown" else "exit_code"
    if reading.state == "none":
        return ("failed", "exit_code") if status == "failed" else ("unknown", "none")
    if status == "unknown":
        return reading.state, "summary"
    if status == reading.state:
        return status, "both"
    return "failed", "conflict"


def own_status(commands: Sequence[Command], index: int, code: int | None) -> Result:
    """What the exit code of the whole line says of the command at `index`; unknown where the shell hides it.

    Hidden by: a pipe behind it (without pipefail), `;`, `||` or `&` behind it, a loop or condition around it, and, for
    a failure, by any other command of an && chain that may have failed in its place."""
    command = commands[index]
    if code is None or command.conditional or code in NO_RESULT:
        return "unknown"
    pipefail = option(commands[:index], "pipefail")
    errexit = option(commands[:index], "errexit") or option(commands[:index], "-e")
    carried = {"&&"} | ({"|"} if pipefail else set()) | ({";"} if errexit else set())
    behind = [later.after for later in commands[index:-1]]
    if commands[-1].after == "&" or any(operator not in carried for operator in behind):
        return "unknown"
    if "||" in [earlier.before for earlier in commands[: index + 1]]:
        return "unknown"
    if code == 0:
        return "passed"
    before = [earlier for earlier in commands[:index] if earlier.after in carried]
    alone = not [operator for operator in behind if operator != "|"] and all(harmless(earlier) for earlier in before)
    return "failed" if alone else "unknown"


def option(commands: Sequence[Command], name: str) -> bool:
    """Whether an earlier `set` switched a shell option on: `set -euo pipefail`."""
    letters = [word for command in commands if command.program == "set" for word in command.words[1:]]
    if name == "-e":
        return any(word.startswith("-") and "e" in word for word in letters)
    return name in letters


def harmless(command: Command) -> bool:
    """Commands that rarely fail, so that a failure of the line is that of the tests behind them."""
    return command.program in {
        "cd",
        "export",
        "source",
        ".",
        "set",
        "echo",
        "sleep",
        "mkdir",
        "pushd",
        "clear",
        "unset",
        "date",
    }


def believed(reading: Reading | None, commands: Sequence[Command], index: int, called: Called) -> Reading | None:
    """The reading, unless it tells "passed" of a part while the rest of the output was cut away."""
    if reading is None or reading.state != "passed" or reading.whole:
        return reading
    return None if called.cut or hidden(commands, index, called.text) else reading


def hidden(commands: Sequence[Command], index: int, output: str) -> bool:
    """Whether filters behind the command may have kept a failure from being seen; `tail` keeps the end, where it is."""
    for command in commands[index + 1 :]:
        if command.before != "|":
            return False
        if command.program == "head" and output.count("\n") + 1 < head_lines(command):
            continue
        if command.program in ("grep", "egrep", "rg") and "fail" in " ".join(command.words[1:]).lower():
            continue
        if command.program in CUTTING:
            return True
    return False


def head_lines(command: Command) -> int:
    """N of `head -n N`, `head -N`, `head -nN`."""
    digits = [word.lstrip("-n") for word in command.words[1:] if word.lstrip("-n").isdigit()]
    return int(digits[0]) if digits else HEAD_LINES
