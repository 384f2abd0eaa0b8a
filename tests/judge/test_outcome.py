"""The outcome judge on hand-built sessions and on all real ones."""

import time
from collections import Counter
from pathlib import Path

import pytest

from bashgym import registry
from bashgym.kinds import JudgeContext
from bashgym.records import Verdict
from bashgym.trace import Trace, from_builtins, to_builtins
from tests.judge.traces import bash, call, edit, human, notice, read, refused, says, trace, write

PASSED = "3 passed in 0.10s"
FAILED = "1 failed, 2 passed in 0.10s"
COMMITTED = "[main 1a2b3c4] Fix cart\n 1 file changed, 2 insertions(+)"


def judge(made: Trace) -> Verdict:
    plugin = registry.load("judge", "outcome")
    return plugin(plugin.Config()).judge(made, JudgeContext())


def values(verdict: Verdict, name: str) -> list:
    return [signal.value for signal in verdict.signals if signal.name == name]


def work(*more, **how) -> Trace:
    return trace(human("fix the cart"), write("/p/cart.py", "x = 1\n"), *more, says("done"), **how)


def test_tests_that_pass_after_the_last_edit_verify():
    verdict = judge(work(bash("pytest -q", PASSED)))
    assert (verdict.verified, verdict.fatal, verdict.score) == (True, False, 0.95)
    assert verdict.confidence == 0.95
    run = next(signal for signal in verdict.signals if signal.name == "test_run")
    assert (run.source, run.step_id, run.value) == ("test_run", 3, "passed: pytest -q")


def test_tests_that_fail_after_the_last_edit_are_fatal():
    verdict = judge(work(bash("pytest -q", FAILED, 1)))
    assert verdict.fatal
    assert verdict.score < 0.2
    assert "pytest -q" in verdict.reason


def test_an_edit_after_the_run_makes_it_stale():
    verdict = judge(work(bash("pytest", PASSED), edit("/p/cart.py", "1", "2")))
    assert (verdict.verified, verdict.fatal) == (False, False)
    assert values(verdict, "tests_after_edit") == [False]


def test_a_failure_before_the_last_edit_is_not_fatal_and_not_verified():
    verdict = judge(work(bash("pytest", FAILED, 1), edit("/p/cart.py", "1", "2")))
    assert (verdict.verified, verdict.fatal) == (False, False)
    assert verdict.score < judge(work()).score


@pytest.mark.parametrize(
    "later",
    [
        bash("sed -i s/1/2/ cart.py"),
        bash("git checkout -- cart.py"),
        bash("python - <<'E'\nopen('cart.py', 'w').write('x')\nE"),
        bash("echo 'x = 2' > /p/cart.py"),
        call("Task", {"prompt": "refactor", "subagent_type": "general-purpose"}, "done"),
        call("mcp__fs__write_file", {"path": "/p/a.py"}, "ok"),
        call("apply_patch", {"input": "*** Begin Patch"}, "ok"),
    ],
    ids=["sed", "checkout", "script", "redirect", "sub-agent", "mcp", "patch"],
)
def test_what_changes_files_otherwise_makes_a_run_stale_too(later):
    assert judge(work(bash("pytest", PASSED))).verified
    assert not judge(work(bash("pytest", PASSED), later)).verified


@pytest.mark.parametrize(
    "later",
    [
        bash("git add -A && git commit -m x", COMMITTED),
        bash("git push"),
        bash("rm -f /tmp/x && cat cart.py > /dev/null 2>&1"),
        bash("ruff format ."),
        call("Task", {"prompt": "look", "subagent_type": "Explore"}, "seen"),
        refused(edit("/p/cart.py", "1", "2")),
        edit("/p/cart.py", "1", "2", error=True, raw="Error: String to replace not found"),
        read("/p/cart.py", "x = 1\n"),
    ],
    ids=["commit", "push", "temporary", "formatter", "explore", "refused", "failed", "read"],
)
def test_what_changes_nothing_leaves_a_run_standing(later):
    assert judge(work(bash("pytest", PASSED), later)).verified


