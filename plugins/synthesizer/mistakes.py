"""Pairs of what was done and a mistake agents often make there: a call repeated, an edit unread, done untested."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Literal, NamedTuple

from pydantic import Field

from bashgym.config import Config as BaseConfig
from bashgym.mining.places import Message, Places, calling, made
from bashgym.records import Drop, Example, Verdict
from bashgym.signals.calls import EDIT_TOOLS, READ_TOOLS, Called, calls, command_line, path_of
from bashgym.signals.runners import runner
from bashgym.signals.shell import split
from bashgym.trace import Step, Trace

NAME = "mistakes"
Kind = Literal["repeat", "unread", "untested"]
KINDS: tuple[Kind, ...] = ("repeat", "unread", "untested")


class Mistake(NamedTuple):
    """What was done, and what would have been wrong there; both are the session's own, only their order is not."""

    kind: Kind
    right: Called
    wrong: Message
    of_step: int  # where the wrong reply stands, rightly, in the session


class Synthesizer:
    class Config(BaseConfig):
        kinds: list[Kind] = Field(default=list(KINDS), min_length=1)
        """repeat: the last call once more; unread: an edit before the file was read; untested: done before the test."""
        most: int = Field(default=6, ge=1)
        """Pairs of one session, at most, drawn evenly over it."""

    def __init__(self, config: Config) -> None:
        self.config = config

    def synthesize(self, trace: Trace, verdicts: Sequence[Verdict]) -> Iterable[Example | Drop]:
        """Examples whose chosen reply is what was done; meta.mistake is the kind. Only of sessions that were not seen
        to fail: what was done there is not known to be right."""
        if any(one.fatal for one in verdicts):
            yield Drop(reason=f"{NAME}: the session failed")
            return
        places = Places(trace)
        found = [one for one in mistakes(trace) if one.kind in self.config.kinds]
        for number, one in enumerate(sorted(drawn(found, self.config.most), key=lambda one: one.right.at)):
            step = one.right.step
            known = places.reply(step.step_id)
            yield made(
                places, step.step_id, NAME, number, [calling(one.right, step.text)],
                keys=[known[1] if known else ""], rejected=[one.wrong],
                meta={"mistake": one.kind, "rejected_steps": [one.of_step]},
            )  # fmt: skip


def mistakes(trace: Trace) -> Iterator[Mistake]:
    """Every place of the active branch where one of them could have been made; a step with several calls is none."""
    everything = [one for one in calls(trace) if len(one.step.tool_calls or []) == 1]
    last_words = ending(trace)
    read: set[str] = set()
    for place, one in enumerate(everything):
        if not one.took_effect:
            continue
        before = everything[place - 1] if place else None
        if before and before.took_effect and not alike(before, one) and follows(before, one, trace):
            yield Mistake("repeat", one, calling(before, one.step.text), before.step.step_id)
        path = path_of(one)
        if one.tool in READ_TOOLS and path and path not in read:
            edit = next((later for later in everything[place + 1 :] if edits(later, path)), None)
            if edit:
                yield Mistake("unread", one, calling(edit, one.step.text), edit.step.step_id)
        read |= {path} if path else set()
        due = tests(one) and edited_since_test(everything[:place])
        if last_words and due and last_words.step_id > one.step.step_id:
            yield Mistake("untested", one, {"role": "assistant", "content": last_words.text}, last_words.step_id)


def alike(one: Called, other: Called) -> bool:
    return one.tool == other.tool and one.call.arguments == other.call.arguments


def follows(before: Called, one: Called, trace: Trace) -> bool:
    """Whether nobody but the agent spoke in between: the user may ask for the same again."""
    between = trace.steps[before.at[0] + 1 : one.at[0]]
    return all(step.source == "agent" for step in between)


def edits(called: Called, path: str) -> bool:
    return called.tool in EDIT_TOOLS and called.took_effect and path_of(called) == path


def tests(called: Called) -> bool:
    line = command_line(called)
    return line is not None and any(runner(command) for command in split(line))


def edited_since_test(earlier: Sequence[Called]) -> bool:
    """Whether something was edited after the last run of tests."""
    for one in reversed(earlier):
        if tests(one):
            return False
        if one.tool in EDIT_TOOLS and one.took_effect:
            return True
    return False


def ending(trace: Trace) -> Step | None:
    """The reply in words that the session ends with."""
    said = [step for step in trace.steps if step.source == "agent" and step.info.active and step.info.kind == "agent"]
    return said[-1] if said and said[-1].text.strip() and not said[-1].tool_calls else None


def drawn(found: Sequence[Mistake], most: int) -> list[Mistake]:
    """At most so many, the kinds in turn; which ones of a kind depends on what they are alone."""
    by_kind: dict[str, list[Mistake]] = {kind: [] for kind in KINDS}
    for one in sorted(found, key=digest):
        by_kind[one.kind].append(one)
    taken: list[Mistake] = []
    while len(taken) < most and any(by_kind.values()):
        for rest in by_kind.values():
            taken += [rest.pop(0)] if rest and len(taken) < most else []
    return taken


def digest(one: Mistake) -> str:
    said: Any = [one.kind, one.right.call.tool_call_id, one.right.step.step_id]
    return hashlib.sha256(repr(said).encode()).hexdigest()
