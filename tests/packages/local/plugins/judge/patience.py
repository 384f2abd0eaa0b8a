"""Prefers sessions with many steps (a sample of a judge in a project)."""

from bashgym.config import Config as BaseConfig
from bashgym.kinds import JudgeContext
from bashgym.records import Verdict
from bashgym.trace import Trace


class Judge:
    class Config(BaseConfig):
        steps: int = 20
        """From this many steps on the score is one."""

    def __init__(self, config: Config) -> None:
        self.config = config

    def judge(self, trace: Trace, context: JudgeContext) -> Verdict:
        """Zero for no steps, one from `steps` on."""
        score = min(1.0, len(trace.steps) / self.config.steps)
        return Verdict(judge="patience", score=score, confidence=0.1, reason=f"{len(trace.steps)} steps")
