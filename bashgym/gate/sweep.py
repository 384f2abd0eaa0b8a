"""Every value that was removed anywhere, looked for everywhere, in one pass however many there are."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from bashgym.gate.forms import forms
from bashgym.pseudonyms import pseudonym
from bashgym.scan import Style
from bashgym.scanning.known_values import why_not
from bashgym.scanning.surrogates import surrogate

ESCAPES = b"nrt"


class Hit(NamedTuple):
    """Bytes [start, end) give a removed value away; `form` says how it is written there."""

    start: int
    end: int
    value: str
    type: str
    form: str


class Sweep:
    """Values with their types, ready to be found in any bytes.

    `style` is how `clean` writes what stands for a value. `skipped` counts, by reason, the values that are too short or
    too common to mean anything outside their session."""

    def __init__(self, values: Mapping[str, str], style: Style = "pseudonym") -> None:
        import ahocorasick_rs

        self.stand_in = surrogate if style == "surrogate" else pseudonym
        self.skipped: Counter[str] = Counter()
        self.values: list[tuple[str, str]] = []
        self.forms: list[tuple[int, str, bool]] = []  # of each pattern: its value, its form's name, whole words only
        patterns: dict[bytes, None] = {}
        for value, type in values.items():
            if reason := why_not(value):
                self.skipped[reason] += 1
                continue
            self.values.append((value, type))
            for form in forms(value):
                if form.data not in patterns:
                    patterns[form.data] = None
                    self.forms.append((len(self.values) - 1, form.name, form.whole))
        automaton: Any = ahocorasick_rs.BytesAhoCorasick(list(patterns)) if patterns else None
        self.automaton = automaton

    def hits(self, data: bytes) -> Iterator[Hit]:
        """Where values stand in `data`, in the order of their ends; they may overlap."""
        if self.automaton is None:
            return
        for number, start, end in self.automaton.find_matches_as_indexes(data, overlapping=True):
            index, name, whole = self.forms[number]
            if not whole or stands_alone(data, start, end):
                value, type = self.values[index]
                yield Hit(start, end, value, type, name)

    def clean(self, text: str, key: bytes) -> str:
        """`text` with every value it holds replaced by what stands for it, whatever form it has there."""
        data = text.encode("utf-8", "surrogatepass")
        found = sorted(self.hits(data), key=lambda hit: (hit.start, hit.start - hit.end))
        if not found:
            return text
        parts, at = [], 0
        for hit in found:
            if hit.start >= at:
                parts += [data[at : hit.start], self.stand_in(key, hit.type, hit.value).encode()]
            at = max(at, hit.end)
        return b"".join((*parts, data[at:])).decode("utf-8", "surrogatepass")


def stands_alone(data: bytes, start: int, end: int) -> bool:
    """Whether no word goes on before `start` or after `end`; the `n` of an escaped line end is none."""
    if end < len(data) and is_word(data[end - 1]) and is_word(data[end]):
        return False
    if start == 0 or not (is_word(data[start]) and is_word(data[start - 1])):
        return True
    return data[start - 1] in ESCAPES and start > 1 and data[start - 2] == 0x5C


def is_word(byte: int) -> bool:
    """An ASCII letter or digit, or a part of a letter beyond ASCII."""
    return byte >= 0x80 or chr(byte).isalnum()


def clean_value(value: Any, sweep: Sweep, key: bytes) -> Any:
    """Plain JSON with every string, and every key of an object, cleaned. Recursive: rows are shallow."""
    if isinstance(value, str):
        return sweep.clean(value, key)
    if isinstance(value, list):
        return [clean_value(item, sweep, key) for item in value]
    if isinstance(value, dict):
        return {sweep.clean(name, key): clean_value(item, sweep, key) for name, item in value.items()}
    return value
