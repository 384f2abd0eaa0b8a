"""How unlike code and prose a token is: bits per character under a trigram model.

Words, identifiers and paths cost 2 to 4 bits a character, random letters and digits 8 to 14, and hardly anything
lies between: a better judge of tokens of unknown providers than Shannon entropy, which knows no words. The table is
made by scripts/build_trigrams.py. Digits are one class, so numbers and hexadecimal say nothing either way."""

import hashlib
import string
import zlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from bashgym.errors import PrivacyError
from bashgym.scanning.text import Joined

if TYPE_CHECKING:
    import numpy as np

TABLE = Path(__file__).parent / "tables" / "trigrams.bin"
CLASSES = 60  # 0 all else, 1-26 small, 27-52 capital, 53 digits, 54-59 SYMBOLS
SYMBOLS = "_-./+="
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
def digest() -> str:
    return hashlib.sha256(TABLE.read_bytes()).hexdigest()[:16]


@cache
def class_of_bytes() -> "np.ndarray":
    import numpy as np

    classes = np.zeros(256, np.uint8)
    for first, letters in ((1, string.ascii_lowercase), (27, string.ascii_uppercase), (54, SYMBOLS)):
        for offset, letter in enumerate(letters):
            classes[ord(letter)] = first + offset
    for digit in string.digits:
        classes[ord(digit)] = 53
    return classes


@cache
def members(letters: frozenset[str]) -> "np.ndarray":
    import numpy as np

    inside = np.zeros(256, bool)
    inside[[ord(letter) for letter in letters]] = True
    return inside


def tokens(data: "np.ndarray", shortest: int, bits: float) -> Iterator[Token]:
    """Runs of at least `shortest` characters that cost more than `bits` each: whole ones (`a/b+c`), or pieces of them.

    `data` is one byte a character. A whole run is a token as Base64 writes it; a random piece of a path or of a URL
    is found as a piece."""
    import numpy as np

    if len(data) < shortest:
        return
    classes = np.concatenate(([0, 0], class_of_bytes()[data], [0])).astype(np.int32)
    costs = table()[(classes[:-2] * CLASSES + classes[1:-1]) * CLASSES + classes[2:]]
    # costs[i] is the cost of character i after its two predecessors; the last one is that of the end
    sums = np.concatenate(([0], np.cumsum(costs, dtype=np.int64)))
    for letters in (WHOLE, PIECE):
        edges = np.flatnonzero(np.diff(np.concatenate(([False], members(letters)[data], [False]))))
        starts, ends = edges[::2], edges[1::2]
        long = ends - starts >= shortest
        starts, ends = starts[long], ends[long]
        mean = (sums[ends] - sums[starts]) / (ends - starts) / SCALE
        for at in np.flatnonzero(mean > bits):
            yield Token(int(starts[at]), int(ends[at]), float(mean[at]))


def cost(text: str) -> float:
    """Bits per character of one short text, standing alone."""
    classes = [0, 0, *class_of_bytes()[list(text.encode("latin-1", "replace"))].tolist()]
    steps = zip(classes, classes[1:], classes[2:], strict=False)
    total = sum(int(table()[(a * CLASSES + b) * CLASSES + c]) for a, b, c in steps)
    return total / SCALE / max(1, len(text))


def all_tokens(texts: Joined, shortest: int, bits: float) -> Iterator[tuple[int, Token]]:
    """`tokens` of each text, with its number; all of them in one go."""
    for token in tokens(texts.codes, shortest, bits):
        index, start = texts.place(token.start)
        yield index, Token(token.start - start, token.end - start, token.bits)
