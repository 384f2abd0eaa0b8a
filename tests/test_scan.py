"""Every string is walked, whatever fails stops everything, and sanitizing twice changes nothing."""

import re
from collections.abc import Iterable, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bashgym import jsonl
from bashgym.errors import PrivacyError
from bashgym.kinds import ScanContext
from bashgym.pseudonyms import pseudonym, pseudonyms
from bashgym.records import Span
from bashgym.scan import BATCH, sanitize
from bashgym.scanning.found import Found, merge

KEY = bytes(range(32))
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text('sx é_A\\"\n7', max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("sxé", max_size=4), inner, max_size=4),
    max_leaves=20,
)


class Pattern:
    """A real sanitizer, only simple: what matches is a value of its type."""

    def __init__(self, pattern: str, type: str = "SECRET") -> None:
        self.pattern, self.type = re.compile(pattern), type
        self.batches: list[list[str]] = []
        self.keys: list[str] = []

    def find(self, strings: Sequence[str], context: ScanContext) -> Iterable[Span]:
        self.batches.append(list(strings))
        self.keys += context.keys
        for index, text in enumerate(strings):
            for match in self.pattern.finditer(text):
                yield Span(index=index, start=match.start(), end=match.end(), type=self.type, rule="pattern")

    def engine(self) -> str:
        return self.pattern.pattern


class Fixed(Pattern):
    """Reports whatever span it was given."""

    def __init__(self, *spans: Span) -> None:
        super().__init__("")
        self.spans = spans

    def find(self, strings: Sequence[str], context: ScanContext) -> Iterable[Span]:
        return self.spans


def clean(value: Any, *sanitizers: Any) -> Any:
    return sanitize(value, [(f"s{number}", each) for number, each in enumerate(sanitizers)], KEY, "session").value


