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

    `verified` only where the result of a test run is known that ran after the last edit, in a session that ended by
    itself. `fatal`: the tests failed after the last edit and no later run made that good; the user's last turn rejects
    work that was done, or refuses the last edit, and nothing was done about it; or the session ended in an API error.
    Without a call: abstains."""

    class Config(config.Config):
        base: float = Field(default=0.6, ge=0, le=1)
        """Where a session starts of which nothing is known."""
        tests_passed: float = Field(default=0.3, ge=-1, le=1)
        """Tests passed after the last edit."""
        tests_failed: float = Field(default=-0.6, ge=-1, le=1)
        """Tests failed after the last edit."""
        tests_mixed: float = Field(default=-0.1, ge=-1, le=1)
        """After the last edit some tests passed, and a failure was not made good."""
        tests_passed_before: float = Field(default=0.05, ge=-1, le=1)
        """Tests passed, and files were edited after that."""
        tests_failed_before: float = Field(default=-0.15, ge=-1, le=1)
        """Tests failed, and files were edited after that; none ran since."""
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
        """The most a session can have whose agent says at the end that a part is not done."""

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
        parts = dict(self.parts(seen))
        verified, fatal = is_verified(seen), why_fatal(seen)
        return Verdict(
            judge=NAME,
            score=round(min(1.0, max(0.0, self.config.base + sum(parts.values()))), 4),
            confidence=confidence(seen, verified),
            reason=fatal or ", ".join(f"{name} {value:+.2f}" for name, value in parts.items()) or "nothing told",
            verified=verified,
            fatal=bool(fatal),
            cap=self.cap(seen, trace),
            signals=tuple(told.signals(seen, trace)),
        )

    def parts(self, seen: "History") -> Iterator[tuple[str, float]]:
        """What adds to the base or takes from it, by the name of its key."""
        weights = self.config.model_dump()
        for name, times in amounts(seen).items():
            if times:
                yield name, weights[name] * times

    def cap(self, seen: "History", trace: Trace) -> float | None:
        """What was put right after a complaint, or left undone, is not the best there is."""
        caps = []
        if seen.words and seen.words.tone == "complaint" and seen.words.of_work and seen.words.answered:
            caps.append(self.config.corrected)
        if last_admits(trace):
            caps.append(self.config.admitted)
        return min(caps, default=None)


def last_admits(trace: Trace) -> bool:
    """Whether the agent's last words say that a part is not done."""
    from bashgym.signals.words import admits

    said = [step.text for step in trace.steps if step.info.kind == "agent" and step.info.active and step.text.strip()]
    return bool(said) and admits(said[-1])


def amounts(seen: "History") -> dict[str, float]:
    """How often each weight counts."""
    tests, words = seen.tests, seen.words
    complained = words is not None and words.tone == "complaint"
    when = "" if tests.fresh else "_before"
    state = {f"tests_{tests.state}{when}": 1} if tests.state != "none" and changed(seen) else {}
    return {
        **state,
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


def is_verified(seen: "History") -> bool:
    """A known test result after the last edit, of a session that ended by itself and changed something."""
    return seen.ended == "completed" and changed(seen) and seen.tests.fresh and seen.tests.state in ("passed", "failed")


def changed(seen: "History") -> bool:
    """Whether the session changed anything a test could speak for: an edit is seen, or its effect on the tests."""
    return bool(seen.edits) or bool(seen.turns("failed", "passed"))


def why_fatal(seen: "History") -> str:
    """Why the session has failed whatever else is said for it; empty where it has not."""
    tests, words = seen.tests, seen.words
    if tests.state == "failed" and tests.fresh and tests.run and seen.edits:
        return f"tests failed after the last edit: {tests.run.command[:LONGEST_VALUE]}"
    if words and words.tone == "complaint" and words.of_work and not words.answered:
        return f"the user's last turn (step {words.step_id}) rejects the work"
    if seen.refused_edit is not None and seen.ended != "completed":
        return f"the user refused the last edit (step {seen.refused_edit})"
    if seen.ended == "error":
        return "the session ended in an API error"
    return ""


def confidence(seen: "History", verified: bool) -> float:
    """0.3 where only the course of the session speaks, 0.5 with a commit or an older test run, else the test run's."""
    if verified and seen.tests.run:
        return seen.tests.run.confidence
    return 0.5 if seen.commits or seen.tests.run else 0.3
