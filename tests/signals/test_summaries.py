"""Summaries of test runners. `outputs/RUNNER[_VARIANT].RESULT.txt` were printed by the real runners.

pytest 9, unittest of Python 3.11, jest 30, vitest 4, mocha 11, node 20, cargo 1.95 and go 1.27 ran small projects, once
right and once broken; only the folder's path was changed afterwards. Of runners that were not at hand, the lines below
are copied from what their manuals and users show."""

import time
from pathlib import Path

import pytest

from bashgym.signals.summaries import read

OUTPUTS = sorted((Path(__file__).parent / "outputs").glob("*.txt"))
LINES = [
    ("maven", "[INFO] Tests run: 5, Failures: 0, Errors: 0, Skipped: 1\n[INFO] BUILD SUCCESS", "passed", 4, 0),
    ("maven", "[ERROR] Tests run: 5, Failures: 1, Errors: 1, Skipped: 0\n[INFO] BUILD FAILURE", "failed", 3, 2),
    ("gradle", "5 tests completed, 2 failed\n\nBUILD FAILED in 3s", "failed", 3, 2),
    ("gradle", "BUILD SUCCESSFUL in 3s", "passed", None, None),
    ("rspec", "5 examples, 0 failures", "passed", 5, 0),
    ("exunit", "14 doctests, 297 tests, 0 failures", "passed", 297, 0),
    ("exunit", "3 tests, 1 failure", "failed", 2, 1),
    ("minitest", "4 runs, 9 assertions, 1 failures, 0 errors, 1 skips", "failed", 2, 1),
    ("phpunit", "OK (5 tests, 9 assertions)", "passed", 5, 0),
    ("phpunit", "Tests: 5, Assertions: 9, Failures: 1.", "failed", 4, 1),
    ("dotnet", "Passed!  - Failed:     0, Passed:     5, Skipped:     0, Total:     5", "passed", 5, 0),
    ("swift", "Executed 5 tests, with 1 failure (0 unexpected) in 0.1 seconds", "failed", 4, 1),
    ("ctest", "100% tests passed, 0 tests failed out of 5", "passed", 5, 0),
    ("bun", " 3 pass\n 0 fail", "passed", 3, 0),
    ("deno", "FAILED | 2 passed | 1 failed (10ms)", "failed", 2, 1),
    ("cargo", "     Summary [   0.1s] 3 tests run: 2 passed, 1 failed, 0 skipped", "failed", 2, 1),
    ("pytest", "3 passed, 1 skipped, 2 warnings in 0.12s", "passed", 3, 0),
    ("pytest", "==== 1 failed, 2 passed, 1 error in 61.02s (0:01:01) ====", "failed", 2, 2),
    ("pytest", "2 xfailed, 1 xpassed in 0.1s", "none", 0, 0),
    ("unittest", "Ran 0 tests in 0.000s\n\nNO TESTS RAN", "none", 0, 0),
]


@pytest.mark.parametrize("path", OUTPUTS, ids=lambda path: path.name)
@pytest.mark.parametrize("known", [True, False], ids=["its runner", "any runner"])
def test_real_outputs(path: Path, known: bool):
    name, expected, _ = path.name.split(".")
    reading = read(path.read_text(), {name.split("_")[0] if known else "any"})
    assert reading is not None
    assert reading.state == expected


def test_there_are_real_outputs_of_each_kind():
    assert {path.name.split(".")[0].split("_")[0] for path in OUTPUTS} == {
        "pytest", "unittest", "jest", "vitest", "mocha", "node", "cargo", "go",
    }  # fmt: skip


@pytest.mark.parametrize(("family", "text", "state", "passed", "failed"), LINES)
def test_lines(family: str, text: str, state: str, passed: int | None, failed: int | None):
    reading = read(f"noise\n{text}\n", {family})
    assert reading is not None
    assert (reading.state, reading.passed, reading.failed) == (state, passed, failed)


@pytest.mark.parametrize(
    "text", ["", "ok", "all 3 passed, I think", "def test_passed(): ...", "FAILED to connect", "5 passed"]
)
def test_prose_is_no_summary(text: str):
    assert read(text, {"pytest"}) is None


@pytest.mark.parametrize(
    "hostile",
    [
        "\n" * 400_000,
        "  1 passing" + " \n" * 200_000,
        "=" * 400_000,
        "1 passed, " * 40_000,
        "ok 1 " * 80_000,
        "cd: " * 100_000,
    ],
    ids=["newlines", "spaces", "rules", "counts", "oks", "words"],
)
def test_hostile_output_costs_little_time(hostile: str):
    started = time.perf_counter()
    read(hostile, {"any"})
    assert time.perf_counter() - started < 5


def test_counts_of_pytest_and_cargo():
    folder = Path(__file__).parent / "outputs"
    assert read((folder / "pytest.failed.txt").read_text(), {"pytest"})[1:3] == (0, 2)
    assert read((folder / "cargo.passed.txt").read_text(), {"cargo"})[1:3] == (2, 0)


def test_several_suites_add_up_and_one_failure_decides():
    reading = read("3 passed in 0.1s\n1 failed, 1 passed in 0.2s\n", {"pytest"})
    assert (reading.state, reading.passed, reading.failed) == ("failed", 4, 1)
