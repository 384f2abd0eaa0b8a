"""Rules that run in linear time over a batch of strings: kingfisher's own and ours (YAML), in one Vectorscan pass.

No text, however hostile, makes them slow; that is why sanitizers use them and not backtracking expressions."""

import hashlib
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate
from pathlib import Path
from typing import Any, NamedTuple

from bashgym.errors import PrivacyError
from bashgym.paths import compiled_rules

# Control characters: no rule of a secret matches across them, and newlines end what is bound to a line.
SEPARATOR = "\n\x1f\x1f\x1f\n"
PIECE = 6 * 1024  # characters: a match costs the more the longer the text it is in, a call some ten microseconds
OURS = "bashgym."  # how the names of our own rules begin
CONTINUATION = bytes(range(0x80, 0xC0))  # bytes of UTF-8 that begin no character
WINDOW = 64 * 1024  # bytes scanned in one go: some rules take time that grows with the square of a match
OVERLAP = 4 * 1024  # more than the longest value of a rule
# Of kingfisher's rules one, for manifests of Kubernetes, is bound to file names, which we have none of: it never finds
# anything here, but takes 10 ms a manifest. This keeps it from beginning.
UNKIND = (b"kind:", b"kind;")


class Match(NamedTuple):
    """Characters [start, end) of string number `string`."""

    string: int
    start: int
    end: int
    rule: str


class RuleScanner:
    """Compiled rules; compiling takes seconds and is cached, so build one per process.

    `files` are YAML in kingfisher's format; the first group of a pattern, or all of it, is the value.
    Raises PrivacyError when the engine is not installed, refuses a rule, or has fewer than `least` rules in all."""

    def __init__(self, *files: Path, builtins: bool, least: int = 0) -> None:
        try:
            import kingfisher_sdk
        except ImportError as error:
            raise PrivacyError(
                "the sanitizers need kingfisher; install it with: pip install kingfisher-secret-scanner"
            ) from error
        try:
            rules = kingfisher_sdk.Rules(files, builtins=builtins, confidence="low", cache_dir=compiled_rules())
        except Exception as error:
            names = ", ".join(file.name for file in files)
            raise PrivacyError(f"rules {names}: {error}") from error
        if len(rules) < least:
            raise PrivacyError(
                f"kingfisher {kingfisher_sdk.__version__} brings {len(rules)} rules where the recipe wants {least}; "
                "install a newer one: pip install -U kingfisher-secret-scanner"
            )
        # no Base64: it costs milliseconds a value, and sanitizer.secrets looks into it by itself
        self.scanner: Any = kingfisher_sdk.Scanner(rules, base64=False, dedup=False)
        self.version = f"kingfisher {kingfisher_sdk.__version__}{' builtins' if builtins else ''}"
        self.digest = digest(files)

    def engine(self) -> str:
        return f"{self.version} rules {self.digest}"

    def find(self, strings: Sequence[str]) -> Iterator[Match]:
        """All matches in `strings`; one that crosses strings is none, it cannot mean to."""
        for first, last in pieces(strings):
            for index, start, end, rule in self.joined(strings[first:last]):
                yield Match(first + index, start, end, rule)

    def joined(self, strings: Sequence[str]) -> Iterator[Match]:
        """The matches in a few strings, scanned as one."""
        text = SEPARATOR.join(strings)
        # a lone surrogate becomes one `?`: offsets stay; many NULs would be taken for UTF-16, which shifts them
        data = text.encode("utf-8", "replace").replace(b"\0", b"\1")
        places = self.places(data)
        if not places:
            return
        to_char = char_offsets(data, sorted({offset for place in places for offset in place[:2]}), len(text))
        gap = len(SEPARATOR)
        starts = list(accumulate([length + gap for length in map(len, strings[:-1])], initial=0))
        for first, last, rule in places:
            for index, start, end in locate(to_char[first], to_char[last], starts, strings):
                yield Match(index, start, end, rule)

    def places(self, data: bytes) -> list[tuple[int, int, str]]:
        """Bytes [start, end) and the rule of each match, window by window; what two windows show is told once."""
        found: dict[tuple[int, int, str], None] = {}
        for offset, end in windows(data):
            for each in self.scanner.scan(data[offset:end].replace(*UNKIND)):
                place = each.location
                found[offset + place["start_offset"], offset + place["end_offset"], each.rule_id] = None
        # whatever order the engine has: of equal spans the first names the type, and who knows a provider knows it best
        return sorted(found, key=lambda place: (place[2].startswith(OURS), place))


def pieces(strings: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Ranges of strings to scan together, PIECE characters or one string."""
    first = size = 0
    for index, length in enumerate(map(len, strings)):
        if size and size + length > PIECE:
            yield first, index
            first, size = index, 0
        size += length
    if first < len(strings):
        yield first, len(strings)


def windows(data: bytes) -> Iterator[tuple[int, int]]:
    """Where to cut `data`: at blanks or line ends where there are some, never inside a character."""
    start = 0
    while len(data) - start > 2 * WINDOW:
        end = cut(data, start + WINDOW)
        yield start, end
        start = cut(data, end - OVERLAP)
    yield start, len(data)


def cut(data: bytes, at: int) -> int:
    """A place to cut at, up to 512 bytes before `at`."""
    blank = max(data.rfind(b"\n", at - 512, at), data.rfind(b" ", at - 512, at))
    if blank >= 0:
        return blank
    while data[at] & 0xC0 == 0x80:
        at -= 1
    return at


def digest(files: Sequence[Path]) -> str:
    """Of the files' bytes, in order: what was searched for, as part of a cache key."""
    together = hashlib.sha256()
    for file in files:
        together.update(hashlib.sha256(file.read_bytes()).digest())
    return together.hexdigest()[:16]


def char_offsets(data: bytes, offsets: Sequence[int], length: int) -> dict[int, int]:
    """Byte offsets (sorted) of UTF-8 `data`, which is `length` characters, as character offsets.

    Rules see bytes, so an offset may lie inside a character: that one is then counted as before it."""
    if len(data) == length:
        return {offset: offset for offset in offsets}
    chars: dict[int, int] = {}
    at = count = 0
    for offset in offsets:
        count += len(data[at:offset].translate(None, CONTINUATION))
        at = offset
        chars[offset] = count
    return chars


def locate(start: int, end: int, starts: Sequence[int], strings: Sequence[str]) -> Iterator[tuple[int, int, int]]:
    """The part of [start, end) of the joined text in the string it lies in: index, start and end within it.

    None where it lies in several: one string's beginning of a key and another's end make no key."""
    index = bisect_right(starts, start) - 1
    first, last = start - starts[index], end - starts[index]
    length = len(strings[index])
    if last <= length + len(SEPARATOR) and first < min(last, length):
        yield index, first, min(last, length)
