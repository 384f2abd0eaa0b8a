"""Ranges of one string that are to be replaced: merged where they overlap, cut where a pseudonym stands already."""

import re
from collections.abc import Iterable
from typing import NamedTuple

from bashgym.pseudonyms import pseudonyms

WORD = re.compile(r"\w")


class Found(NamedTuple):
    """One range of one string to be replaced."""

    start: int
    end: int
    type: str
    rule: str


def merge(spans: Iterable[Found]) -> list[Found]:
    """Overlapping ranges become their union, named after the longest of them (the first, where equal)."""
    merged: list[Found] = []
    longest = 0
    for span in sorted(spans, key=lambda each: each.start):
        length = span.end - span.start
        if not merged or span.start >= merged[-1].end:
            merged.append(span)
            longest = length
            continue
        name = span if length > longest else merged[-1]
        merged[-1] = Found(merged[-1].start, max(merged[-1].end, span.end), name.type, name.rule)
        longest = max(longest, length)
    return merged


def outside(text: str, spans: list[Found]) -> list[Found]:
    """The spans less what is a pseudonym already: nothing is ever found inside one."""
    done = list(pseudonyms(text))
    if not done:
        return spans
    pieces: list[Found] = []
    position = 0
    for span in spans:
        while position < len(done) and done[position][1] <= span.start:
            position += 1
        start, at = span.start, position
        cut: list[Found] = []
        while at < len(done) and done[at][0] < span.end:
            cut.append(span._replace(start=start, end=done[at][0]))
            start = done[at][1]
            at += 1
        if not cut:
            pieces.append(span)
            continue
        cut.append(span._replace(start=start))
        pieces += (piece for piece in cut if piece.start < piece.end and WORD.search(text, piece.start, piece.end))
    return pieces
