r"""A string as its reader sees it, and the way back: without colours, with the escapes of JSON and URLs undone.

`\x1b[32mghp_abc\x1b[0mdef` is one token to who reads it and two to a rule; in JSON inside a string, `\nalice@...` is
a new line and no letter n; `%2Fhome%2Fdana` is a path. Rules look at the copy; what they find is replaced in the
string itself."""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from functools import cached_property
from itertools import accumulate
from typing import NamedTuple

from bashgym.kinds import ScanContext
from bashgym.pseudonyms import PSEUDONYM, pseudonyms

MASK = ","  # what hardly any value of a rule may begin with or hold
ZERO_WIDTH = "\0\u00ad\u200b\u200c\u200d\u200e\u200f\u2060\ufeff"  # they hide a value from rules
# What is left out or undone, told by its first character, which is what makes the search fast: ESC and its code;
# backslashes and what they escape, ESC and printable letters by number included; printable letters of URLs. A run
# of backslashes is looked at once, however long.
UNSEEN = re.compile(
    rf"[\x1b\\%{ZERO_WIDTH}](?:"
    r"(?<=\x1b)\[[0-9;?]{0,24}[A-Za-z]"
    r"|(?<=%)(?P<percent>[2-7][0-9A-Fa-f])"
    r"|(?<=\\)(?<!\\\\)\\{0,62}+(?:(?:u001[bB]|x1[bB]|033|e)\[[0-9;?]{0,24}[A-Za-z]"
    r"|(?:u00|x)(?P<code>[2-7][0-9A-Fa-f])|(?P<space>[nrt])|(?P<mark>(?=[\"'/])))"
    r"|(?<=\0)(?P<next>(?=[A-Za-z_]\w{0,60}=))"  # the next variable of /proc/1/environ
    rf"|(?<=[{ZERO_WIDTH}])[{ZERO_WIDTH}]*+"
    r"|(?P<idle>(?<=\\)\\*+))"
)


class Joined:
    """Strings one after the other, so far apart that nothing spans two, and the way back."""

    GAP = "\n" * 8

    def __init__(self, strings: Sequence[str]) -> None:
        self.text = self.GAP.join(strings)
        gap = len(self.GAP)
        self.starts = list(accumulate([length + gap for length in map(len, strings)], initial=0))

    def place(self, position: int) -> tuple[int, int]:
        """The string a position lies in, and where that one begins."""
        index = bisect_right(self.starts, position) - 1
        return index, self.starts[index]

    @cached_property
    def codes(self) -> bytes:
        """One byte a character; those beyond Latin-1 are all alike."""
        return self.text.encode("latin-1", "replace")


class Copy(NamedTuple):
    """`text` to look at. Where it is not the original letter by letter: `ends` are the places in it, in order, before
    which something was left out or undone, `shifts` how many characters the original is ahead from there on, `letters`
    whether the last letter before it stands for several."""

    text: str
    ends: Sequence[int] = ()
    shifts: Sequence[int] = ()
    letters: Sequence[bool] = ()

    def back(self, start: int, end: int) -> tuple[int, int]:
        """The range of the original that a range of the copy stands for."""
        if not self.ends:
            return start, end
        at = bisect_left(self.ends, end)
        whole = at < len(self.ends) and self.ends[at] == end and self.letters[at]
        return self.place(start), end + self.shifts[at] if whole else self.place(end - 1) + 1

    def place(self, position: int) -> int:
        at = bisect_right(self.ends, position) - 1
        return position + (self.shifts[at] if at >= 0 else 0)


def copies(strings: Sequence[str], context: ScanContext, escapes: bool = True) -> list[Copy]:
    """The copies of a batch, made once for all sanitizers."""
    name = f"copies {escapes}"
    of, made = context.shared.get(name, (None, []))
    if of is not strings:
        if escapes:
            made = [copy_of(text) for text in strings]
        else:  # they differ in backslashes only
            pairs = zip(strings, copies(strings, context), strict=True)
            made = [copy_of(text, False) if "\\" in text else copy for text, copy in pairs]
        context.shared[name] = strings, made
    return made


def copy_of(text: str, escapes: bool = True) -> Copy:
    """The copy that rules look at; nearly always the text itself. Pseudonyms are masked, character by character.

    With `escapes` off, backslashes before letters and marks stay: `C:\\new` is a path."""
    text = masked(text)
    if "\\" in text or "%" in text or "\x1b" in text or "\0" in text:
        return undone(text, escapes)
    hidden = not text.isascii() and any(mark in text for mark in ZERO_WIDTH)
    return undone(text, escapes) if hidden else Copy(text)


def undone(text: str, escapes: bool) -> Copy:
    parts: list[str] = []
    ends: list[int] = []
    shifts: list[int] = []
    letters: list[bool] = []
    at = kept = 0
    for match in UNSEEN.finditer(text):
        space, code = match["space"], match["percent"] or match["code"]
        if match["idle"] is not None or (not escapes and (space or match["mark"] is not None)):
            continue
        start, end = match.span()
        parts.append(text[at:start])
        kept += start - at
        if space or code or match["next"] is not None:
            parts.append(chr(int(code, 16)) if code else "\t" if space == "t" else "\n")
            kept += 1
        at = end
        ends.append(kept)
        shifts.append(end - kept)
        letters.append(bool(space or code))
    return Copy("".join((*parts, text[at:])), ends, shifts, letters) if ends else Copy(text)


def masked(text: str) -> str:
    """`text` with pseudonyms made of a character that values do not have: nothing is found in them again."""
    if "_" not in text or not PSEUDONYM.search(text):
        return text
    parts: list[str] = []
    at = 0
    for start, end in pseudonyms(text):
        parts += (text[at:start], MASK * (end - start))
        at = end
    return "".join((*parts, text[at:]))
