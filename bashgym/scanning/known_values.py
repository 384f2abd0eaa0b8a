"""Values that are known, found again wherever they stand as whole words: logins, hosts, names, secrets."""

import re
import string
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any

from bashgym.errors import PrivacyError
from bashgym.pseudonyms import pseudonyms
from bashgym.scanning.improbable import cost

FEW = 16  # up to so many values, one substring search each is faster than an automaton
HALVES = re.compile("[\ud800-\udfff]")
LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)
SHORTEST = 5  # characters; what is shorter means something in its own place only
LONG = 8  # characters from which on a value need not look random
NATURAL = 5.0  # bits a character up to which it may be a word
ESCAPES = "nrt"  # letters that are none: `\\n` in JSON inside a string


def lowered(text: str) -> str:
    """Lower case of the same length, so that places in it are places in `text` (`İ`.lower() is two characters)."""
    low = text.lower()
    return low if len(low) == len(text) else text.translate(LOWER)


def printable(text: str) -> str:
    """Text of the same length that can be UTF-8: half of a character that takes two in UTF-16 cannot."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return HALVES.sub("?", text)
    return text


def why_not(value: str) -> str:
    """Why a value that was removed in one place is not looked for in all others; empty where it is."""
    text = value.strip()
    if any(True for _ in pseudonyms(text)):
        return "holds a pseudonym"
    word = text.isascii() and text.isalpha()
    if len(text) >= LONG and not word:  # nearly all: what its letters cost need not be known
        return ""
    natural = cost(text) <= NATURAL
    if len(text) < (LONG if natural else SHORTEST):
        return f"shorter than {LONG} characters"
    return "a plain word" if natural and word else ""


class KnownValues:
    """Values with their types, ready to be found in any text in linear time, however many there are."""

    def __init__(self, types: Mapping[str, str]) -> None:
        self.types = {value: type for value, type in types.items() if value}

    @cached_property
    def automaton(self) -> Any:
        try:
            import ahocorasick_rs
        except ImportError as error:
            raise PrivacyError("the sanitizers need ahocorasick-rs; install it: pip install ahocorasick-rs") from error
        # the default searches faster, but takes longer to build than a session takes to be searched
        quick = ahocorasick_rs.Implementation.ContiguousNFA
        return ahocorasick_rs.AhoCorasick([printable(value) for value in self.types], implementation=quick)

    def find(self, text: str) -> Iterator[tuple[int, int, str]]:
        """Where values stand in `text` as whole words: start, end and the value."""
        if len(self.types) <= FEW:
            for value in self.types:
                yield from ((start, end, value) for start, end in occurrences(text, value))
            return
        values = list(self.types)
        for number, start, end in self.automaton.find_matches_as_indexes(printable(text), overlapping=True):
            if whole(text, start, values[number]):
                yield start, end, values[number]


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