def test_a_pipe_hides_the_exit_code_and_the_summary_is_read():
    assert judge(work(bash("cd /p && pytest -q 2>&1 | tail -5", FAILED))).fatal
    assert judge(work(bash("cd /p && pytest -q 2>&1 | tail -5 | tee log.txt", PASSED))).verified
    assert not judge(work(bash("cd /p && pytest -q 2>&1 | tail -5", "collecting ..."))).verified


def test_a_narrow_pass_does_not_make_a_wide_failure_good():
    verdict = judge(work(bash("pytest", FAILED, 1), bash("pytest tests/test_a.py", PASSED)))
    assert (verdict.verified, verdict.fatal) == (False, False)
    assert values(verdict, "last_tests") == ["mixed"]
    assert judge(work(bash("pytest tests/test_a.py", FAILED, 1), bash("pytest", PASSED))).verified


def test_turns_are_told_with_their_place():
    verdict = judge(work(bash("pytest", FAILED, 1), edit("/p/cart.py", "1", "2"), bash("pytest", PASSED)))
    assert verdict.verified
    assert [s.step_id for s in verdict.signals if s.name == "fail_to_pass"] == [5]
    assert values(verdict, "pass_to_fail") == []


def test_a_run_on_the_stashed_tree_says_nothing_of_the_work():
    steps = [bash("git stash"), bash("pytest", FAILED, 1), bash("git stash pop")]
    verdict = judge(work(*steps))
    assert (verdict.verified, verdict.fatal) == (False, False)
    assert judge(work(*steps, bash("pytest", PASSED))).verified
    assert not judge(work(bash("git checkout main"), bash("pytest", PASSED))).verified


@pytest.mark.parametrize("ended", ["interrupted", "error", "unknown"])
def test_an_unfinished_session_is_never_verified(ended: str):
    verdict = judge(work(bash("pytest", PASSED), ended=ended))
    assert not verdict.verified
    assert verdict.fatal is (ended == "error")


def test_an_unverified_session_is_never_verified():
    """The peer's defect: a pending trace was accepted as gold."""
    for made in (
        work(),
        work(bash("pytest", None)),
        work(bash("git commit -m x", COMMITTED)),
        work(says("all tests pass")),
    ):
        assert not judge(made).verified


def test_tests_without_an_edit_verify_nothing_and_condemn_nobody():
    for printed, code in ((PASSED, 0), (FAILED, 1)):
        verdict = judge(trace(human("run the tests"), bash("pytest", printed, code), says("here they are")))
        assert (verdict.verified, verdict.fatal, verdict.score) == (False, False, 0.65)


@pytest.mark.parametrize(
    ("words", "tone"),
    [
        ("thanks, great work!", "praise"),
        ("looks good to me", "praise"),
        ("That's wrong, revert it", "complaint"),
        ("it still doesn't work", "complaint"),
        ("Thanks, but it is still failing", "complaint"),
        ("you broke the login", "complaint"),
        ("now add a test", "neutral"),
        ("no, then it's good", "neutral"),
    ],
)
def test_the_last_words(words: str, tone: str):
    verdict = judge(work(human(words), says("I see")))
    assert values(verdict, "last_words") == [tone]
    assert all(signal.confidence <= 0.5 for signal in verdict.signals if signal.name == "last_words")
    assert verdict.fatal is (tone == "complaint")


def test_the_first_prompt_is_no_complaint():
    made = trace(
        human("the login doesn't work, fix it"), write("/p/a.py", "x = 1\n"), bash("pytest", PASSED), says("done")
    )
    verdict = judge(made)
    assert values(verdict, "last_words") == []
    assert verdict.verified


def test_a_complaint_that_was_dealt_with_is_not_fatal():
    verdict = judge(work(human("it still fails"), edit("/p/cart.py", "1", "2"), bash("pytest", PASSED)))
    assert (verdict.fatal, verdict.verified) == (False, True)
    assert verdict.score < judge(work(bash("pytest", PASSED))).score


