"""Spans merged and spliced: every string of a JSON value goes past every sanitizer, and what they find is replaced.

What a sanitizer sees are distinct strings, each once: values and the keys of objects alike, at any depth. A string
whose key may say what it is (`"password": "kestrel"`) is a case of its own per key, and the sanitizer finds
the key in `ScanContext.keys`; every other string is scanned once for all places it stands in.

What was replaced is scanned again until nothing more is found, so sanitizing twice changes nothing. Whole strings
that can only be ids or times (`INERT`) stay, whatever a sanitizer would say: a trace is held together by them.
Whatever goes wrong is a PrivacyError: nothing half sanitized is ever returned."""

import re
import traceback
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from bashgym.errors import PrivacyError
from bashgym.kinds import Sanitizer, ScanContext
from bashgym.pseudonyms import TYPE, pseudonym, pseudonyms
from bashgym.records import Span

BATCH = 64 * 1024  # characters; the engines cost some ten microseconds a call
ROUNDS = 8  # real sessions need two; a text built to need more is refused
KEYED_LENGTH = 4096  # a longer string is text, whatever its key
KEYED = re.compile(
    r"pass|pwd|pw$|secret|token|key|auth|cred|cookie|session|seed|mnemonic|signature|salt|dsn|cert|bearer|otp|pin$"
    r"|user|login|logname|host|owner|author|name|mail|phone|ssn|card|iban",
    re.IGNORECASE,
)
INERT = re.compile(
    r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
    r"|(?:msg|req|toolu|srvtoolu|call|chatcmpl|resp|rs|fc)_[A-Za-z0-9]{16,64}"
    r"|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:?\d\d)?"
)


WORD = re.compile(r"\w")


class Unit(NamedTuple):
    """One thing to scan: a string and, where it may matter, the key it is the value of."""

    key: str
    text: str


class Sanitized(NamedTuple):
    """The clean value; how many places were replaced, by type and by `label/rule`; every text that was, with its type.

    `removed` is for the leak gate (bashgym/gate/): it is as secret as what went in."""

    value: Any
    counts: dict[str, int]
    by_rule: dict[str, int]
    removed: dict[str, str]


class Found(NamedTuple):
    """One range of one string to be replaced."""

    start: int
    end: int
    type: str
    rule: str


def sanitize(value: Any, sanitizers: Sequence[tuple[str, Sanitizer]], key: bytes, session: str) -> Sanitized:
    """`value` (plain JSON) without what the sanitizers find; the same shape, the same JSON types.

    Raises PrivacyError when a sanitizer fails, reports a span that is not there, or never comes to an end."""
    seen = Counter(units(value))
    strings = list(dict.fromkeys(unit.text for unit in seen))
    scanners = [(label, each, ScanContext(session=session, strings=strings)) for label, each in sanitizers]
    counts: Counter[str] = Counter()
    by_rule: Counter[str] = Counter()
    removed: dict[str, str] = {}
    clean: dict[Unit, str] = {}
    pending = {unit: [unit] for unit in seen if not inert(unit)}  # as it is now -> as it was
    for _ in range(ROUNDS):
        changed: dict[Unit, list[Unit]] = {}
        for unit, spans in scan(list(pending), scanners).items():
            text = splice(unit.text, spans, key)
            changed.setdefault(Unit(unit.key, text), []).extend(pending[unit])
            clean.update((origin, text) for origin in pending[unit])
            places = sum(seen[origin] for origin in pending[unit])
            for span in spans:
                counts[span.type] += places
                by_rule[span.rule] += places
                removed.setdefault(unit.text[span.start : span.end], span.type)
        if not changed:
            return Sanitized(rebuild(value, clean), dict(counts), dict(by_rule), removed)
        pending = changed
    raise PrivacyError(f"session {session}: still not clean after {ROUNDS} passes; it is left out")


def inert(unit: Unit) -> bool:
    """An id or a time, unless its key says that it may be more."""
    return not unit.key and bool(INERT.fullmatch(unit.text))


def unit_of(key: str, text: str) -> Unit:
    return Unit(key if len(text) <= KEYED_LENGTH and keyed(key) else "", text)


@lru_cache(4096)
def keyed(key: str) -> bool:
    return bool(KEYED.search(key))


