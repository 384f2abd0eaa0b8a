"""Seed phrases of wallets: runs of words of BIP-39's list, however they are numbered, quoted or set apart."""

import re
import string
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from bashgym.scanning.improbable import members, runs
from bashgym.scanning.text import Joined

if TYPE_CHECKING:
    import numpy as np

LETTERS = re.compile(r"[A-Za-z]+")
WORDS = Path(__file__).parent / "tables" / "bip39_english.txt"  # the word list of BIP-39 (MIT), part of the standard
SEED_GAP = 6  # characters between two words of a seed phrase: a number, a comma, quotes
ASCII_LETTERS = frozenset(string.ascii_letters)
SEED_MARKS = frozenset(" \n\r\t,.:;'\"0123456789-|")
SEED_LENGTH = 12  # words; BIP-39 knows 12, 15, 18, 21 and 24


@cache
def seed_words() -> frozenset[str]:
    return frozenset(WORDS.read_text().split())


def seed_phrases(texts: Joined) -> Iterator[tuple[int, int, int]]:
    """Runs of BIP-39 words that are long enough: number of the text, start and end in it."""
    for first, last in word_runs(texts.codes):
        run: list[tuple[int, int]] = []
        for word in LETTERS.finditer(texts.text, first, last):
            if word[0].lower() in seed_words():
                run.append(word.span())
                continue
            if len(run) >= SEED_LENGTH:
                break
            run = []
        if len(run) >= SEED_LENGTH and phrase([texts.text[start:end] for start, end in run]):
            index, start = texts.place(run[0][0])
            yield index, run[0][0] - start, run[-1][1] - start


def phrase(words: list[str]) -> bool:
    """Drawn by chance: hardly a word twice, and not the word list itself."""
    low = [word.lower() for word in words]
    return 4 * len(set(low)) >= 3 * len(low) and low != sorted(low)


def word_runs(codes: bytes) -> Iterator[tuple[int, int]]:
    """Where at least SEED_LENGTH words of three to eight letters follow each other; prose hardly ever does that."""
    import numpy as np

    starts, ends = runs(codes, ASCII_LETTERS)
    if len(starts) < SEED_LENGTH:
        return
    sizes = ends - starts
    odd = (sizes < 3) | (sizes > 8)
    apart = (starts[1:] - ends[:-1] > SEED_GAP) | odd[1:] | odd[:-1]
    if longest(apart) < SEED_LENGTH:
        return
    marks = np.frombuffer(codes.translate(members(ASCII_LETTERS | SEED_MARKS)), bool)
    strange = np.concatenate(([0], np.cumsum(~marks, dtype=np.int32)))
    apart |= strange[starts[1:]] > strange[ends[:-1]]
    firsts = np.flatnonzero(np.concatenate(([True], apart)))
    lengths = np.diff(np.concatenate((firsts, [len(starts)])))
    for at in np.flatnonzero(lengths >= SEED_LENGTH):
        first = int(firsts[at])
        yield int(starts[first]), int(ends[first + int(lengths[at]) - 1])


def longest(apart: "np.ndarray") -> int:
    """Words in the longest row, where `apart` says whether a word and the next are of two rows."""
    import numpy as np

    return int(np.diff(np.flatnonzero(np.concatenate(([True], apart, [True])))).max())
