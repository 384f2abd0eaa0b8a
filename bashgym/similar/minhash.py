"""Pairs of sessions that may be near duplicates, found without comparing each with each.

One-permutation MinHash (Li, Owen and Zhang, 2012) of the prints: 128 bins, the smallest value of each, in 32 bands of
4. Two sets that share a share s of their union meet in a band with probability 1 - (1 - s^4)^32: .99 at s = .6,
.06 at s = .2. It only proposes; `likeness` over the prints themselves decides, so no chance is left in the result."""

from collections import defaultdict
from collections.abc import Iterator, Sequence

from bashgym.similar.prints import array, mixed, shared

BINS, BANDS = 128, 32
EMPTY = 0xFFFFFFFF


def sketch(kept: bytes) -> list[bytes]:
    """The bands of one session's prints; those without any value are left out by their number."""
    import numpy as np

    hashes = mixed(array(kept).astype(np.uint64))
    bins = np.full(BINS, EMPTY, dtype=np.uint32)
    places = (hashes >> np.uint64(57)).astype(np.int64)  # the 7 highest bits
    np.minimum.at(bins, places, (hashes & np.uint64(0x7FFFFFFF)).astype(np.uint32))
    bands = bins.reshape(BANDS, -1)
    return [bytes([number]) + band.tobytes() for number, band in enumerate(bands) if (band != EMPTY).any()]


def likeness(left: bytes, right: bytes) -> float:
    """What two sets of prints share of all they have together: 0 to 1 (Jaccard's index)."""
    one, other = array(left), array(right)
    both = shared(one, other)
    return both / (len(one) + len(other) - both) if both else 0.0


class Index:
    """Prints seen so far, each under the number it was added with."""

    def __init__(self) -> None:
        self.buckets: dict[bytes, list[int]] = defaultdict(list)
        self.prints: list[bytes] = []

    def add(self, kept: bytes) -> int:
        number = len(self.prints)
        self.prints.append(kept)
        for band in sketch(kept):
            self.buckets[band].append(number)
        return number

    def like(self, kept: bytes, at_least: float) -> Iterator[tuple[int, float]]:
        """(number, likeness) of those that are `at_least` so like, in the order they were added."""
        near = {number for band in sketch(kept) for number in self.buckets.get(band, ())}
        for number in sorted(near):
            found = likeness(kept, self.prints[number])
            if found >= at_least:
                yield number, found


def near_pairs(all_prints: Sequence[bytes], at_least: float) -> Iterator[tuple[int, int, float]]:
    """(earlier, later, likeness) of every pair that is `at_least` so like."""
    index = Index()
    for number, kept in enumerate(all_prints):
        yield from ((earlier, number, found) for earlier, found in index.like(kept, at_least))
        index.add(kept)
