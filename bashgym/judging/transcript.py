"""A trace as a model is given it: data between marks that the data cannot forge, every line behind a bar, cut to size,
without the lines that speak to whoever judges."""

import hashlib
from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

from bashgym.judging.rubric import Rubric
from bashgym.signals.calls import argument, command_line, path_of
from bashgym.signals.calls import calls as called_in
from bashgym.trace import Step, Trace, plain

CUT = "[... {} characters are left out ...]"


class Transcript(NamedTuple):
    """`left_out`: steps in which lines that speak to a judge were left out; `steps` of the trace, `shown` of them."""

    text: str
    left_out: tuple[int, ...]
    steps: int
    shown: int


def transcript(trace: Trace, rubric: Rubric, most: int, of_a_step: int) -> Transcript:
    """At most about `most` characters: the beginning and the end, where the task and the outcome are, go first."""
    blocks, injected = [], []
    for step in trace.steps:
        if step.info.active:
            rows, found = clean("\n".join(told(step, trace, of_a_step)), rubric)
            if rows:
                blocks.append((step.step_id, rows))
            if found:
                injected.append(step.step_id)
    chosen = fitting(blocks, most)
    body: list[str] = []
    before = 0
    for number, (_, rows) in enumerate(blocks):
        if number in chosen:
            if before:
                body.append(f"| [{before} steps are left out]")
                before = 0
            body.extend(f"| {row}" for row in rows)
        else:
            before += 1
    text = "\n".join(body)
    mark = number_of(text)
    return Transcript(f"<session {mark}>\n{text}\n</session {mark}>", tuple(injected), len(blocks), len(chosen))


def number_of(text: str) -> str:
    """A mark that the text does not hold, the same for the same text."""
    number = 0
    while (mark := hashlib.blake2s(f"{number} {text}".encode("utf-8", "replace"), digest_size=6).hexdigest()) in text:
        number += 1
    return mark


def fitting(blocks: list[tuple[int, list[str]]], most: int) -> set[int]:
    """Which blocks fit: from the end and from the beginning in turn."""
    chosen: set[int] = set()
    left, low, high = most, 0, len(blocks) - 1
    while low <= high:
        for number in dict.fromkeys((high, low)):
            size = sum(len(row) + 3 for row in blocks[number][1])
            if size > left and chosen:
                return chosen
            chosen.add(number)
            left -= size
        low, high = low + 1, high - 1
    return chosen


def told(step: Step, trace: Trace, most: int) -> Iterator[str]:
    """One step in words; results of reading are shortened most, for they are not the agent's work."""
    who = {"human": "USER", "agent": "AGENT"}.get(step.info.kind, step.info.kind.upper())
    if step.text.strip() or step.tool_calls:
        yield f"[{step.step_id}] {who}: {cut(step.text, most)}".rstrip()
    results = step.results()
    for call in step.tool_calls or []:
        one = next(each for each in called_in(one_step(trace, step)) if each.call is call)
        what = command_line(one) or " ".join(filter(None, (path_of(one), shown_arguments(one, most))))
        yield f"CALL {call.function_name}: {cut(what, most)}"
        result = results.get(call.tool_call_id)
        if result is None:
            yield "RESULT: none is known"
        else:
            state = "REFUSED" if call.extra.bashgym.denied else "ERROR" if result.extra.bashgym.is_error else "RESULT"
            yield f"{state}: {cut(plain(result.content), most if command_line(one) else most // 3)}"


def one_step(trace: Trace, step: Step) -> Trace:
    return Trace(session_id=trace.session_id, agent=trace.agent, steps=[step], extra=trace.extra)


def shown_arguments(called: object, most: int) -> str:
    """What an editing call says beside the path."""
    old = argument(called, "oldstring", "oldstr")  # type: ignore[arg-type]
    new = argument(called, "newstring", "newstr")  # type: ignore[arg-type]
    if isinstance(old, str) or isinstance(new, str):
        return f"\n- {cut(str(old or ''), most // 2)}\n+ {cut(str(new or ''), most // 2)}"
    whole = argument(called, "content", "filetext", "input", "patch", "prompt", "pattern", "query")  # type: ignore[arg-type]
    return f"\n{cut(whole, most)}" if isinstance(whole, str) else ""


def cut(text: str, most: int) -> str:
    if len(text) <= most:
        return text
    half = most // 2
    return f"{text[:half]}\n{CUT.format(len(text) - 2 * half)}\n{text[-half:]}"


def clean(text: str, rubric: Rubric) -> tuple[list[str], bool]:
    """Lines without those that speak to a judge, alone or two together; and whether there were any."""
    rows = text.split("\n") if text else []
    bad = {number for number, row in enumerate(rows) if rubric.injected(row)}
    for number, (one, two) in enumerate(pairwise(rows)):
        if not {number, number + 1} & bad and rubric.injected(f"{one} {two}"):
            bad |= {number, number + 1}
    kept: list[str] = []
    for number, row in enumerate(rows):
        if number not in bad:
            kept.append("".join(char if char.isprintable() or char == "\t" else " " for char in row))
        elif number - 1 not in bad:
            kept.append(rubric.left_out)
    return kept, bool(bad)
