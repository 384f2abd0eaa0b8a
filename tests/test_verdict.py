"""Classes: what is not verified is never gold, and the score is the declared weights' and nobody else's."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bashgym.records import Verdict
from bashgym.settings import VerdictSettings
from bashgym.verdict import classify

SETTINGS = VerdictSettings(gold=0.75, silver=0.5, at_least=2, weights={"a": 3.0})

verdicts = st.lists(
    st.builds(
        Verdict,
        judge=st.sampled_from("abc"),
        score=st.none() | st.floats(0, 1),
        verified=st.booleans(),
        fatal=st.booleans(),
        cap=st.none() | st.floats(0, 1),
    ),
    max_size=5,
)
weights = st.fixed_dictionaries({}, optional={name: st.floats(0, 5) for name in "abc"})
thresholds = st.tuples(st.floats(0, 1), st.floats(0, 1)).map(sorted)
settings = st.builds(
    lambda pair, at_least, weights: VerdictSettings(silver=pair[0], gold=pair[1], at_least=at_least, weights=weights),
    thresholds,
    st.integers(1, 4),
    weights,
)


@given(verdicts, settings)
def test_the_rules_hold_for_all(found, settings):
    label, score = classify(found, settings)
    spoken = [one for one in found if one.score is not None]
    if label in {"gold", "silver"}:
        assert any(one.verified for one in spoken) and not any(one.fatal for one in spoken)
        assert len(spoken) >= settings.at_least and score is not None
        assert (score >= settings.gold) == (label == "gold") and score >= settings.silver
    if any(one.fatal for one in spoken):
        assert label == "failed"
    elif len(spoken) < settings.at_least:
        assert label == "unverified" and score is None
    assert score is None or 0 <= score <= 1


@given(verdicts, settings)
def test_the_score_is_the_declared_weights_over_those_that_spoke(found, settings):
    _, score = classify(found, settings)
    if score is not None:
        spoken = [(settings.weights.get(one.judge, 1.0), one) for one in found if one.score is not None]
        mean = sum(weight * one.score for weight, one in spoken) / sum(weight for weight, _ in spoken)
        assert score == pytest.approx(min([mean, *(one.cap for _, one in spoken if one.cap is not None)]))


@given(verdicts, settings)
def test_who_abstains_changes_nothing_and_order_neither(found, settings):
    silent = Verdict(judge="z", score=None, verified=True, fatal=True, cap=0.0)
    label, score = classify(found, settings)
    other, again = classify([silent, *reversed(found)], settings)
    assert other == label and (again == pytest.approx(score) if score is not None else again is None)


@given(verdicts, settings, st.floats(0, 1))
def test_one_more_word_against_it_never_makes_it_better(found, settings, cap):
    """A judge that demotes can only take away; ranks: failed, then unverified and silver, then gold."""
    rank = {"failed": 0, "unverified": 1, "silver": 1, "gold": 2}
    before, _ = classify(found, settings)
    against = Verdict(judge="hacks", score=0.0, fatal=True, cap=cap)
    assert rank[classify([*found, against], settings)[0]] <= rank[before]


@given(verdicts, settings)
def test_unverified_is_never_gold(found, settings):
    """A session nobody saw run anything (and one still pending) is no gold, whatever its score."""
    from msgspec.structs import replace

    assert classify([replace(one, verified=False) for one in found], settings)[0] in {"failed", "unverified"}


def test_weights_count():
    found = [Verdict(judge="a", score=1.0, verified=True), Verdict(judge="b", score=0.0)]
    assert classify(found, SETTINGS) == ("gold", 0.75)


def test_a_cap_holds_whatever_others_say():
    found = [Verdict(judge="a", score=1.0, verified=True), Verdict(judge="b", score=0.9, cap=0.6)]
    assert classify(found, SETTINGS) == ("silver", 0.6)
