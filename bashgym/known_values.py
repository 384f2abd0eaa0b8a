"""Values that are known, found again wherever they stand as whole words: logins, hosts, names learnt elsewhere."""

import re
import string
from collections.abc import Iterator, Mapping

FEW = 64  # up to so many values, one substring search each is faster than taking the text apart
LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)
RUN = re.compile(r"[a-z0-9]+")


def lowered(text: str) -> str:
    """Lower case of the same length, so that places in it are places in `text` (`İ`.lower() is two characters)."""
    low = text.lower()
    return low if len(low) == len(text) else text.translate(LOWER)


def present(text: str, values: Mapping[str, str]) -> Iterator[str]:
    """Those of `values` (lower case) that may stand in `text` (lower case): linear, however many there are."""
    if len(values) <= FEW:
        yield from (value for value in values if value in text)
        return
    runs = set(RUN.findall(text))
    yield from (value for value in values if (head := RUN.search(value)) and head[0] in runs and value in text)


def occurrences(text: str, value: str) -> Iterator[tuple[int, int]]:
    """Where `value` stands in `text` (both lower case) and is no part of a longer word."""
    at = text.find(value)
    while at >= 0:
        end = at + len(value)
        if starts_word(text, at) and not (end < len(text) and text[end].isalnum()):
            yield at, end
        at = text.find(value, at + 1)


def starts_word(text: str, at: int) -> bool:
    """Nothing of a word before it; the `n` of an escaped line end (`\\n` in JSON inside a string) is none."""
    if at == 0 or not text[at - 1].isalnum():
        return True
    return at > 1 and text[at - 1] in "nrt" and text[at - 2] == "\\"
