"""How did a session turn out? Test runs, errors, commits, reverts and the user's last words, read from the trace."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pydantic import Field

from bashgym import config
from bashgym.kinds import JudgeContext
from bashgym.records import Verdict
from bashgym.trace import Trace

if TYPE_CHECKING:  # what reads commands is loaded when the first trace is judged: it doubles a recipe's check
    from bashgym.signals.history import History

NAME = "outcome"
LONGEST_VALUE = 200


class Judge:
    """A sum of declared weights, cut to 0..1, over what the trace shows.

    `verified` only where something ran after the last edit whose result is known, in a session that ended by itself:
    tests, or where there are none a build, a check or the project's own program; and where nothing is left open and
    nothing but the work could have made it pass (bashgym/hacking/doubts.py). `fatal`: the tests failed after the
    last edit, no later run made that good, and they did not fail without the session's work; the user's last turn
    rejects work that was done, or refuses the last edit, and nothing was done about it; or the session ended in an API
    error. Without a call: abstains."""

    class Config(config.Config):
        base: float = Field(default=0.6, ge=0, le=1)
        """Where a session starts of which nothing is known."""
        tests_passed: float = Field(default=0.3, ge=-1, le=1)
        """Tests passed after the last edit."""
        tests_failed: float = Field(default=-0.6, ge=-1, le=1)
        """Tests failed after the last edit."""
        tests_mixed: float = Field(default=-0.1, ge=-1, le=1)
        """After the last edit some tests passed, and a failure was not made good."""
        tests_older: float = Field(default=0.1, ge=-1, le=1)
        """After the last edit only such tests failed as fail without the session's work."""
        tests_passed_before: float = Field(default=0.05, ge=-1, le=1)
        """Tests passed, and files were edited after that."""
        tests_failed_before: float = Field(default=-0.15, ge=-1, le=1)
        """Tests failed, and files were edited after that; none ran since."""
        check_passed: float = Field(default=0.2, ge=-1, le=1)
        """No tests ran after the last edit, but a build, a check or the project's program did and went well."""
        check_failed: float = Field(default=-0.2, ge=-1, le=1)
        """No tests ran after the last edit, and a build, a check or the project's program failed."""
        fail_to_pass: float = Field(default=0.05, ge=-1, le=1)
        """Tests that failed in the session passed later, and stand so."""
        pass_to_fail: float = Field(default=-0.05, ge=-1, le=1)
        """Tests that passed failed later."""
        commit: float = Field(default=0.05, ge=-1, le=1)
        """A git commit was made."""
        revert: float = Field(default=-0.1, ge=-1, le=1)
        """The agent's own work was taken back (git checkout, restore, reset --hard, revert)."""
        error: float = Field(default=-0.03, ge=-1, le=1)
        """Each tool error after which the like never worked; five at most count."""
        rejection: float = Field(default=-0.03, ge=-1, le=1)
        """Each call that the user refused; five at most count."""
        interrupt: float = Field(default=-0.03, ge=-1, le=1)
        """Each time the user interrupted; five at most count."""
        api_error: float = Field(default=-0.02, ge=-1, le=1)
        """Each error of the model's API; five at most count."""
        completed: float = Field(default=0.05, ge=-1, le=1)
        """The agent had the last word."""
        unfinished: float = Field(default=-0.07, ge=-1, le=1)
        """The session ended interrupted or in an error."""
        praise: float = Field(default=0.05, ge=-1, le=1)
        """The user's last turn praises."""
        complaint: float = Field(default=-0.2, ge=-1, le=1)
        """The user's last turn complains and nothing was done about it; half of it where something was."""

        corrected: float = Field(default=0.7, ge=0, le=1)
        """The most a session can have in which the user had to complain and was heard."""
        admitted: float = Field(default=0.7, ge=0, le=1)
        """The most a session can have whose agent says at the end that a part is not done, or in which tests fail."""

    def __init__(self, config: Config) -> None:
        self.config = config

    def judge(self, trace: Trace, context: JudgeContext) -> Verdict:
        """Abstains where no agent acted."""
        if not any(step.source == "agent" and step.info.kind == "agent" for step in trace.steps):
            return Verdict(judge=NAME, score=None, reason="no agent step")
        from bashgym.signals import told
        from bashgym.signals.history import history

        seen = history(trace)
        if not seen.calls:
            return Verdict(judge=NAME, score=None, reason="no tool call")
        state = state_of(seen, trace)
        parts = dict(self.parts(seen, state))
        verified, fatal = is_verified(seen, state), why_fatal(seen, state)
        doubt = next(doubts(trace, seen), "") if verified else ""
        verified = verified and not doubt
        return Verdict(
            judge=NAME,
            score=round(min(1.0, max(0.0, self.config.base + sum(parts.values()))), 4),
            confidence=confidence(seen, verified),
            reason=fatal or reason(parts, doubt),
            verified=verified,
            fatal=bool(fatal),
            cap=self.cap(seen, state),
            signals=tuple(told.signals(seen, trace)),
        )

    def parts(self, seen: "History", state: str) -> Iterator[tuple[str, float]]:
        """What adds to the base or takes from it, by the name of its key."""
        weights = self.config.model_dump()
        for name, times in amounts(seen, state).items():
            if times:
                yield name, weights[name] * times

    def cap(self, seen: "History", state: str) -> float | None:
        """What was put right after a complaint, or left undone, is not the best there is."""
        from bashgym.signals.words import admits

        caps = []
        complained = seen.words and seen.words.tone == "complaint" and seen.words.of_work and seen.words.answered
        if complained or seen.corrected:
            caps.append(self.config.corrected)
        if state == "older" or admits(seen.said):
            caps.append(self.config.admitted)
        return min(caps, default=None)


