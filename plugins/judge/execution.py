"""Does the session's change turn its tests? Run before and after it on a snapshot, in a box without network."""

import time
from typing import TYPE_CHECKING

from pydantic import Field

from bashgym import config
from bashgym.kinds import JudgeContext
from bashgym.records import Signal, Verdict
from bashgym.trace import Trace

if TYPE_CHECKING:  # loaded when the first trace is judged
    from bashgym.replay.experiment import Experiment

NAME = "execution"
TURNED, BROKE = 0.95, 0.9  # confidence: a flaky test may turn by itself; what broke was seen to break twice


class Judge:
    """Takes the tracked files of the commit the session began at, makes the session's edits on a copy, and runs its
    own test command on both, with the repository's environment bound read-only.

    A test that failed before and passes after is verified evidence; one that passed and fails, twice, is fatal. Tests
    that pass before and after show that nothing broke, and verify nothing. In all other cases it abstains with the
    reason: no repository, no commit, no test command that the policy allows, no environment, no box, an edit that does
    not fit. Reads the raw trace; only ids of tests (without parameters), counts and exit codes leave it."""

    reads_raw = True

    class Config(config.Config):
        box: str = Field(default="", pattern="^(|bubblewrap|docker|landlock)$")
        """Which box runs the tests; empty: the first that works on this machine."""
        image: str = ""
        """An image for box=docker that has what the tests need; empty: this machine's own programs."""
        environments: tuple[str, ...] = (".venv", "venv", "env", "node_modules")
        """Folders at the top of a repository that its tests run with; without any of them it abstains."""
        max_seconds: float = Field(default=180.0, gt=0)
        """For one session, all its test runs together; what is not done by then is not known."""
        memory_mb: int = Field(default=2048, ge=64)
        """Memory of all processes of a test run together."""
        processes: int = Field(default=256, ge=8)
        """Processes and threads of a test run."""
        max_repository_mb: int = Field(default=500, ge=1)
        """A larger repository is left alone."""
        kept: float = Field(default=0.7, ge=0, le=1)
        """The score where all tests passed before and after."""

    def __init__(self, config: Config) -> None:
        self.config = config

    def engine(self) -> str:
        """The box that would be used: with another one, or the first one, sessions are judged anew."""
        from bashgym import sandbox

        try:
            return sandbox.choose(self.config.box, self.config.image).name
        except sandbox.NoBox:
            return "no box"

    def judge(self, trace: Trace, context: JudgeContext) -> Verdict:
        """Abstains with the reason where the tests cannot be run, or tell nothing."""
        from bashgym import sandbox
        from bashgym.replay.experiment import run
        from bashgym.replay.unfit import Unfit

        if context.raw is None:
            return abstained("the raw session is not at hand")
        ends = time.monotonic() + self.config.max_seconds
        try:
            return self.verdict(run(context.raw(), self.config.model_dump(), ends))
        except (Unfit, sandbox.NoBox) as error:
            return abstained(str(error))

    def verdict(self, seen: "Experiment") -> Verdict:
        """The verdict on what turned."""
        won, lost = seen.turned
        signals = tuple(told(seen))
        if lost and seen.unseen:
            return abstained("tests broke, but commands changed files too, which are not replayed", signals)
        if lost:
            reason = f"{len(lost)} tests that passed before the change fail after it"
            return Verdict(judge=NAME, score=0.0, confidence=BROKE, reason=reason, fatal=True, signals=signals)
        if won:
            reason = f"{len(won)} tests that failed before the change pass after it"
            return Verdict(judge=NAME, score=1.0, confidence=TURNED, reason=reason, verified=True, signals=signals)
        if seen.after.failed or seen.after.broken:
            return abstained("the same tests fail before and after the change", signals)
        reason = "all tests pass before and after the change"
        return Verdict(judge=NAME, score=self.config.kept, confidence=0.5, reason=reason, signals=signals)


def abstained(reason: str, signals: tuple[Signal, ...] = ()) -> Verdict:
    return Verdict(judge=NAME, score=None, reason=reason, signals=signals)


def told(seen: "Experiment") -> list[Signal]:
    """Counts and exit codes of both runs, and the ids of the tests that turned."""
    from bashgym.replay.outcome import shown

    def signal(name: str, value: str | int | float) -> Signal:
        return Signal(name=name, value=value, source=f"execution in {seen.box}", confidence=TURNED)

    found = [signal("tests_before", seen.before.counts), signal("tests_after", seen.after.counts)]
    found += [signal("exit_code_before", seen.before.exit_code), signal("exit_code_after", seen.after.exit_code)]
    for name, tests in zip(("fail_to_pass", "pass_to_fail"), seen.turned, strict=True):
        found += [signal(name, test) for test in sorted({shown(one) for one in tests})[:20]]
    return found