def leaves(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [text for key, item in value.items() for text in (key, *leaves(item))]
    return [text for item in value for text in leaves(item)] if isinstance(value, list) else []


def test_values_and_keys_at_any_depth_are_replaced() -> None:
    name = pseudonym(KEY, "SECRET", "hush")
    value = {"a": ["say hush", {"hush": {"b": "hush"}}], "n": 1, "f": 1.5, "t": True, "none": None}
    assert clean(value, Pattern("hush")) == {
        "a": [f"say {name}", {name: {"b": name}}], "n": 1, "f": 1.5, "t": True, "none": None,
    }  # fmt: skip


def test_there_is_no_limit_of_depth() -> None:
    value: Any = "hush"
    for _ in range(5000):
        value = {"x": [value]}
    result = clean(value, Pattern("hush"))
    for _ in range(5000):
        result = result["x"][0]
    assert result == pseudonym(KEY, "SECRET", "hush")


def test_the_value_given_is_left_alone() -> None:
    value = {"a": ["hush"]}
    clean(value, Pattern("hush"))
    assert value == {"a": ["hush"]}


def test_equal_strings_are_scanned_once_and_batches_are_bounded() -> None:
    scanner = Pattern("hush")
    text = "x" * (BATCH // 3)
    clean([text, text, *(f"{number}{text}" for number in range(5))], scanner)
    seen = [string for batch in scanner.batches for string in batch]
    assert len(seen) == len(set(seen)) == 6
    assert all(sum(map(len, batch)) <= BATCH for batch in scanner.batches) and len(scanner.batches) == 3


def test_the_key_of_a_string_goes_with_it_where_it_may_say_what_it_is() -> None:
    scanner = Pattern("hush")
    clean({"password": "kestrel", "text": "kestrel", "tokens": ["a", "b"]}, scanner)
    strings = [string for batch in scanner.batches for string in batch]
    under = [(string, key) for string, key in zip(strings, scanner.keys, strict=True) if key or string == "kestrel"]
    assert sorted(under) == [("a", "tokens"), ("b", "tokens"), ("kestrel", ""), ("kestrel", "password")]


def test_a_string_is_replaced_only_under_the_key_that_made_it_a_secret() -> None:
    class Keyed(Pattern):
        def find(self, strings: Sequence[str], context: ScanContext) -> Iterable[Span]:
            for index, key in enumerate(context.keys):
                if key == "password":
                    yield Span(index=index, start=0, end=len(strings[index]), type="PASSWORD")

    result = clean({"password": "user", "role": "user"}, Keyed(""))
    assert result == {"password": pseudonym(KEY, "PASSWORD", "user"), "role": "user"}


def test_keys_that_become_equal_lose_nothing() -> None:
    name = pseudonym(KEY, "SECRET", "hush")
    assert clean({name: 1, "hush": 2, f"{name}_2": 3}, Pattern("hush")) == {name: 1, f"{name}_3": 2, f"{name}_2": 3}


def test_overlapping_spans_become_one_named_after_the_longest() -> None:
    spans = [Found(0, 4, "A", "a"), Found(2, 9, "B", "b"), Found(9, 10, "C", "c"), Found(3, 5, "D", "d")]
    assert merge(spans) == [Found(0, 9, "B", "b"), Found(9, 10, "C", "c")]
    text = clean("0123456789", Pattern("0123", "A"), Pattern("2345678", "B"))
    assert text == pseudonym(KEY, "B", "012345678") + "9"


def test_counts_are_of_places_by_type_and_rule() -> None:
    result = sanitize({"a": ["hush", "hush", "hush hush"]}, [("mine", Pattern("hush"))], KEY, "s")
    assert result.counts == {"SECRET": 4} and result.by_rule == {"mine/pattern": 4}


def test_nothing_is_found_inside_a_pseudonym() -> None:
    name = pseudonym(KEY, "EMAIL", "x")
    assert clean(f"to {name}!", Pattern(r"\w+@|EMAIL_\w+")) == f"to {name}!"
    assert clean(f"{name}hush", Pattern(r"\S+")) == name + pseudonym(KEY, "SECRET", "hush")


@pytest.mark.parametrize(
    "inert",
    [
        "4f9c1a2e-77aa-4b1c-9d3e-0a1b2c3d4e5f",
        "toolu_01A9bXkT5vYq3nRzC7dEfGhJ",
        "msg_01XFDUDYJgAACzvnptvVoYEL",
        "2025-11-03T10:22:33.123Z",
    ],
)
def test_ids_and_times_stay_unless_a_key_makes_them_more(inert: str) -> None:
    assert clean({"id": inert}, Pattern(".+")) != {"id": inert}  # the key itself is no id
    assert clean([inert, f"see {inert}"], Pattern(".+"))[0] == inert
    assert clean({"api_token": inert}, Pattern("^.{20,}$"))["api_token"] != inert


def test_a_sanitizer_that_raises_stops_everything_without_telling_the_text() -> None:
    class Broken(Pattern):
        def find(self, strings: Sequence[str], context: ScanContext) -> Iterable[Span]:
            yield Span(index=0, start=0, end=1, type="SECRET")
            raise RuntimeError(f"cannot read {strings[0]}")

    with pytest.raises(PrivacyError, match=r"sanitizer\.s1: RuntimeError at test_scan\.py") as caught:
        clean(["hush"], Pattern("x"), Broken(""))
    assert "hush" not in str(caught.value) and caught.value.__suppress_context__


@pytest.mark.parametrize(
    "span",
    [
        Span(index=1, start=0, end=1, type="SECRET"),
        Span(index=-1, start=0, end=1, type="SECRET"),
        Span(index=0, start=-1, end=1, type="SECRET"),
        Span(index=0, start=0, end=5, type="SECRET"),
        Span(index=0, start=2, end=2, type="SECRET"),
        Span(index=0, start=0, end=1, type="secret"),
    ],
)
def test_a_span_that_cannot_be_stops_everything(span: Span) -> None:
    with pytest.raises(PrivacyError, match=r"sanitizer\.s0"):
        clean("hush", Fixed(span))


@pytest.mark.parametrize("value", [b"bytes", {1: "a"}, {"a": {2, 3}}, ("a",)])
def test_what_is_no_json_is_refused(value: Any) -> None:
    with pytest.raises(PrivacyError, match="no JSON"):
        clean(value, Pattern("x"))


def test_a_text_that_never_comes_to_rest_is_refused() -> None:
    class OneAtATime(Pattern):
        def find(self, strings: Sequence[str], context: ScanContext) -> Iterable[Span]:
            for index, text in enumerate(strings):
                if (at := text.find("Q")) >= 0:
                    yield Span(index=index, start=at, end=at + 1, type="SECRET")

    assert clean("QQ", OneAtATime("")).count("SECRET_") == 2
    with pytest.raises(PrivacyError, match="still not clean"):
        clean("Q" * 50, OneAtATime(""))


@given(JSON)
def test_any_json_stays_json_of_the_same_shape_and_twice_is_once(value: Any) -> None:
    scanners = (Pattern("s+", "SECRET"), Pattern(r"x\w*", "XRAY"))
    once = clean(value, *scanners)
    assert jsonl.parse(jsonl.dumps(once)) == once
    assert shape(once) == shape(value)
    assert not any(set("sx") & set("".join(outside(text))) for text in leaves(once))
    assert clean(once, *scanners) == once


def outside(text: str) -> Iterable[str]:
    """What of a text is no pseudonym."""
    at = 0
    for start, end in pseudonyms(text):
        yield text[at:start]
        at = end
    yield text[at:]


def shape(value: Any) -> Any:
    if isinstance(value, dict):
        return [shape(item) for item in value.values()]
    return [shape(item) for item in value] if isinstance(value, list) else type(value).__name__