def doubts(trace: Trace, seen: "History") -> Iterator[str]:
    """Why what passed may not speak for the work: what is left open, and what else could have made it pass."""
    from bashgym.hacking import doubts as passes
    from bashgym.hacking import rules, session
    from bashgym.signals.loose_ends import loose_ends

    yield from loose_ends(trace, seen)
    yield from passes.doubts(session.opened(trace, rules.load()))


def reason(parts: dict[str, float], doubt: str) -> str:
    """The parts of the score, after the doubt where there is one."""
    told = ", ".join(f"{name} {value:+.2f}" for name, value in parts.items()) or "nothing told"
    return f"not taken as proof: {doubt}; {told}" if doubt else told


def state_of(seen: "History", trace: Trace) -> str:
    """The state of the tests at the end: passed, failed, mixed, older or none."""
    from bashgym.hacking.asked import asked

    tests = seen.tests
    if tests.state not in ("failed", "mixed") or not tests.fresh:
        return tests.state
    return "older" if seen.older(asked(trace).fix) else tests.state


def amounts(seen: "History", now: str) -> dict[str, float]:
    """How often each weight counts."""
    tests, words = seen.tests, seen.words
    complained = words is not None and words.tone == "complaint"
    when = "" if tests.fresh else "_before"
    state = {f"tests_{now}{when}": 1} if now != "none" and changed(seen) else {}
    checked = check(seen)
    return {
        **state,
        "check_passed": checked is True,
        "check_failed": checked is False,
        "fail_to_pass": bool(seen.turns("failed", "passed")) and tests.state == "passed",
        "pass_to_fail": bool(seen.turns("passed", "failed")) and tests.state != "passed",
        "commit": bool(seen.commits),
        "revert": bool(seen.reverts),
        "error": min(5, sum(not error.recovered for error in seen.errors)),
        "rejection": min(5, len(seen.rejections)),
        "interrupt": min(5, len(seen.interrupts)),
        "api_error": min(5, len(seen.api_errors)),
        "completed": seen.ended == "completed",
        "unfinished": seen.ended in ("interrupted", "error"),
        "praise": words is not None and words.tone == "praise",
        "complaint": (0.5 if words and words.answered else 1.0) if complained else 0,
    }


def is_verified(seen: "History", state: str) -> bool:
    """A known result after the last edit, of a session that ended by itself and changed something."""
    if seen.ended != "completed" or not changed(seen):
        return False
    return (seen.tests.fresh and state in ("passed", "failed", "older")) or check(seen) is True


def changed(seen: "History") -> bool:
    """Whether the session changed anything a run could speak for: an edit or an operation is seen, or its effect."""
    return bool(seen.edits) or (bool(seen.changes) and bool(seen.turns("failed", "passed"))) or seen.operated


def check(seen: "History") -> bool | None:
    """What builds, checks and programs say since the last edit; None where tests speak, or nothing does."""
    last = seen.last_proofs if changed(seen) and not seen.tests.fresh else []
    return all(proof.passed for proof in last) if last else None


def why_fatal(seen: "History", state: str) -> str:
    """Why the session has failed whatever else is said for it; empty where it has not."""
    tests, words = seen.tests, seen.words
    if state == "failed" and tests.fresh and tests.run and seen.edits:
        return f"tests failed after the last edit: {tests.run.command[:LONGEST_VALUE]}"
    if words and words.tone == "complaint" and words.of_work and not words.answered:
        return f"the user's last turn (step {words.step_id}) rejects the work"
    if seen.taken_back:
        return "all that was edited was taken back"
    if seen.refused_edit is not None and seen.ended != "completed":
        return f"the user refused the last edit (step {seen.refused_edit})"
    if seen.ended == "error":
        return "the session ended in an API error"
    return ""


def confidence(seen: "History", verified: bool) -> float:
    """0.3 where only the course of the session speaks, 0.5 with a commit or an older test run, else the test run's."""
    if verified and seen.tests.run and seen.tests.fresh:
        return seen.tests.run.confidence
    return 0.5 if seen.commits or seen.tests.run or verified else 0.3
