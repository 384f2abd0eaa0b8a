"""The edits that turned the tests green, as examples of their own; those that turned them red, labelled bad."""

from collections.abc import Iterable, Sequence

from pydantic import Field

from bashgym.config import Config as BaseConfig
from bashgym.mining.credit import Credit, credits
from bashgym.mining.places import Places, calling, made
from bashgym.records import Drop, Example, Verdict
from bashgym.signals.suite_runs import SuiteRun
from bashgym.trace import Trace

NAME = "credit_assignment"


class Synthesizer:
    class Config(BaseConfig):
        least: float = Field(0.3, ge=0, le=1)
        """Credit of an edit from which on it is kept: 1 is an edit that alone turned the tests, .5 one of two."""
        blame: bool = True
        """Edits that turned the tests red are kept too, with the label bad: for KTO, never learnt as they are."""

    def __init__(self, config: Config) -> None:
        self.config = config

    def synthesize(self, trace: Trace, verdicts: Sequence[Verdict]) -> Iterable[Example | Drop]:
        """One example an edit: its call is what is learnt, meta.credit its weight, meta.turned the step of the run."""
        places = Places(trace)
        small = 0
        for number, one in enumerate(credits(trace)):
            if one.weight < self.config.least:
                small += 1
            elif one.good or self.config.blame:
                yield self.example(places, number, one)
        if small:
            yield Drop(reason=f"{NAME}: edit with less credit than {self.config.least}", n=small)

    def example(self, places: Places, number: int, one: Credit) -> Example | Drop:
        step = one.edit.step
        known = places.reply(step.step_id)
        meta = {
            "credit": one.weight if one.good else -one.weight,
            "turned": one.after.step_id,
            "tests": {"before": counted(one.before), "after": counted(one.after)},
        }
        return made(
            places, step.step_id, NAME, number, [calling(one.edit, step.text)],
            keys=[known[1] if known else ""], label=one.good, meta=meta,
        )  # fmt: skip


def counted(run: SuiteRun) -> dict[str, str | int | None]:
    return {"result": run.result, "passed": run.passed, "failed": run.failed}
