"""Shares over sources; public data never repeats one's own."""

import random
from collections import Counter

import pytest

from bashgym.errors import RecipeError
from bashgym.registry import load
from tests.curator.keys import changed, key, text


def decide(index, **config) -> dict[str, str]:
    cls = load("curator", "mixture")
    return {one.session: one.reason for one in cls(cls.Config(**config)).curate(index) if not one.keep}


def own(count: int, **more):
    return [key(f"own{n:03}", text(n), source="mine", **more) for n in range(count)]


def public(count: int, **more):
    return [
        key(f"pub{n:03}", text(1000 + n), source="hub", dataset="some/set", license="MIT", **more) for n in range(count)
    ]


def test_public_sessions_like_ones_own_are_left_out_and_never_the_other_way():
    index = [*own(5), key("copy", text(2), source="hub", dataset="d"),
             key("near", changed(text(3), 0.03), source="hub", dataset="d"), *public(3)]  # fmt: skip
    expected = {"copy": "public session like one's own", "near": "public session like one's own"}
    assert decide(index) == decide(list(reversed(index))) == expected


def test_shares_are_those_of_the_weights():
    index = [*own(30), *public(60)]
    left_out = decide(index, weights={"mine": 3, "hub": 1})
    kept = Counter(one.source for one in index if one.session not in left_out)
    assert kept == {"mine": 30, "hub": 10}
    assert set(left_out.values()) == {"more than its source's share"}
    other = decide(index, weights={"mine": 3, "hub": 1}, seed=1)
    assert len(other) == len(left_out) and other != left_out
    random.Random(0).shuffle(index)
    assert decide(index, weights={"mine": 3, "hub": 1}) == left_out


def test_what_is_not_named_is_kept_whole_and_zero_is_none():
    index = [*own(4), *public(4), key("third", text(77), source="other")]
    assert decide(index, weights={"hub": 0, "mine": 1}) == {
        f"pub{n:03}": "more than its source's share" for n in range(4)
    }


def test_families_are_drawn_whole():
    index = [key(f"p{n}", text(n), source="hub", family=f"f{n // 4}") for n in range(40)]
    index += [key(f"m{n}", text(100 + n), source="mine") for n in range(10)]
    left_out = decide(index, weights={"hub": 1, "mine": 1})
    for family in {one.family for one in index}:
        members = {one.session for one in index if one.family == family}
        assert members <= set(left_out) or not members & set(left_out)


def test_mistakes_are_told():
    with pytest.raises(RecipeError, match="did you mean 'hub'"):
        decide([*own(1), *public(1)], weights={"hubb": 1})
    with pytest.raises(ValueError, match="every weight is 0"):
        decide([], weights={"a": 0})