def test_a_refused_edit_at_the_end_is_fatal():
    verdict = judge(trace(human("fix"), refused(edit("/p/a.py", "1", "2")), notice("interrupt"), ended="interrupted"))
    assert verdict.fatal
    assert values(verdict, "rejection") == [True]
    assert values(verdict, "interrupt") == [True]


def test_errors_and_whether_the_like_worked_later():
    missing = call("Read", {"file_path": "/p/b.py"}, "File does not exist.", error=True)
    verdict = judge(work(missing, bash("nope", "not found", 127), read("/p/b.py", "x\n")))
    assert values(verdict, "tool_error_recovered") == ["Read"]
    assert values(verdict, "tool_error") == ["Bash"]
    assert values(judge(work(bash("pytest", FAILED, 1))), "tool_error") == []  # a failed test run is a result


def test_commits_that_were_made_and_own_work_taken_back():
    verdict = judge(work(bash("git commit -am x", COMMITTED), bash("git commit -m y", "nothing to commit", 1)))
    assert [s.step_id for s in verdict.signals if s.name == "commit"] == [3]
    assert values(judge(work(bash("git checkout -- cart.py"))), "revert") == ["cart.py"]
    assert values(judge(work(bash("git checkout -- other.py"))), "revert") == []
    before = trace(human("go"), bash("git reset --hard origin/main"), write("/p/a.py", "x = 1\n"), says("done"))
    assert values(judge(before), "revert") == []


def test_api_errors():
    verdict = judge(
        trace(human("go"), write("/p/a.py", "x = 1\n"), says("API Error: 529", kind="api_error"), ended="error")
    )
    assert verdict.fatal
    assert values(verdict, "api_error") == [True]
    assert values(verdict, "ended") == ["error"]


def test_abstains_when_there_is_nothing_to_judge():
    nobody = judge(trace(human("hello")))
    silent = judge(trace(human("hello"), says("hi")))
    assert (nobody.score, nobody.reason) == (None, "no agent step")
    assert (silent.score, silent.reason) == (None, "no tool call")
    assert not silent.verified


def test_only_the_branch_the_session_ended_on_counts():
    verdict = judge(work(bash("pytest", FAILED, 1, active=False), bash("pytest", PASSED)))
    assert verdict.verified
    assert values(verdict, "pass_to_fail") == []


def test_the_score_is_the_sum_of_declared_weights():
    plugin = registry.load("judge", "outcome")
    weights = plugin.Config(base=0.1, tests_passed=0.2, completed=0.0)
    verdict = plugin(weights).judge(work(bash("pytest", PASSED)), JudgeContext())
    assert verdict.score == 0.3


def test_pseudonyms_change_nothing():
    path = "/home/USER_k7f3q2vax4bm/cart.py"
    made = trace(human("fix"), write(path, "x = 1\n"), bash(f"cd {path} && pytest -q", PASSED), says("done"))
    assert judge(made).verified


def test_the_verdict_survives_the_way_to_another_process():
    made = work(bash("pytest", PASSED))
    assert judge(from_builtins(to_builtins(made))) == judge(made)


def test_all_real_sessions(samples: Path, capsys: pytest.CaptureFixture[str]):
    """No crash, nothing verified without a run after the last edit; prints how the verdicts fall."""
    source, seen, spent = registry.load("source", "claude_code"), Counter(), []
    for folder in sorted(samples.glob("*claude*")):
        reader = source(source.Config(path=str(folder)))
        for ref in reader.list():
            for made in reader.read(ref):
                started = time.perf_counter()
                verdict = judge(made)
                spent.append(time.perf_counter() - started)
                if verdict.verified:
                    assert values(verdict, "tests_after_edit") == [True]
                    assert made.info.outcome.ended == "completed"
                seen[
                    "abstains"
                    if verdict.score is None
                    else "verified"
                    if verdict.verified
                    else "fatal"
                    if verdict.fatal
                    else "open"
                ] += 1
    with capsys.disabled():
        print(f"\noutcome on {len(spent)} real traces: {dict(seen)}, {1000 * sum(spent) / len(spent):.1f} ms each")
    assert seen["verified"] >= 3
    assert seen["abstains"]
