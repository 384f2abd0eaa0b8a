"""What do models say of it? One or more, asked by a rubric over any compatible endpoint; without one it abstains."""

from collections.abc import Iterator
from statistics import median
from typing import Any, Literal, NamedTuple

from pydantic import Field

from bashgym import config
from bashgym.endpoint import Check, Endpoint, EndpointFailed, EndpointSettings
from bashgym.gate.outgoing import Held
from bashgym.judging import rubric
from bashgym.judging.agreement import closeness
from bashgym.judging.transcript import Transcript, transcript
from bashgym.kinds import JudgeContext
from bashgym.records import Signal, Verdict
from bashgym.trace import Trace

NAME = "semantic"
LONGEST_VALUE = 200
QUESTION = "Judge the session above by the criteria. Give in `steps` the numbers of the steps it rests on."
ALONE = 0.5  # confidence of a single model, whose mistakes nobody sees


class Word(NamedTuple):
    """What one model said: a score, or why it has none."""

    model: str
    score: float | None
    reason: str
    steps: tuple[int, ...] = ()
    usd: float | None = None


class Judge:
    """The median of the models' scores. Never `verified`: an opinion is nothing that ran.

    A trace leaves only sanitized, and only after the leak gate has looked at the very bytes of the request; without a
    gate in the context nothing is sent. Abstains without an endpoint, where the gate holds the text, where fewer than
    `quorum` models answer, or where they are further apart than `agreement` allows."""

    class Config(config.Config):
        endpoints: list[EndpointSettings] = Field(default=[])
        """The models that are asked, each with url, protocol, model, key_env ...; none: the judge abstains."""
        rubric: str = Field(default="semantic", pattern=r"^[\w-]+$")
        """What they are asked: a file in conf/judge/rules."""
        order: Literal["as_written", "reversed"] = "as_written"
        """The order of the criteria; `bashgym judges eval` asks in both, to see whether it matters."""
        quorum: int = Field(default=1, ge=1)
        """Models that must have answered."""
        agreement: float = Field(default=0.75, ge=0, le=1)
        """Several models: 1 less the mean distance of their scores must be at least this."""
        caps: bool = False
        """Whether a session's score can be no higher than what they say."""
        max_characters: int = Field(default=40_000, ge=1000)
        """Characters of a session that are sent; of a longer one its beginning and its end."""
        step_characters: int = Field(default=2000, ge=100)
        """Characters of one text in it."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.endpoints = [Endpoint(settings) for settings in config.endpoints]

    def engine(self) -> str:
        return f"{NAME} rubric {rubric.load(self.config.rubric)[1]}"

    def judge(self, trace: Trace, context: JudgeContext) -> Verdict:
        """Raises RecipeError where an endpoint's settings cannot be used."""
        if not self.endpoints:
            return abstains("no endpoint is set: judge.semantic.endpoints")
        if context.gate is None:
            return abstains("there is no leak gate here, so nothing is sent")
        if not any(step.info.kind == "agent" for step in trace.steps):
            return abstains("no agent step")
        asked, _ = rubric.load(self.config.rubric)
        shown = transcript(trace, asked, self.config.max_characters, self.config.step_characters)
        try:
            words = [self.ask(endpoint, shown, asked, context.gate) for endpoint in self.endpoints]
        except Held as held:
            return abstains(str(held), Signal(name="held_by_gate", value=True, source="gate", confidence=1.0))
        return self.together(words, shown)

    def ask(self, endpoint: Endpoint, shown: Transcript, asked: rubric.Rubric, gate: Check) -> Word:
        criteria = asked.asked(self.config.order == "reversed")
        system = f"{asked.system}\nThe criteria, each with a level from 0 to {rubric.TOP}:\n{criteria}"
        content = f"{shown.text}\n\n{QUESTION}"
        model = endpoint.settings.model
        try:
            reply = endpoint.ask(system, [{"role": "user", "content": content}], shape=rubric.shape(asked), check=gate)
        except EndpointFailed as failed:
            return Word(model, None, str(failed))
        answer: Any = reply.value
        if answer.cannot_tell:
            return Word(model, None, f"cannot tell: {answer.reason}", usd=reply.usd)
        return Word(model, asked.score(answer), answer.reason, tuple(answer.steps), reply.usd)

    def together(self, words: list[Word], shown: Transcript) -> Verdict:
        scores = [word.score for word in words if word.score is not None]
        signals = tuple(told(words, shown))
        if len(scores) < self.config.quorum:
            why = next((word.reason for word in words if word.score is None), "none answered")
            return abstains(f"{len(scores)} of {len(words)} models answered: {why}", *signals)
        close = closeness(scores)
        if close < self.config.agreement:
            spread = ", ".join(f"{word.model} {word.score:.2f}" for word in words if word.score is not None)
            return abstains(f"the models disagree: {spread}", *signals)
        score = round(median(scores), 4)
        nearest = min(
            (word for word in words if word.score is not None), key=lambda word: abs((word.score or 0) - score)
        )
        return Verdict(
            judge=NAME,
            score=score,
            confidence=round(close if len(scores) > 1 else ALONE, 4),
            reason=nearest.reason[:LONGEST_VALUE],
            cap=score if self.config.caps else None,
            signals=signals,
        )


def abstains(reason: str, *signals: Signal) -> Verdict:
    return Verdict(judge=NAME, score=None, reason=reason[:LONGEST_VALUE], signals=signals)


def told(words: list[Word], shown: Transcript) -> Iterator[Signal]:
    """What each model said, and what was left out of what they saw."""
    for word in words:
        value: str | float = word.reason[:LONGEST_VALUE] if word.score is None else round(word.score, 4)
        name = "no_opinion" if word.score is None else "opinion"
        step = word.steps[0] if word.steps else None
        yield Signal(name=name, value=value, source=word.model[:LONGEST_VALUE], confidence=ALONE, step_id=step)
    for step_id in shown.left_out:
        yield Signal(name="speaks_to_the_judge", value=True, source="trace", confidence=0.5, step_id=step_id)
    if shown.shown < shown.steps:
        yield Signal(name="steps_shown", value=shown.shown, source="trace", confidence=1.0)