def units(value: Any) -> Iterator[Unit]:
    """Every string of a JSON value, keys included; the items of a list stand under the list's key."""
    stack: list[tuple[str, Any]] = [("", value)]
    while stack:
        key, node = stack.pop()
        if isinstance(node, str):
            yield unit_of(key, node)
        elif isinstance(node, dict):
            for name, item in node.items():
                if not isinstance(name, str):
                    raise PrivacyError(f"a key of type {type(name).__name__} is no JSON and cannot be sanitized")
                yield Unit("", name)
                stack.append((name, item))
        elif isinstance(node, list):
            stack.extend((key, item) for item in node)
        elif not (node is None or isinstance(node, bool | int | float)):
            raise PrivacyError(f"a value of type {type(node).__name__} is no JSON and cannot be sanitized")


def batches(items: Sequence[Unit]) -> Iterator[list[Unit]]:
    batch: list[Unit] = []
    size = 0
    for item in items:
        if batch and size + len(item.text) > BATCH:
            yield batch
            batch, size = [], 0
        batch.append(item)
        size += len(item.text)
    if batch:
        yield batch


def scan(items: Sequence[Unit], scanners: Sequence[tuple[str, Sanitizer, ScanContext]]) -> dict[Unit, list[Found]]:
    """What the sanitizers find in `items`, merged; units without findings are left out."""
    found: dict[Unit, list[Found]] = {}
    for batch in batches(items):
        texts = [unit.text for unit in batch]
        keys = [unit.key for unit in batch]
        for label, sanitizer, context in scanners:
            context.keys = keys
            for span in guarded(label, sanitizer, texts, context):
                unit = batch[span.index]
                found.setdefault(unit, []).append(Found(span.start, span.end, span.type, f"{label}/{span.rule}"))
    merged = ((unit, outside(unit.text, merge(spans))) for unit, spans in found.items())
    return {unit: spans for unit, spans in merged if spans}


def guarded(label: str, sanitizer: Sanitizer, texts: Sequence[str], context: ScanContext) -> list[Span]:
    """The spans of one sanitizer in one batch, each checked to be there."""
    try:
        spans = list(sanitizer.find(texts, context))
    except PrivacyError:
        raise
    except Exception as error:  # law 5: the run stops; its message may hold the private text, so only the place is told
        last = traceback.extract_tb(error.__traceback__)[-1]
        place = f"{type(error).__name__} at {Path(last.filename).name}:{last.lineno}"
        raise PrivacyError(f"sanitizer.{label}: {place}; nothing was written") from None
    for span in spans:
        if not (0 <= span.index < len(texts) and 0 <= span.start < span.end <= len(texts[span.index])):
            raise PrivacyError(f"sanitizer.{label}: rule {span.rule!r} reports a span outside its string")
        if not TYPE.fullmatch(span.type):
            raise PrivacyError(f"sanitizer.{label}: {span.type!r} is no type; use capitals, digits and _")
    return spans


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


def splice(text: str, spans: Sequence[Found], key: bytes) -> str:
    """`text` with each span replaced by its pseudonym; spans are in order and do not overlap."""
    parts: list[str] = []
    at = 0
    for span in spans:
        parts += (text[at : span.start], pseudonym(key, span.type, text[span.start : span.end]))
        at = span.end
    return "".join((*parts, text[at:]))


def rebuild(value: Any, clean: dict[Unit, str]) -> Any:
    """A copy of `value` with the strings of `clean` put in."""
    root: list[Any] = [None]
    stack: list[tuple[str, Any, Any, Any]] = [("", value, root, 0)]  # key, node, where its copy goes: container, slot
    while stack:
        key, node, container, slot = stack.pop()
        if isinstance(node, str):
            container[slot] = clean.get(unit_of(key, node), node)
        elif isinstance(node, dict):
            copy: dict[str, Any] = {}
            container[slot] = copy
            for name, item in node.items():
                new = free(clean.get(Unit("", name)) or name, name, node, copy)
                copy[new] = None  # keeps the order: the stack fills in backwards
                stack.append((name, item, copy, new))
        elif isinstance(node, list):
            container[slot] = [None] * len(node)
            stack.extend((key, item, container[slot], at) for at, item in enumerate(node))
        else:
            container[slot] = node
    return root[0]


def free(new: str, old: str, node: dict[str, Any], copy: dict[str, Any]) -> str:
    """A key that no other entry has: two keys with one pseudonym must not become one entry."""
    name, number = new, 1
    while name != old and (name in node or name in copy):
        number += 1
        name = f"{new}_{number}"
    return name
