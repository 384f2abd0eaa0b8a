"""Is a run of digits a phone number? By the numbering plans of phonenumbers, without its matcher.

`PhoneNumberMatcher` takes up to a millisecond a number and country; here a plan is one compiled expression per
country, a number takes some microseconds, and a page full of them stays as quick as a page with one."""

import re
from collections.abc import Iterator, Sequence
from functools import cache, lru_cache
from typing import Any, NamedTuple

KINDS = (
    "fixed_line", "mobile", "toll_free", "premium_rate", "shared_cost", "personal_number", "voip", "pager", "uan",
    "voicemail",
)  # fmt: skip
SHORTEST = 7  # digits; what is shorter is a year, a port or a line number
GROUP_ENDS = re.compile(r"[0-9](?=[ ().-]|$)")
COUNTRIES = 3  # digits the longest country code has
TRUNK = re.compile(r"\(0\)")  # +49 (0)30 ...


class Plan:
    """Which national numbers there are in a country, and what is dialled before them inside it."""

    def __init__(self, region: str) -> None:
        from phonenumbers import PhoneMetadata

        data: Any = PhoneMetadata.metadata_for_region(region)
        patterns = (getattr(data, kind) for kind in KINDS)
        parts = [each.national_number_pattern for each in patterns if each and each.national_number_pattern]
        self.numbers = re.compile("|".join(f"(?:{part})" for part in parts))
        self.trunk: str = data.national_prefix or ""
        self.forms = [Form.of(each) for each in data.number_format]

    def local(self, digits: str) -> bool:
        """Whether somebody in the country dials this."""
        return self.without_trunk(digits) or bool(self.numbers.fullmatch(digits) and not self.needs_trunk(digits))

    def without_trunk(self, digits: str) -> bool:
        """Whether it is the trunk prefix (in most countries 0) and a number."""
        rest = digits[len(self.trunk) :]
        return bool(self.trunk and digits.startswith(self.trunk) and self.numbers.fullmatch(rest))

    def needs_trunk(self, digits: str) -> bool:
        """Whether a number is never written without its trunk prefix."""
        return next((form.trunk for form in self.forms if form.covers(digits)), False)


class Form(NamedTuple):
    """How numbers that begin in some way are written; `trunk`: always with the trunk prefix."""

    leading: re.Pattern[str]
    pattern: re.Pattern[str]
    trunk: bool

    @classmethod
    def of(cls, form: Any) -> "Form":
        rule = form.national_prefix_formatting_rule or ""
        written = any(letter.isdigit() for letter in rule.replace("$1", ""))
        leading = "|".join(form.leading_digits_pattern[-1:]) or ""
        return cls(
            re.compile(leading), re.compile(form.pattern), written and not form.national_prefix_optional_when_formatting
        )

    def covers(self, digits: str) -> bool:
        return bool(self.leading.match(digits) and self.pattern.fullmatch(digits))


@cache
def plan(region: str) -> Plan:
    return Plan(region)


@cache
def of_code(code: int) -> tuple[Plan, ...]:
    """The plans of the countries that share a country code."""
    from phonenumbers import COUNTRY_CODE_TO_REGION_CODE

    return tuple(plan(region) for region in COUNTRY_CODE_TO_REGION_CODE.get(code, ()) if region != "001")


def dialled(text: str, regions: Sequence[str]) -> bool:
    """Whether the whole text is a number: with a +, of any country; without, of one of `regions`."""
    digits = re.sub(r"\D", "", TRUNK.sub("", text))
    if len(digits) < SHORTEST or len(digits) > 17:
        return False
    if text.lstrip("( ").startswith("+"):
        codes = ((int(digits[:size]), digits[size:]) for size in range(1, COUNTRIES + 1))
        return any(
            each.numbers.fullmatch(rest) or each.without_trunk(rest) for code, rest in codes for each in of_code(code)
        )
    return any(plan(region).local(digits) for region in regions)


@lru_cache(16384)
def number_in(text: str, regions: tuple[str, ...]) -> tuple[int, int] | None:
    """The longest beginning of `text` that is a number and ends where a group of digits does, as a range of `text`."""
    for end in ends(text):
        if dialled(text[:end], regions):
            return 0, end
    return None


def ends(text: str) -> Iterator[int]:
    """Ends of groups of digits, the last first: what follows a number may be a year or an extension."""
    yield from reversed([match.end() for match in GROUP_ENDS.finditer(text)][-6:])
