"""Exact and near duplicates: found, counted by reason, the best one kept, whatever the order."""

import random
from collections import Counter

from bashgym.registry import load
from tests.curator.keys import changed, key, text


def dropped(index, **config) -> dict[str, str]:
    cls = load("curator", "dedup")
    found = list(cls(cls.Config(**config)).curate(index))
    assert {one.session for one in found} == {one.session for one in index}
    return {one.session: one.reason for one in found if not one.keep}


def test_exact_and_near_copies_go_and_strangers_stay():
    index = [key(f"own{n}", text(n)) for n in range(20)]
    index += [key("z-exact", text(3)), key("z-near", changed(text(4), 0.01, 5)), key("z-far", changed(text(5), 0.5))]
    assert dropped(index) == {"z-exact": "exact duplicate", "z-near": "near duplicate"}
    assert dropped(index, near=1.0) == {"z-exact": "exact duplicate"}


def test_the_order_of_the_index_does_not_matter():
    index = [key(f"s{n}", text(n % 15)) for n in range(60)]
    first = dropped(index)
    for seed in range(5):
        random.Random(seed).shuffle(index)
        assert dropped(index) == first
    assert Counter(first.values()) == {"exact duplicate": 45}


def test_the_best_of_equals_stays():
    words = text(1)
    assert dropped([key("a", words, label="silver", score=0.6), key("b", words)]) == {"a": "exact duplicate"}
    assert dropped([key("a", words, dataset="hub/x"), key("b", words, label="silver")]) == {"a": "exact duplicate"}
    assert dropped([key("a", words, started="2026-02"), key("b", words, started="2026-01")]) == {"a": "exact duplicate"}


def test_a_fork_is_not_held_against_its_session():
    words = text(1)
    assert dropped([key("a", words), key("b", changed(words, 0.01), family="a")]) == {}
    assert dropped([key("a", words), key("b", words, family="a"), key("c", words)]) == {"c": "exact duplicate"}
