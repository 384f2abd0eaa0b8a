"""Test runs of calls: what the exit code says, what the shell hides of it, and when a summary is believed."""

from pathlib import Path

import pytest

from bashgym.signals.calls import calls
from bashgym.signals.suite_runs import SuiteRun, suite_runs
from tests.judge.traces import bash, call, refused, trace

OUTPUTS = Path(__file__).parent / "outputs"


def output(name: str) -> str:
    return (OUTPUTS / f"{name}.txt").read_text()


def runs(*steps, kind: str = "claude_code") -> list[SuiteRun]:
    made = trace(*steps, kind=kind)
    return [run for called in calls(made) for run in suite_runs(called, made)]


@pytest.mark.parametrize(
    ("command", "printed", "code", "result", "basis"),
    [
        ("pytest", output("pytest.passed"), 0, "passed", "both"),
        ("pytest", output("pytest.failed"), 1, "failed", "both"),
        ("pytest", "", 0, "passed", "exit_code"),
        ("pytest", "", 1, "failed", "exit_code"),
        ("cd x && pytest -q | tail -5", output("pytest_quiet.failed"), 0, "failed", "summary"),
        ("cd x && pytest -q | tail -5", output("pytest_quiet.passed"), 0, "passed", "summary"),
        ("cd x && pytest -q | tail -5", "collecting ...", 0, "unknown", "none"),
        ("set -o pipefail; pytest -q | tail -1", "", 1, "failed", "exit_code"),
        ("pytest || true", output("pytest.failed"), 0, "failed", "summary"),
        ("pytest || true", "", 0, "unknown", "none"),
        ("pytest; echo done", "done", 0, "unknown", "none"),
        ("pytest && git push", "", 0, "passed", "exit_code"),
        ("pytest && git push", output("pytest.passed"), 1, "passed", "summary"),
        ("npm run build && npm test", "src/a.ts: error", 1, "unknown", "none"),
        ("make test", output("pytest.failed"), 0, "failed", "conflict"),
        ("pytest --cov-fail-under 90", output("pytest.passed"), 1, "failed", "conflict"),
        ("pytest", output("pytest.none"), 5, "unknown", "none"),
        ("pytest", "bash: pytest: command not found", 127, "unknown", "none"),
        ("python -m pytest", "/usr/bin/python: No module named pytest", 1, "unknown", "none"),
        ("timeout 5 pytest", "", 124, "unknown", "none"),
        ("for d in a b; do pytest $d; done", "", 0, "unknown", "none"),
        ("npm test", output("jest.failed"), 1, "failed", "both"),
        ("npm test", output("jest.passed"), 0, "passed", "both"),
        ("cargo test", output("cargo_compile.failed"), 101, "failed", "both"),
        ("python -m unittest 2>&1 | tail -3", output("unittest.passed"), 0, "passed", "summary"),
        ("go test ./... 2>&1 | tail -30", output("go.passed"), 0, "passed", "summary"),
        ("go test ./... 2>&1 | head -30", output("go.passed"), 0, "passed", "summary"),
        ("go test ./... 2>&1 | head -2", output("go.passed"), 0, "unknown", "none"),
        ("go test ./... 2>&1 | grep -v cached", output("go.passed"), 0, "unknown", "none"),
        ("go test ./... 2>&1 | grep -E 'ok|FAIL'", output("go.passed"), 0, "passed", "summary"),
        ("go test ./... 2>&1 | head -2", output("go_build.failed"), 0, "failed", "summary"),
    ],
)
def test_results(command: str, printed: str, code: int, result: str, basis: str):
    (run,) = runs(bash(command, printed, code))
    assert (run.result, run.basis) == (result, basis)


def test_two_suites_in_one_line_share_what_was_read():
    found = runs(bash("pytest && cargo test", output("pytest.passed") + output("cargo.failed"), 101))
    assert [run.runner.family for run in found] == ["pytest", "cargo"]
    assert [run.result for run in found] == ["failed", "failed"]


def test_no_run_without_a_result_or_when_refused():
    assert runs(bash("pytest", None)) == []
    assert runs(refused(bash("pytest"))) == []


def test_a_run_in_the_background_is_unknown_until_its_output_is_looked_at():
    started = call(
        "Bash",
        {"command": "pytest", "run_in_background": True},
        "Command running in background",
        raw={"backgroundTaskId": "b1"},
    )
    looked = call(
        "BashOutput", {"bash_id": "b1"}, "3 passed in 1.0s", raw={"command": "pytest", "exitCode": 0, "stdout": ""}
    )
    assert [run.result for run in runs(started)] == ["unknown"]
    assert [run.result for run in runs(started, looked)] == ["unknown", "passed"]


def test_silence_of_another_agent_is_no_exit_code():
    """OpenCode calls a command that failed a success; Codex tells the code."""
    quiet = call("bash", {"command": "pytest"}, "")
    assert [run.result for run in runs(quiet, kind="opencode")] == ["unknown"]
    told = call("shell", {"command": ["bash", "-lc", "cd a && pytest"]}, "", exit_code=1)
    assert [run.result for run in runs(told, kind="codex")] == ["failed"]


def test_what_another_branch_did_is_not_seen():
    assert runs(bash("pytest", "3 passed in 0.1s", active=False)) == []
