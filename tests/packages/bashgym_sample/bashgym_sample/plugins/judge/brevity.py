"""Prefers sessions with few steps (a sample of a third-party judge)."""

from bashgym.config import Config as BaseConfig
from bashgym.kinds import JudgeContext
from bashgym.records import Verdict
from bashgym.trace import Trace


class Judge:
    class Config(BaseConfig):
        steps: int = 20
        """From this many steps on the score is zero."""

    def __init__(self, config: Config) -> None:
        self.config = config

    def judge(self, trace: Trace, context: JudgeContext) -> Verdict:
        """One for no steps, zero from `steps` on."""
        score = max(0.0, 1 - len(trace.steps) / self.config.steps)
        return Verdict(judge="brevity", score=score, confidence=0.1, reason=f"{len(trace.steps)} steps")
