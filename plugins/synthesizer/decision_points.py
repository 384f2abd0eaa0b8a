"""Replies in which alternatives were weighed before something was done: the moments where judgement is learnt."""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from pydantic import Field

from bashgym.config import Config as BaseConfig
from bashgym.mining.places import Places, made
from bashgym.records import Drop, Example, Verdict
from bashgym.similar.prints import words
from bashgym.trace import Step, Trace

NAME = "decision_points"
ASKING = frozenset({"askuserquestion", "ask_user_question", "ask_followup_question", "request_user_input"})
# "Option 1: ...", "Approach B - ...", "**Alternative 2**", at the beginning of a line
LISTED = re.compile(
    r"^[ \t>*#\d.)-]*\**(?:option|approach|alternative|choice|way|strategy|solution)[ \t]+(?P<name>\d|[a-h])\b"
    r"\**[ \t]*[:.)—–-]?[ \t]*(?P<text>.{0,160})",
    re.IGNORECASE | re.MULTILINE,
)
WEIGHING = re.compile(
    r"""
      \b(?:two|three|several|multiple|a\ (?:few|couple\ of))\ (?:\w+\ )?
        (?:options|approaches|ways|alternatives|choices|possibilities)\b
    | \b(?:alternatively|on\ the\ other\ hand|trade-?offs?\ between|pros\ and\ cons)\b
    | \bweigh(?:ing|ed)?\b.{0,40}\bagainst\b
    | \b(?:i|we|could|can|should)\ either\b[^.\n]{3,120}\bor\b
    | \b(?:could|can)\ (?:also\ )?[^.\n]{3,100},?\ or\ (?:i|we)\ (?:could|can)\b
    """,
    re.IGNORECASE | re.VERBOSE,
)
DECIDING = re.compile(
    r"""\b(?:
      i(?:'ll|\ will) | i(?:'m|\ am)\ going\ (?:to|with) | let(?:'s|\ me|\ us) | we(?:'ll|\ should|\ will)
      | i\ (?:choose|chose|prefer|recommend|suggest|think) | best | better | simpl(?:er|est) | clean(?:er|est) | safer
      | instead | rather | my\ recommendation | decid\w+ | going\ with | makes\ (?:more|most)\ sense
    )\b""",
    re.IGNORECASE | re.VERBOSE,
)


class Decision(NamedTuple):
    """Where alternatives were weighed: `how` they stand there, what they were."""

    step: Step
    how: str  # listed, weighed, or asked (put to the user)
    alternatives: list[str]


class Synthesizer:
    class Config(BaseConfig):
        words: int = Field(25, ge=1)
        """Words a reply must have, its thinking included, so that a passing remark is no decision."""
        verified_only: bool = False
        """Only of sessions whose outcome something that ran has confirmed."""

    def __init__(self, config: Config) -> None:
        self.config = config

    def synthesize(self, trace: Trace, verdicts: Sequence[Verdict]) -> Iterable[Example | Drop]:
        """One example a decision: the reply in which it was made, its thinking kept; meta.alternatives are what was
        weighed, meta.verified whether the session's outcome is confirmed."""
        verified = any(one.verified and not one.fatal and (one.score or 0) >= 0.5 for one in verdicts)
        found = list(decisions(trace, self.config.words))
        if self.config.verified_only and not verified:
            yield from [Drop(reason=f"{NAME}: outcome not confirmed", n=len(found))] if found else []
            return
        places = Places(trace)
        for number, one in enumerate(found):
            reply = places.reply(one.step.step_id)
            if reply is None:
                yield Drop(reason=f"{NAME}: the reply is in no example")
                continue
            meta = {"decision": one.how, "alternatives": one.alternatives, "verified": verified}
            yield made(places, one.step.step_id, NAME, number, [reply[0]], keys=[reply[1]], meta=meta)


def decisions(trace: Trace, at_least: int) -> Iterator[Decision]:
    """Replies on the active branch that weigh at least two things, and then do one or put it to the user."""
    for step in trace.steps:
        if step.source != "agent" or not step.info.active or step.info.kind != "agent":
            continue
        asked = next(filter(None, (options(call.arguments) for call in step.tool_calls or () if is_asking(call))), None)
        if asked:
            yield Decision(step, "asked", asked)
            continue
        text = f"{step.reasoning_content or ''}\n{step.text}"
        if len(words(text)) < at_least or not DECIDING.search(text):
            continue
        listed = {one["name"].lower(): one["text"].strip(" *:") for one in LISTED.finditer(text)}
        if len(listed) >= 2:
            yield Decision(step, "listed", [f"{name}: {said}" for name, said in listed.items()])
        elif step.tool_calls and (weighed := WEIGHING.search(text)):
            yield Decision(step, "weighed", [sentence(text, weighed.start())])


def is_asking(call: Any) -> bool:
    return call.function_name.lower() in ASKING


def options(arguments: dict[str, Any]) -> list[str]:
    """The labels of the options of a question to the user; empty where there are fewer than two."""
    questions = arguments.get("questions")
    found: list[str] = []
    for one in questions if isinstance(questions, list) else [arguments]:
        given = one.get("options") if isinstance(one, dict) else None
        for option in given if isinstance(given, list) else []:
            label = option.get("label") if isinstance(option, dict) else option
            if isinstance(label, str):
                found.append(label)
    return found if len(found) >= 2 else []


def sentence(text: str, at: int) -> str:
    """The sentence around a place."""
    start = max(text.rfind(". ", 0, at), text.rfind("\n", 0, at)) + 1
    ends = [end for end in (text.find(". ", at), text.find("\n", at)) if end >= 0]
    return text[start : min(ends, default=len(text))].strip()[:300]
