"""A prompt and what may follow it: pairs, labelled answers, tasks, single replies; as messages and as text."""

import bisect
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import msgspec

from bashgym.records import Drop, Example
from bashgym.rows import turns
from bashgym.rows.settings import RowConfig
from bashgym.rows.template import Template, TemplateFault, Turn
from bashgym.rows.turns import Message, Unit

ROOM = 200.0  # characters a prompt must have at least: a request of a sentence or two


class Prompt(NamedTuple):
    """What is read before a reply, cut to its room, and the tools that are declared."""

    messages: list[Message]
    tools: list[dict[str, Any]]
    drops: list[Drop]


class Opening(NamedTuple):
    """An example's turns and tools, made ready once for all its replies."""

    units: list[Unit]
    tools: list[dict[str, Any]]


def opening(example: Example, config: RowConfig, upto: int | None = None) -> Opening:
    """The turns of an example, or of its first `upto` messages."""
    first = msgspec.structs.replace(example, messages=example.messages[:upto], given=0, rejected=[])
    return Opening(turns.units(first, config), turns.fitted_tools(example, config))


def before(opened: Opening, config: RowConfig, upto: int, replies: Sequence[Message]) -> Prompt | Drop:
    """The messages before number `upto`, with room for each of `replies` after them."""
    budget = config.room - turns.size(opened.tools) - max((turns.size(turns.plain(one)) for one in replies), default=0)
    if budget < ROOM:
        return Drop(reason="turn longer than the sequence length")
    known = opened.units[: bisect.bisect_left(opened.units, upto, key=lambda unit: unit.at)]
    units = turns.recent(known, budget)
    messages = [message for unit in units for message in unit.messages]
    if not any(message["role"] != "system" for message in messages):
        return Drop(reason="nothing asked before the reply")
    cut = [Drop(reason="prompt cut to its newest turns")] if len(units) < len(known) else []
    return Prompt(messages, opened.tools, cut)


def first_reply(messages: Sequence[Message], config: RowConfig) -> tuple[Message | None, int]:
    """The reply that a completion opens with, as it is written, and how many messages follow it.

    What follows are results of tools and replies to them: the model does not write the former."""
    if not messages or messages[0]["role"] != "assistant":
        return None, 0
    return turns.plain(turns.prepared(messages[0], 0, 0, config)), len(messages) - 1


def said(template: Template, prompt: Prompt, reply: Message) -> Turn | Drop:
    """A prompt and a reply as text."""
    try:
        turn = template.turn(prompt.messages, reply, prompt.tools)
    except TemplateFault:
        return Drop(reason="turn that the chat template cannot say")
    return turn if turn.completion.strip() else Drop(reason="reply without words or calls")


class Paired(NamedTuple):
    """A prompt with the reply that should follow it and the one that should not, as text."""

    prompt: str
    chosen: str
    rejected: str


def paired(example: Example, config: RowConfig, template: Template) -> Iterator[Paired | Drop]:
    """The pair of an example, as text, or why there is none."""
    if not example.rejected:
        yield Drop(reason="example without a rejected reply")
        return
    chosen, more = first_reply(example.messages[example.given :], config)
    rejected, others = first_reply(example.rejected, config)
    if chosen is None or rejected is None:
        yield Drop(reason="pair that does not open with replies")
        return
    if more + others:
        yield Drop(reason="message after the first reply of a completion", n=more + others)
    opened = opening(example, config, example.given)
    prompt = before(opened, config, example.given, [chosen, rejected])
    if isinstance(prompt, Drop):
        yield prompt
        return
    yield from prompt.drops
    good, bad = said(template, prompt, chosen), said(template, prompt, rejected)
    if isinstance(good, Drop) or isinstance(bad, Drop):
        yield good if isinstance(good, Drop) else bad  # type: ignore[misc]
    elif good.completion == bad.completion:
        yield Drop(reason="pair of two equal replies")
    else:
        yield Paired(good.prompt, good.completion, bad.completion)


class Answered(NamedTuple):
    """A prompt and one reply, as text; `at` is the reply's place among the example's messages."""

    prompt: str
    completion: str
    at: int


def answered(example: Example, config: RowConfig, template: Template) -> Iterator[Answered | Drop]:
    """Every reply of an example that is to be learnt, each with what came before it."""
    if example.label is False:
        yield turns.NOT_GOOD
        return
    opened = opening(example, config)
    for at, message in enumerate(example.messages):
        if message["role"] != "assistant" or at < example.given or not message.get("train", True):
            continue
        reply, _ = first_reply([message], config)
        assert reply is not None
        prompt = before(opened, config, at, [reply])
        if isinstance(prompt, Drop):
            yield prompt
            continue
        yield from prompt.drops
        turn = said(template, prompt, reply)
        yield turn if isinstance(turn, Drop) else Answered(turn.prompt, turn.completion, at)


def key_at(example: Example, at: int) -> list[str]:
    """The reply that a row rests on, so that copies of it are known."""
    return [example.keys[at]] if at < len(example.keys) and example.keys[at] else []


def step_at(example: Example, at: int) -> list[int]:
    return [example.steps[at]] if at < len(example.steps) else []
