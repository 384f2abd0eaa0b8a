"""Spans merged and spliced: every string of a JSON value goes past every sanitizer, and what they find is replaced.

What a sanitizer sees are distinct strings, each once: values and the keys of objects alike, at any depth. A string
whose key may say what it is (`"password": "kestrel"`) is a case of its own per key, and the sanitizer finds
the key in `ScanContext.keys`; every other string is scanned once for all places it stands in.

What was replaced is scanned again until nothing more is found, so sanitizing twice changes nothing; a value that was
replaced in one place is replaced in all (but short or common ones). Whole strings
that can only be ids or times (`INERT`) stay, whatever a sanitizer would say: a trace is held together by them.
Whatever goes wrong is a PrivacyError: nothing half sanitized is ever returned."""

import contextlib
import gc
import re
import traceback
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, NamedTuple

from bashgym.errors import PrivacyError
from bashgym.kinds import Sanitizer, ScanContext
from bashgym.pseudonyms import TYPE, pseudonym
from bashgym.records import Span
from bashgym.scanning.found import Found, merge, outside
from bashgym.scanning.known_values import KnownValues, why_not
from bashgym.scanning.surrogates import surrogate
from bashgym.scanning.text import Joined
from bashgym.scanning.walk import Unit, rebuilt, walk

BATCH = 64 * 1024  # characters; the engines cost some ten microseconds a call
Style = Literal["pseudonym", "surrogate"]
FIELDS = frozenset({
    "message", "content", "text", "reasoning_content", "arguments", "command", "description", "file_path",
    "path", "old_string", "new_string", "prompt", "pattern", "query", "url", "stdout", "stderr", "output",
    "input", "raw", "cwd", "git_branch", "filePath", "oldString", "newString", "originalFile", "lines",
    "title", "body", "code", "env", "args", "name", "value", "error", "result", "data", "agent", "extra",
    "files", "events",
})  # fmt: skip
OTHER = "other"
AGAIN = "session/again"  # the rule of values that another place of the session gave away
MACHINE = "/machine"  # the rule of values that only this machine knows (bashgym/kinds.py)
ROUNDS = 8  # real sessions need two; a text built to need more is refused
INERT = re.compile(
    r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
    r"|(?:msg|req|toolu|srvtoolu|call|chatcmpl|resp|rs|fc)_[A-Za-z0-9]{16,64}"
    r"|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:?\d\d)?"
)
LETTER = re.compile(r"[^\W\d_]")


class Sanitized(NamedTuple):
    """The clean value; how many places were replaced, by type, by `label/rule` and by the key they stood under (a key
    of FIELDS, else `other`: keys may be private too); every text that was, with its type.

    `removed` is for the leak gate (bashgym/gate/): it is as secret as what went in; and so is `machine`: what was
    replaced only because this machine knows it, with its type. On another machine it might have stayed."""

    value: Any
    counts: dict[str, int]
    by_rule: dict[str, int]
    removed: dict[str, str]
    by_field: dict[str, int]
    machine: dict[str, str]


def sanitize(
    value: Any, sanitizers: Sequence[tuple[str, Sanitizer]], key: bytes, session: str, style: Style = "pseudonym"
) -> Sanitized:
    """`value` (plain JSON) without what the sanitizers find; the same shape, the same JSON types, save that a number
    which is somebody's becomes a string. What does not change may be shared with `value`. With style `surrogate`,
    what can be replaced by its like is (bashgym/scanning/surrogates.py).

    Raises PrivacyError when a sanitizer fails, reports a span that is not there, or never comes to an end."""
    with no_collector():
        return sanitized(value, sanitizers, session, Names(key, style))


@contextlib.contextmanager
def no_collector() -> Iterator[None]:
    """Without the collector of cycles, which would walk a whole session again and again: nothing here makes cycles."""
    running = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if running:
            gc.enable()


def sanitized(value: Any, sanitizers: Sequence[tuple[str, Sanitizer]], session: str, names: "Names") -> Sanitized:
    units, containers = walk(value)
    strings = list(dict.fromkeys(unit.text for unit in units))
    scanners = [(label, each, ScanContext(session=session, strings=strings)) for label, each in sanitizers]
    clean: dict[Unit, str] = {}
    found: dict[Unit, list[Found]] = {}
    machine: dict[str, str] = {}
    pending = {unit: [unit] for unit in units if not inert(unit)}  # as it is now -> as it was
    everywhere = dict(pending)
    followed = 0  # values that were looked for again
    for _ in range(ROUNDS):
        changed: dict[Unit, list[Unit]] = {}
        results = scan(list(pending), scanners, machine)
        if not results and len(names) > followed:  # nothing is left of rules: what they found, wherever else it stands
            followed = len(names)
            pending = now_of(everywhere, clean)
            results = again(list(pending), names)
        for unit, spans in results.items():
            text = splice(unit.text, spans, names)
            origins = pending[unit]
            changed.setdefault(Unit(unit.key, text), []).extend(origins)
            for origin in origins:
                clean[origin] = text
                found.setdefault(origin, []).extend(spans)
        if not changed:
            return told(containers, clean, found, names, machine)
        pending = changed
    raise PrivacyError(f"session {session}: still not clean after {ROUNDS} passes; it is left out")


