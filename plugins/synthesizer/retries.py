"""Pairs of a call that failed by its own fault and the later one, with the same intent, that worked."""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from pydantic import Field

from bashgym.config import Config as BaseConfig
from bashgym.mining import intents
from bashgym.mining.places import Places, calling, made
from bashgym.records import Drop, Example, Verdict
from bashgym.signals.calls import Called, calls, command_line
from bashgym.signals.changes import changes
from bashgym.trace import Trace

NAME = "retries"


class Retry(NamedTuple):
    failed: Called
    worked: Called


class Synthesizer:
    class Config(BaseConfig):
        within: int = Field(8, ge=1)
        """Calls after the failed one among which the one that worked is looked for."""

    def __init__(self, config: Config) -> None:
        self.config = config

    def synthesize(self, trace: Trace, verdicts: Sequence[Verdict]) -> Iterable[Example | Drop]:
        """Examples whose `rejected` is the failed call and whose chosen reply is the one that worked, both with the
        words that came with the failed one; meta names both steps."""
        places = Places(trace)
        for number, one in enumerate(retries(trace, self.config.within)):
            step, later = one.failed.step, one.worked.step
            words = step.text
            known = places.reply(later.step_id)
            yield made(
                places, step.step_id, NAME, number, [calling(one.worked, words)],
                keys=[known[1] if known else ""], steps=[later.step_id], rejected=[calling(one.failed, words)],
                meta={"rejected_steps": [step.step_id], "tool": one.failed.call.function_name},
            )  # fmt: skip


def retries(trace: Trace, within: int) -> Iterator[Retry]:
    """Every failed call with the first later one of the same intent that took effect, if there was nothing between
    them that explains the success otherwise: the user's words; for a command, a change of the working tree."""
    everything = list(calls(trace))
    spoken = [number for number, step in enumerate(trace.steps) if step.info.kind in ("human", "interrupt")]
    for place, failed in enumerate(everything):
        if not intents.own_fault(failed):
            continue
        for later in everything[place + 1 : place + 1 + within]:
            if any(failed.at[0] < said < later.at[0] for said in spoken):
                break
            if later.at[0] > failed.at[0] and later.took_effect and intents.same_intent(failed, later):
                yield Retry(failed, later)
                break
            if command_line(failed) is not None and any(one.kind != "commit" for one in changes(later, trace)):
                break
