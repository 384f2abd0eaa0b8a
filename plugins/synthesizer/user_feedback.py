"""What the user had to say after an edit or an answer: pairs where it was done again, labels else, lessons always."""

from collections.abc import Iterable, Iterator, Sequence
from difflib import SequenceMatcher
from typing import Any, NamedTuple

from bashgym.config import Config as BaseConfig
from bashgym.mining import corrected, corrections
from bashgym.mining.intents import same_intent
from bashgym.mining.places import Places, calling, made
from bashgym.records import Drop, Example, Verdict
from bashgym.signals.calls import EDIT_TOOLS, WRITE_TOOLS, Called, calls
from bashgym.trace import Step, Trace

NAME = "user_feedback"
LIKE = 0.75  # of the letters of a refused call and of the one made in its place
SAID = "the user said:"  # what Claude Code writes before the words that came with a refusal


class Feedback(NamedTuple):
    """A reply the user spoke of: the call that was meant, or None where it was an answer in words."""

    step: Step
    called: Called | None
    word: corrections.Word
    said: str
    said_at: int  # the step of the user's words; of a refused call its own
    later: list[Called]  # what was called after it


class Synthesizer:
    class Config(BaseConfig):
        confirmations: bool = True
        """Replies that the user praised are kept too, with the label good."""

    def __init__(self, config: Config) -> None:
        self.config = config

    def synthesize(self, trace: Trace, verdicts: Sequence[Verdict]) -> Iterable[Example | Drop]:
        """Pairs (rejected: what was corrected or refused) where the same file was changed anew and the change can be
        told; else the reply with its label. meta.lesson holds the user's words."""
        places = Places(trace)
        for number, one in enumerate(feedback(trace)):
            if one.word == "confirmation" and not self.config.confirmations:
                continue
            yield self.example(places, number, one)

    def example(self, places: Places, number: int, one: Feedback) -> Example | Drop:
        meta: dict[str, Any] = {"feedback": one.word, "feedback_step": one.said_at, "lesson": one.said}
        step, known = one.step, places.reply(one.step.step_id)
        pair = better(one) if one.word == "correction" else None
        if pair and one.called:
            arguments, later = pair
            rejected = calling(one.called, step.text)
            chosen = corrected.with_arguments(rejected, arguments)
            key = places.reply(later.step.step_id)
            meta |= {"rejected_steps": [step.step_id], "tool": one.called.call.function_name}
            return made(
                places, step.step_id, NAME, number, [chosen], keys=[key[1] if key else ""],
                steps=[later.step.step_id], rejected=[rejected], meta=meta,
            )  # fmt: skip
        if known is None and one.called is None:
            return Drop(reason=f"{NAME}: the reply is in no example")
        reply = calling(one.called, step.text) if one.called else {"role": "assistant", "content": step.text}
        key_of = [known[1]] if known else [""]
        return made(
            places, step.step_id, NAME, number, [reply], keys=key_of, label=one.word == "confirmation", meta=meta
        )


def better(one: Feedback) -> tuple[dict[str, Any], Called] | None:
    """The arguments the corrected call should have had, and the later call that tells."""
    if one.called is None:
        return None
    if one.called.tool in EDIT_TOOLS | WRITE_TOOLS:
        later = corrected.redone(one.called, one.later)
        arguments = corrected.arguments(one.called, later) if later else None
    else:
        later = next((call for call in one.later if call.took_effect and another_try(one.called, call)), None)
        arguments = later.call.arguments if later else None
    if arguments is None or later is None or arguments == one.called.call.arguments:
        return None
    return arguments, later


def another_try(refused: Called, later: Called) -> bool:
    """Whether a call is a refused one in other words; little else may differ, as the user's words may ask for more."""
    one, other = str(refused.call.arguments), str(later.call.arguments)
    like = SequenceMatcher(None, one[:2000], other[:2000]).ratio() >= LIKE
    return refused.tool == later.tool and like and same_intent(refused, later)


def feedback(trace: Trace) -> Iterator[Feedback]:
    """Refused calls, and what the user said of the work or answer right before."""
    everything = list(calls(trace))
    for place, called in enumerate(everything):
        if called.call.extra.bashgym.denied == "user":
            said, later = refusal(trace, called), until_spoken(trace, called.at[0], everything[place + 1 :], 2)
            one = Feedback(called.step, called, "correction", said, called.step.step_id, later)
            if not corrections.asks(said) and (said or better(one)):  # Escape alone, or a question, blames nothing
                yield one
    for number, step in enumerate(trace.steps):
        if step.info.kind == "human" and step.info.active:
            about = spoken_of(trace, number, everything)
            word = corrections.of(step.text, of_change=bool(about and about[1])) if about else "other"
            if about and word != "other":
                later = until_spoken(trace, number, [one for one in everything if one.at[0] > number], 1)
                yield Feedback(*about, word, corrections.lesson(step.text), step.step_id, later)


def refusal(trace: Trace, called: Called) -> str:
    """Why the user refused a call: words that came with the refusal, or the next thing they said."""
    told = called.call.extra.bashgym.reason or called.text.partition(SAID)[2]
    if not told.strip():
        after = (step for step in trace.steps[called.at[0] + 1 :] if step.info.kind != "interrupt" and step.info.active)
        first = next(after, None)
        told = first.text if first and first.info.kind == "human" else ""
    return corrections.lesson(told)


def until_spoken(trace: Trace, start: int, later: Sequence[Called], turns: int) -> list[Called]:
    """The calls up to where the user spoke for the `turns`th time after `start`: what comes then is of other words."""
    spoken = [n for n, step in enumerate(trace.steps) if n > start and step.info.kind == "human" and step.info.active]
    end = spoken[turns - 1] if len(spoken) >= turns else len(trace.steps)
    return [one for one in later if one.at[0] < end]


def spoken_of(trace: Trace, at: int, everything: Sequence[Called]) -> tuple[Step, Called | None] | None:
    """What a message speaks of: the last edit since the user's words before it, else the last answer in words."""
    start = next((n for n in range(at - 1, -1, -1) if trace.steps[n].info.kind == "human"), -1)
    between = [one for one in everything if start < one.at[0] < at]
    if any(one.call.extra.bashgym.denied == "user" for one in between):
        return None  # the refusal has said it
    edits = [one for one in between if one.tool in EDIT_TOOLS | WRITE_TOOLS and one.took_effect]
    if edits:
        return edits[-1].step, edits[-1]
    turn = [step for step in trace.steps[start + 1 : at] if step.source == "agent" and step.info.active]
    answers = [step for step in turn if step.info.kind == "agent" and step.text and not step.tool_calls]
    return (answers[-1], None) if answers else None