def now_of(origins: Iterable[Unit], clean: Mapping[Unit, str]) -> dict[Unit, list[Unit]]:
    """Units as they are now, with those they were."""
    units: dict[Unit, list[Unit]] = {}
    for origin in origins:
        text = clean.get(origin)
        units.setdefault(origin if text is None else Unit(origin.key, text), []).append(origin)
    return units


def again(units: Sequence[Unit], names: Iterable[tuple[str, str]]) -> dict[Unit, list[Found]]:
    """Where values that were replaced in one place of a session stand in others: a password that was assigned, and
    then printed. Numbers are not: `219099998` may be anything elsewhere."""
    known = KnownValues({text: type for type, text in names if LETTER.search(text) and not why_not(text)})
    found: dict[Unit, list[Found]] = {}
    if known.types:
        texts = Joined([unit.text for unit in units])
        for start, end, value in known.find(texts.text):
            index, offset = texts.place(start)
            found.setdefault(units[index], []).append(Found(start - offset, end - offset, known.types[value], AGAIN))
    merged = ((unit, outside(unit.text, merge(spans))) for unit, spans in found.items())
    return {unit: spans for unit, spans in merged if spans}


class Names(dict[tuple[str, str], str]):
    """The pseudonyms given, by type and value; each is made once."""

    def __init__(self, key: bytes, style: Style) -> None:
        super().__init__()
        self.key = key
        self.make = surrogate if style == "surrogate" else pseudonym

    def __missing__(self, named: tuple[str, str]) -> str:
        self[named] = self.make(self.key, *named)
        return self[named]


def told(
    containers: list[tuple[str, Any]],
    clean: Mapping[Unit, str],
    found: Mapping[Unit, list[Found]],
    names: Names,
    machine: dict[str, str],
) -> Sanitized:
    """The result, with places counted."""
    value, places, keys = rebuilt(containers, clean)
    counts: Counter[str] = Counter()
    by_rule: Counter[str] = Counter()
    for unit, spans in found.items():
        for span in spans:
            counts[span.type] += places[unit]
            by_rule[span.rule] += places[unit]
    removed: dict[str, str] = {}
    for type, text in names:
        removed.setdefault(text, type)
    fields: Counter[str] = Counter()
    for key, n in keys.items():
        fields[key if key in FIELDS else OTHER] += n
    return Sanitized(value, dict(counts), dict(by_rule), removed, dict(fields), machine)


def inert(unit: Unit) -> bool:
    """An id or a time, unless its key says that it may be more."""
    return not unit.key and bool(INERT.fullmatch(unit.text))


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


def scan(
    items: Sequence[Unit],
    scanners: Sequence[tuple[str, Sanitizer, ScanContext]],
    machine: dict[str, str] | None = None,
) -> dict[Unit, list[Found]]:
    """What the sanitizers find in `items`, merged; units without findings are left out. `machine` is given what is
    found only because this machine knows it (value in small letters -> type)."""
    found: dict[Unit, list[Found]] = {}
    for batch in batches(items):
        texts = [unit.text for unit in batch]
        keys = [unit.key for unit in batch]
        shared: dict[str, Any] = {}
        for label, sanitizer, context in scanners:
            context.keys, context.shared = keys, shared
            for span in guarded(label, sanitizer, texts, context):
                unit = batch[span.index]
                found.setdefault(unit, []).append(Found(span.start, span.end, span.type, f"{label}/{span.rule}"))
    if machine is not None:
        for unit, spans in found.items():
            machine.update(of_machine(unit.text, spans))
    merged = ((unit, outside(unit.text, merge(spans))) for unit, spans in found.items())
    return {unit: spans for unit, spans in merged if spans}


def of_machine(text: str, spans: Sequence[Found]) -> Iterator[tuple[str, str]]:
    """Values that rules called `machine` found, as far as other places, or other types, were found without them."""
    known = {span: text[span.start : span.end].lower() for span in spans if span.rule.endswith(MACHINE)}
    for value in dict.fromkeys(known.values()):
        if places(spans) != places(span for span in spans if known.get(span) != value):
            yield value, next(span.type for span, one in known.items() if one == value)


def places(spans: Iterable[Found]) -> list[tuple[int, int, str]]:
    return [span[:3] for span in merge(spans)]


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
        if not type_like(span.type):
            raise PrivacyError(f"sanitizer.{label}: {span.type!r} is no type; use capitals, digits and _")
    return spans


@lru_cache(256)
def type_like(type: str) -> bool:
    return bool(TYPE.fullmatch(type))


def splice(text: str, spans: Sequence[Found], names: Names) -> str:
    """`text` with each span replaced by its pseudonym; spans are in order and do not overlap."""
    parts: list[str] = []
    at = 0
    for span in spans:
        parts += (text[at : span.start], names[span.type, text[span.start : span.end]])
        at = span.end
    return "".join((*parts, text[at:]))
