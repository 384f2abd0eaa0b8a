"""Prints of a text: hashes of some of its runs of words, chosen so that two texts with a long run in common share one.

Runs of 5 words (case and punctuation apart) are hashed, and of every 8 runs in a row the smallest hash is kept: the
winnowing of Schleimer, Wilkerson and Aiken (2003). Whatever 12 words stand in both of two texts, in a row, leave the
same print in both; about 2 of 9 runs are kept, 4 bytes each, so that a whole history fits in memory."""

import hashlib
import re
import zlib
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from bashgym.records import Example

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

RUN = 5  # words
WINDOW = 8  # runs
CERTAIN = RUN + WINDOW - 1  # words in a row that are seen wherever they stand
# letters and digits; scripts without spaces word by word would be whole sentences, so each of their signs is one
WORD = re.compile(r"[぀-鿿가-힯]|[^\W_぀-鿿가-힯]+")
FACTORS = (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0x27D4EB2F165667C5, 0x85EBCA77C2B2AE63)


def words(text: str) -> list[str]:
    return WORD.findall(text.lower())


def prints(texts: Iterable[str]) -> bytes:
    """The prints of texts that follow each other: sorted, once each, 4 bytes a print; b"" of no words at all."""
    import numpy as np

    found = [zlib.crc32(word.encode()) for text in texts for word in words(text)]
    if not found:
        return b""
    coded = np.array(found, dtype=np.uint64)
    size = min(RUN, len(coded))
    count = len(coded) - size + 1
    hashes = np.zeros(count, dtype=np.uint64)
    for place in range(size):
        hashes = mixed(hashes + coded[place : place + count] * np.uint64(FACTORS[place]))
    windows = np.lib.stride_tricks.sliding_window_view(hashes, min(WINDOW, count))
    kept = windows.min(axis=1)
    return np.unique((kept & np.uint64(0xFFFFFFFF)).astype("<u4")).tobytes()


def mixed(values: "NDArray[np.uint64]") -> "NDArray[np.uint64]":
    """Every bit of the result depends on every bit of a value (the finalizer of MurmurHash3)."""
    import numpy as np

    values = (values ^ (values >> np.uint64(33))) * np.uint64(0xFF51AFD7ED558CCD)
    values = (values ^ (values >> np.uint64(33))) * np.uint64(0xC4CEB9FE1A85EC53)
    return values ^ (values >> np.uint64(33))


def array(kept: bytes) -> "NDArray[np.uint32]":
    """Prints as an array, sorted, once each."""
    import numpy as np

    return np.frombuffer(kept, dtype="<u4")


def shared(left: "NDArray[np.uint32]", right: "NDArray[np.uint32]") -> int:
    """How many prints two have in common."""
    import numpy as np

    return len(np.intersect1d(left, right, assume_unique=True))


def said(examples: Iterable[Example]) -> Iterator[str]:
    """What people and models wrote in examples: words, and the arguments of calls. What tools answered and the
    client's own words are left out: they are read, never learnt, and are most of a session's bytes."""
    for example in examples:
        for message in example.messages:
            if message["role"] in ("user", "assistant"):
                yield message["content"]
                for call in message.get("tool_calls", ()):
                    yield from strings(call["function"]["arguments"])


def strings(value: Any) -> Iterator[str]:
    """Every text in a value, in order."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for one in value.values():
            yield from strings(one)
    elif isinstance(value, list):
        for one in value:
            yield from strings(one)


def digest(texts: Iterable[str]) -> str:
    """A hash of the texts, spaces at their ends apart: equal where two sessions say and do exactly the same."""
    made = hashlib.blake2b(digest_size=16)
    for text in texts:
        made.update(text.strip().encode("utf-8", "surrogatepass") + b"\0")
    return made.hexdigest()
