"""All that presidio can recognize by rules, as presidio does it: identity cards, tax numbers, plates of 17 countries.

sanitizer.pii covers what sessions usually hold, at many times the speed; this is for those who need more kinds and
have time (some MB a second for one country, less for all). Recognizers that need a language model are sanitizer.ner's.
Presidio raises scores where a word nearby says what a number is; without a language model it cannot: done here."""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from pydantic import Field

from bashgym.config import Config as BaseConfig
from bashgym.errors import PrivacyError
from bashgym.kinds import ScanContext
from bashgym.records import Span
from bashgym.scanning import presidio
from bashgym.scanning.text import copies

WINDOW = 2000  # characters looked at together: its expressions backtrack, and this keeps them linear in the whole
OVERLAP = 200
CONTEXT = 64  # characters before a value in which a word may say what it is
NAMED = 0.4  # the least score of what a word nearby speaks for, as in presidio's own enhancer
NOT_TYPE = re.compile(r"[^A-Z0-9]+")


class Sanitizer:
    """Runs the recognizers one by one; `Config` says which and how sure they have to be."""

    class Config(BaseConfig):
        entities: list[str] = Field(default=[])
        """Kinds to look for, by presidio's names (US_SSN, DE_TAX_ID); empty: all that the countries have."""
        skip: list[str] = Field(default=["URL", "DATE_TIME", "UUID"])
        """Kinds that stay: dates, URLs and ids are most of what code consists of."""
        countries: list[str] = Field(default=["us"])
        """Countries whose numbers are looked for besides what is international; `all` for all."""
        score: float = Field(default=0.4, gt=0, le=1)
        """How sure a recognizer has to be."""
        context: float = Field(default=0.35, ge=0, le=1)
        """What a word nearby (`passport`, `tax`) adds to the score, which is then at least 0.4; 0: nothing."""

    def __init__(self, config: Config) -> None:
        self.config = config
        found = [each for _, each in presidio.recognizers(config.countries)]
        known = {name for each in found for name in each.supported_entities}
        if missing := [name for name in config.entities if name not in known]:
            countries = ", ".join(config.countries) or "none"
            raise PrivacyError(f"sanitizer.presidio.entities: {missing[0]} is none of countries {countries}")
        self.wanted = (set(config.entities) or known) - set(config.skip)
        self.recognizers = [(each, words(each)) for each in found if self.wanted & set(each.supported_entities)]

    def engine(self) -> str:
        return f"{presidio.versions()} kinds {' '.join(sorted(self.wanted))}"

    def find(self, strings: Sequence[str], context: ScanContext) -> Iterable[Span]:
        keys = context.keys or [""] * len(strings)
        for index, (copy, key) in enumerate(zip(copies(strings, context), keys, strict=True)):
            head = f"{key}: " if key else ""
            for start, end, type in self.look(head + copy.text):
                if start >= len(head):
                    first, last = copy.back(start - len(head), end - len(head))
                    yield Span(index=index, start=first, end=last, type=type, rule=type.lower())

    def look(self, text: str) -> Iterator[tuple[int, int, str]]:
        """Start, end and type of what the recognizers are sure of."""
        for at, window in windows(text):
            for recognizer, said in self.recognizers:
                for each in recognizer.analyze(window, recognizer.supported_entities, None):
                    if each.entity_type in self.wanted and self.sure(each, said, window):
                        yield at + each.start, at + each.end, NOT_TYPE.sub("_", each.entity_type.upper())

    def sure(self, found: Any, said: re.Pattern[str] | None, window: str) -> bool:
        before = window[max(0, found.start - CONTEXT) : found.start]
        named = said and self.config.context and said.search(before)
        return (max(found.score + self.config.context, NAMED) if named else found.score) >= self.config.score


def words(recognizer: Any) -> re.Pattern[str] | None:
    """The words that say what a number of this recognizer is."""
    context = [re.escape(word) for word in recognizer.context or []]
    return re.compile(rf"\b(?:{'|'.join(context)})", re.IGNORECASE) if context else None


def windows(text: str) -> Iterator[tuple[int, str]]:
    """The text in pieces that overlap, each with its place; cut at blanks where there are some."""
    start = 0
    while len(text) - start > WINDOW:
        end = max(
            text.rfind(" ", start + OVERLAP + 1, start + WINDOW), text.rfind("\n", start + OVERLAP + 1, start + WINDOW)
        )
        end = end if end > 0 else start + WINDOW
        yield start, text[start:end]
        start = end - OVERLAP
    yield start, text[start:]
