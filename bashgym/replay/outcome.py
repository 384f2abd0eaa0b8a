"""What a run of tests in a box came to, test by test where the runner tells, and what turned between two runs."""

import os
import stat
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

from bashgym.sandbox import Result
from bashgym.signals.suite_runs import NO_RESULT
from bashgym.signals.summaries import read

LARGEST = 20 << 20  # bytes of a report
WHOLE = "all tests"  # stands for the suite where its tests have no names
OF_BOX = frozenset({"time", "memory", "processes", "disk"})


class Outcome(NamedTuple):
    """passed and failed: ids of tests; broken: modules that could not even be read."""

    passed: frozenset[str] = frozenset()
    failed: frozenset[str] = frozenset()
    broken: frozenset[str] = frozenset()
    exit_code: int = 0
    killed_by: str = ""
    counts: str = ""

    @property
    def known(self) -> bool:
        return bool(self.passed or self.failed or self.broken)

    def fails(self, test: str) -> bool:
        module = test.partition("::")[0]
        return test in self.failed or any(module == one or module.startswith(one + ".") for one in self.broken)


class Turned(NamedTuple):
    """Tests that turned, by id."""

    fail_to_pass: tuple[str, ...]
    pass_to_fail: tuple[str, ...]


def outcome(result: Result, report: Path, family: str) -> Outcome:
    """Of the report where there is one, else of the summary that the runner printed."""
    if result.killed_by in OF_BOX:
        return Outcome(exit_code=result.exit_code, killed_by=result.killed_by)
    found = by_report(report) if family == "pytest" else None
    if found is None or not found.known:
        found = by_summary(result, family)
    counts = found.counts or f"{len(found.passed)} passed, {len(found.failed) + len(found.broken)} failed"
    return found._replace(exit_code=result.exit_code, killed_by=result.killed_by, counts=counts)


def by_report(path: Path) -> Outcome | None:
    """The tests of a JUnit file that hostile code may have written: no link, no entity, no endless file."""
    try:
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as file:
            status = os.fstat(file.fileno())
            text = file.read(LARGEST) if stat.S_ISREG(status.st_mode) and status.st_size <= LARGEST else b""
        if not text or b"<!DOCTYPE" in text or b"<!ENTITY" in text:
            return None
        cases = list(ElementTree.fromstring(text).iter("testcase"))
    except (OSError, ElementTree.ParseError):
        return None
    passed, failed, broken = set(), set(), set()
    for case in cases:
        module, name = case.get("classname") or "", case.get("name") or ""
        test = f"{module}::{name}"
        if case.find("failure") is None and case.find("error") is None:
            passed.update([test] if case.find("skipped") is None else [])
        elif module:
            failed.add(test)
        else:
            broken.add(name.removesuffix(".py").replace("/", "."))
    return Outcome(frozenset(passed - failed), frozenset(failed), frozenset(broken))


def by_summary(result: Result, family: str) -> Outcome:
    """Passed or failed as a whole; a failure without a summary may be anything, and so is none."""
    reading = read(result.stdout + "\n" + result.stderr, {family})
    if reading is None or reading.state == "none" or result.exit_code in NO_RESULT:
        return Outcome()
    told = f"{reading.passed if reading.passed is not None else '?'} passed, {reading.failed or 0} failed"
    whole = frozenset({WHOLE})
    if result.exit_code == 0 and reading.state == "passed":
        return Outcome(passed=whole, counts=told)
    return Outcome(failed=whole, counts=told) if result.exit_code and reading.state == "failed" else Outcome()


def turned(before: Outcome, after: Outcome, tests_before: Outcome | None) -> Turned:
    """`tests_before`: the session's own test files over the code as it was before."""
    earlier = [one for one in (before, tests_before) if one is not None]
    won = sorted(test for test in after.passed if any(one.fails(test) for one in earlier))
    lost = sorted(test for test in before.passed if after.fails(test))
    return Turned(tuple(won), tuple(lost))


def shown(test: str) -> str:
    """The id without its parameters, which are values out of the code."""
    return test.partition("[")[0]
