r"""A string as its reader sees it, and the way back: without terminal colours, with the escapes of JSON undone.

`\x1b[32mghp_abc\x1b[0mdef` is one token to who reads it and two to a rule; in JSON inside a string, `\nalice@...` is
a new line and no letter n. Rules look at the copy; what they find is replaced in the string itself."""

import re
from bisect import bisect_right
from collections.abc import Iterator
from typing import NamedTuple

from bashgym.pseudonyms import pseudonyms

MASK = "\x1f"
# ESC itself, and ESC as source code and JSON write it; zero-width characters, which hide a value from rules;
# escaped line ends and tabs; backslashes before quotes and slashes.
ZERO_WIDTH = r"[\u00ad\u200b-\u200f\u2060\ufeff]"
PRINTED_NOT = r"(?:\x1b|\\(?:u001[bB]|x1[bB]|033|e))\[[0-9;?]{0,24}[A-Za-z]|" + ZERO_WIDTH
HIDDEN = re.compile(ZERO_WIDTH)
UNPRINTED = re.compile(PRINTED_NOT)
UNSEEN = re.compile(PRINTED_NOT + r"|\\{1,16}(?:(?P<space>[nrt])|(?=[\"'/]))")


class Copy(NamedTuple):
    """`text` to look at; `cuts` are (position in text, characters left out before it), in order."""

    text: str
    cuts: tuple[tuple[int, int], ...] = ()

    def back(self, start: int, end: int) -> tuple[int, int]:
        """The range of the original that a range of the copy stands for."""
        return self.place(start), self.place(end - 1) + 1

    def place(self, position: int) -> int:
        at = bisect_right(self.cuts, position, key=first) - 1
        return position + (self.cuts[at][1] if at >= 0 else 0)


def first(cut: tuple[int, int]) -> int:
    return cut[0]


def copy_of(text: str, escapes: bool = True) -> Copy:
    """The copy that rules look at; nearly always the text itself. Pseudonyms are masked, character by character.

    With `escapes` off, backslashes stay: `C:\\new` is a path."""
    text = "".join(masked(text)) if "_" in text else text
    if "\\" not in text and "\x1b" not in text and (text.isascii() or not HIDDEN.search(text)):
        return Copy(text)
    parts: list[str] = []
    cuts: list[tuple[int, int]] = []
    at = kept = 0
    for match in (UNSEEN if escapes else UNPRINTED).finditer(text):
        parts.append(text[at : match.start()])
        kept += match.start() - at
        if escapes and match["space"]:
            parts.append("\t" if match["space"] == "t" else "\n")
            kept += 1
        at = match.end()
        cuts.append((kept, at - kept))
    return Copy("".join((*parts, text[at:])), tuple(cuts)) if cuts else Copy(text)


def masked(text: str) -> Iterator[str]:
    """`text` with pseudonyms made of characters that no rule and no model knows: nothing is found in them again."""
    at = 0
    for start, end in pseudonyms(text):
        yield text[at:start]
        yield MASK * (end - start)
        at = end
    yield text[at:]
