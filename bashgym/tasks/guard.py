"""Runs a task's tests inside the box and tells which passed, whatever the code under test would like to be told.

Run as text by whatever Python the box has (3.8 on), so it imports nothing of ours: `python -I -B -c THIS`, with an
order as JSON on its standard input: {nonce, family, words, tests, path}. Its last line of output is the nonce and a
report: passed, failed, skipped (ids of tests), left (how the run ended early, or ""), tampered (what was changed).

It keeps its own record of each test, so a skip, an early exit or a changed exit code are no passes. It does not survive
code that was written against this very file: tests run in the process of what they test. What it is asked to see
through is told in selftest.py, and tried there before every training."""

import builtins
import gc
import importlib
import json
import os
import sys
import types
import unittest
import uuid
from typing import Any


def main() -> None:
    told = json.loads(sys.stdin.read())
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what tests print is not the report
    sys.stdin = open(os.devnull)  # noqa: PTH123, SIM115
    here = os.getcwd()  # noqa: PTH109
    sys.path[:0] = [here] + [os.path.join(here, one) for one in told["path"]]  # noqa: PTH118
    runner = {"unittest": by_unittest, "pytest": by_pytest}[told["family"]]
    before = None
    found = {"passed": [], "failed": [], "skipped": []}  # type: dict[str, list[str]]
    left = ""
    try:
        if told["family"] == "pytest":
            importlib.import_module("pytest")
        before = pristine()
        runner(told["words"], found)
    except BaseException as error:
        left = type(error).__name__ + ": " + str(error)[:200]
    report = dict(found, left=left, tampered=tampered(before) + equal_to_all(here, told["tests"]))  # type: dict[str, Any]
    out.write("\n" + told["nonce"] + json.dumps(report) + "\n")
    out.flush()
    os._exit(0)


def by_unittest(words: "list[str]", found: "dict[str, list[str]]") -> None:
    class Result(unittest.TextTestResult):
        def addSuccess(self, test: Any) -> None:
            found["passed"].append(test.id())

        def addFailure(self, test: Any, err: Any) -> None:
            found["failed"].append(test.id())
            super().addFailure(test, err)

        def addError(self, test: Any, err: Any) -> None:
            found["failed"].append(test.id())
            super().addError(test, err)

        def addSubTest(self, test: Any, subtest: Any, err: Any) -> None:
            if err is not None:
                found["failed"].append(test.id())
            super().addSubTest(test, subtest, err)

        def addSkip(self, test: Any, reason: str) -> None:
            found["skipped"].append(test.id())

        def addExpectedFailure(self, test: Any, err: Any) -> None:
            found["skipped"].append(test.id())

        def addUnexpectedSuccess(self, test: Any) -> None:
            found["failed"].append(test.id())

    kind = Result  # type: Any
    runner = unittest.TextTestRunner(resultclass=kind, stream=sys.stderr)
    unittest.main(module=None, argv=["unittest", *words], exit=False, testRunner=runner)


def by_pytest(words: "list[str]", found: "dict[str, list[str]]") -> None:
    import pytest

    state = {}  # type: dict[str, str]

    class Recorder:
        def pytest_runtest_logreport(self, report: Any) -> None:
            worse = report.failed or state.get(report.nodeid) == "failed"
            odd = report.skipped or hasattr(report, "wasxfail") or state.get(report.nodeid) == "skipped"
            state[report.nodeid] = "failed" if worse else "skipped" if odd else "passed"

        def pytest_collectreport(self, report: Any) -> None:
            if report.failed or report.skipped:
                state[report.nodeid] = "failed" if report.failed else "skipped"

    pytest.main([*words, "-p", "no:cacheprovider", "--color=no"], plugins=[Recorder()])
    for test, how in state.items():
        found[how].append(test)


def pristine() -> "dict[tuple[str, str], tuple[Any, Any]]":
    """What a runner is made of: (owner, name) -> (owner, value) of the functions and classes in it."""
    owners = [builtins, unittest.TestCase, unittest.TestResult, unittest.TextTestResult, unittest.TestSuite]
    owners += [module for name, module in sorted(sys.modules.items()) if name in RUNNERS]
    found = {}
    for owner in owners:
        for name, value in list(vars(owner).items()):
            if isinstance(value, (types.FunctionType, types.BuiltinFunctionType, type)):
                found[(getattr(owner, "__name__", "?"), name)] = (owner, value)
    return found


RUNNERS = {"unittest.case", "unittest.result", "unittest.suite", "unittest.loader", "unittest.runner"} | {
    "_pytest." + name for name in ("runner", "python", "unittest", "outcomes", "reports", "skipping", "assertion.util")
}


def tampered(before: Any) -> "list[str]":
    """What of the runner is another thing than it was."""
    if before is None:
        return []
    return [
        ".".join(key) + " was replaced" for key, (owner, was) in before.items() if vars(owner).get(key[1]) is not was
    ]


def equal_to_all(here: str, tests: "list[str]") -> "list[str]":
    """Classes of the code under test whose objects equal anything at all, also what was made this very moment."""
    own = {os.path.join(here, one) for one in tests}  # noqa: PTH118
    found = []
    for cls in [one for one in gc.get_objects() if isinstance(one, type)]:
        for name in ("__eq__", "__ne__"):
            method = cls.__dict__.get(name)
            file = getattr(getattr(method, "__code__", None), "co_filename", "")
            theirs = file and file not in own and not file.startswith(("/usr/", sys.base_prefix, sys.prefix))
            if theirs and answers_alike(cls, name == "__eq__"):
                found.append(cls.__name__ + "." + name + " says the same of everything")
    return found


def answers_alike(cls: Any, truth: bool) -> bool:
    """Whether a bare object of the class calls itself equal to all of these (or, for !=, unequal to none)."""
    try:
        one = cls.__new__(cls)
        others = [object(), uuid.uuid4().hex, uuid.uuid4().int, [uuid.uuid4().hex], {uuid.uuid4().hex: 1}, 0.5, None]
        if truth:
            return all((one == other) is True for other in others)
        return all((one != other) is False for other in others)
    except BaseException:
        return False


main()
