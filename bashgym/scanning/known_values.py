"""Values that are known, found again wherever they stand as whole words: logins, hosts, names learnt elsewhere."""

import re
import string
from collections.abc import Iterator, Mapping

FEW = 64  # up to so many values, one substring search each is faster than taking the text apart
LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)
RUN = re.compile(r"[a-z0-9]+")
ESCAPES = "nrt"  # letters that are none: `\\n` in JSON inside a string


def lowered(text: str) -> str:
    """Lower case of the same length, so that places in it are places in `text` (`İ`.lower() is two characters)."""
    low = text.lower()
    return low if len(low) == len(text) else text.translate(LOWER)


class KnownValues:
    """Values (lower case) with their types, ready to be found in any text in linear time, however many there are."""

    def __init__(self, types: Mapping[str, str]) -> None:
        self.types = dict(types)
        self.by_run: dict[str, list[tuple[str, int]]] = {}  # first run of letters and digits -> value, its place there
        for value in self.types:
            if run := RUN.search(value):
                self.by_run.setdefault(run[0], []).append((value, run.start()))

    def find(self, text: str) -> Iterator[tuple[int, int, str]]:
        """Where values stand in `text` (lower case) as whole words: start, end and the value."""
        if len(self.types) <= FEW:
            for value in self.types:
                yield from ((start, end, value) for start, end in occurrences(text, value))
            return
        for run in RUN.finditer(text):
            escaped = run.start() and text[run.start() - 1] == "\\" and run[0][0] in ESCAPES
            for word, at in ((run[0], run.start()), *([(run[0][1:], run.start() + 1)] if escaped else [])):
                for value, offset in self.by_run.get(word, ()):
                    if at >= offset and text.startswith(value, at - offset) and whole(text, at - offset, value):
                        yield at - offset, at - offset + len(value), value


def occurrences(text: str, value: str) -> Iterator[tuple[int, int]]:
    """Where `value` stands in `text` and is no part of a longer word."""
    at = text.find(value)
    while at >= 0:
        if whole(text, at, value):
            yield at, at + len(value)
        at = text.find(value, at + 1)


def whole(text: str, at: int, value: str) -> bool:
    end = at + len(value)
    return starts_word(text, at) and not (end < len(text) and text[end].isalnum())


def starts_word(text: str, at: int) -> bool:
    """Nothing of a word before it; the `n` of an escaped line end is none."""
    if at == 0 or not text[at - 1].isalnum():
        return True
    return at > 1 and text[at - 1] in ESCAPES and text[at - 2] == "\\"
