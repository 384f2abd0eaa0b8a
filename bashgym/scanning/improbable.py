"""How unlike code and prose a token is: bits per character under a trigram model.

Words, identifiers and paths cost 2 to 4 bits a character, random letters and digits 8 to 14, and hardly anything
lies between: a better judge of tokens of unknown providers than Shannon entropy, which knows no words. The table is
made by scripts/build_trigrams.py. Digits are one class, so numbers and hexadecimal say nothing either way."""

import hashlib
import string
import zlib
from collections.abc import Iterator
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from bashgym.errors import PrivacyError
from bashgym.scanning.text import Joined

if TYPE_CHECKING:
    import numpy as np

TABLE = Path(__file__).parent / "tables" / "trigrams.bin"
CLASSES = 60  # 0 all else, 1-26 small, 27-52 capital, 53 digits, 54-59 SYMBOLS
SYMBOLS = "_-./+="
SHORT = 128  # characters of a text for which an array does not pay
SCALE = 4  # steps of the table per bit
WHOLE = frozenset(string.ascii_letters + string.digits + "_-+/~")
PIECE = frozenset(string.ascii_letters + string.digits + "_-~")


class Token(NamedTuple):
    """Characters [start, end) of the text and what they cost, in bits per character."""

    start: int
    end: int
    bits: float


@cache
def table() -> "np.ndarray":
    """Bits times SCALE of each three classes in a row; raises PrivacyError when numpy or the table is missing."""
    try:
        import numpy as np

        return np.frombuffer(zlib.decompress(TABLE.read_bytes()), np.uint8)
    except (ImportError, OSError, zlib.error) as error:
        raise PrivacyError(f"{TABLE.name} cannot be read ({error}); install bashgym anew") from error


@cache
def costs() -> bytes:
    """The same for looking up single ones, where an array is slow."""
    return bytes(table())


@cache
def digest() -> str:
    return hashlib.sha256(TABLE.read_bytes()).hexdigest()[:16]


def classes() -> bytes:
    """Class by byte."""
    by_byte = bytearray(256)
    for first, letters in ((1, string.ascii_lowercase), (27, string.ascii_uppercase), (54, SYMBOLS)):
        for offset, letter in enumerate(letters):
            by_byte[ord(letter)] = first + offset
    for digit in string.digits:
        by_byte[ord(digit)] = 53
    return bytes(by_byte)


CLASS = classes()


@cache
def members(letters: frozenset[str]) -> bytes:
    """For bytes.translate, which is many times faster than an array as an index: 1 for the letters, 0 for others."""
    return bytes(chr(code) in letters for code in range(256))


def runs(codes: bytes, letters: frozenset[str], shortest: int = 1) -> tuple["np.ndarray", "np.ndarray"]:
    """Starts and ends of the runs of at least `shortest` of the letters."""
    import numpy as np

    inside = np.frombuffer(b"\0" + codes.translate(members(letters)) + b"\0", bool)
    edges = np.flatnonzero(inside[1:] != inside[:-1])
    starts, ends = edges[::2], edges[1::2]
    if shortest == 1:
        return starts, ends
    long = ends - starts >= shortest
    return starts[long], ends[long]


def tokens(codes: bytes, shortest: int, bits: float) -> Iterator[Token]:
    """Runs of at least `shortest` characters that cost more than `bits` each: whole ones (`a/b+c`), or pieces of them.

    `codes` is one byte a character. A whole run is a token as Base64 writes it; a random piece of a path or of a URL
    is found as a piece. Only what lies in long runs is looked at, a tenth of most texts."""
    import numpy as np

    kinds = np.frombuffer(b"\0\0" + codes.translate(CLASS) + b"\0", np.uint8)
    price, codes = table(), codes + b"\n"
    starts, ends = runs(codes, WHOLE, shortest)
    if not len(starts):
        return
    sizes = ends - starts + 1  # with the character after each run, which keeps the runs apart
    first = np.cumsum(sizes) - sizes  # of each run among the characters of all
    places = np.arange(int(sizes.sum())) + np.repeat(starts - first, sizes)
    index = (kinds[places].astype(np.int32) * CLASSES + kinds[places + 1]) * CLASSES + kinds[places + 2]
    # each character's cost comes after its two predecessors in the text
    sums = np.concatenate(([0], np.cumsum(price[index], dtype=np.int64)))
    chosen = b"".join([codes[start : end + 1] for start, end in zip(starts.tolist(), ends.tolist(), strict=True)])
    told: set[tuple[int, int]] = set()
    for letters in (WHOLE, PIECE):
        starts, ends = runs(chosen, letters, shortest)
        mean = (sums[ends] - sums[starts]) / (ends - starts) / SCALE
        high = mean > bits
        found = zip(places[starts[high]].tolist(), (ends - starts)[high].tolist(), mean[high].tolist(), strict=True)
        for begin, size, cost_of in found:
            if (begin, size) not in told:  # a whole run that is one piece
                told.add((begin, size))
                yield Token(begin, begin + size, cost_of)


def cost(text: str) -> float:
    """Bits per character of one short text, standing alone."""
    return short_cost(text) if len(text) <= SHORT else long_cost(text)


@lru_cache(16384)  # several rules ask for the same value
def short_cost(text: str) -> float:
    kinds = b"\0\0" + text.encode("latin-1", "replace").translate(CLASS)
    price = costs()
    total = sum([price[(a * CLASSES + b) * CLASSES + c] for a, b, c in zip(kinds, kinds[1:], kinds[2:], strict=False)])
    return total / SCALE / max(1, len(text))


def long_cost(text: str) -> float:
    import numpy as np

    kinds = np.frombuffer(b"\0\0" + text.encode("latin-1", "replace").translate(CLASS), np.uint8).astype(np.int32)
    total = table()[(kinds[:-2] * CLASSES + kinds[1:-1]) * CLASSES + kinds[2:]].sum(dtype=np.int64)
    return float(total) / SCALE / len(text)


def all_tokens(texts: Joined, shortest: int, bits: float) -> Iterator[tuple[int, Token]]:
    """`tokens` of each text, with its number; all of them in one go."""
    for token in tokens(texts.codes, shortest, bits):
        index, start = texts.place(token.start)
        yield index, Token(token.start - start, token.end - start, token.bits)
