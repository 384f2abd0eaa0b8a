"""Kappas: examples worked by hand, and what holds for all."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bashgym.judging.agreement import closeness, cohen, fleiss, plain_agreement

CLASSES = st.sampled_from(["gold", "silver", "failed"])


def test_cohen_by_hand():
    """20 times both yes, 15 times both no, 5 and 10 times apart: seen .7, by chance .5, kappa .4."""
    pairs = [("yes", "yes")] * 20 + [("yes", "no")] * 5 + [("no", "yes")] * 10 + [("no", "no")] * 15
    assert plain_agreement(pairs) == 0.7
    assert cohen(pairs) == pytest.approx(0.4)


def test_fleiss_by_hand():
    """Three raters, four cases: 3+0, 2+1, 1+2, 0+3; each case's agreement 1, 1/3, 1/3, 1, by chance 1/2: kappa 1/3."""
    cases = [["a", "a", "a"], ["a", "a", "b"], ["a", "b", "b"], ["b", "b", "b"]]
    assert fleiss(cases) == pytest.approx((2 / 3 - 0.5) / 0.5)


def test_where_nothing_can_be_told():
    assert cohen([]) is None and cohen([("a", "a")] * 3) is None and plain_agreement([]) is None
    assert fleiss([]) is None and fleiss([["a"], ["b"]]) is None and fleiss([["a", "a"]] * 2) is None
    assert closeness([0.3]) == 1


@given(st.lists(st.tuples(CLASSES, CLASSES), min_size=1, max_size=30))
def test_cohen_holds(pairs):
    kappa = cohen(pairs)
    assert kappa is None or -1 <= kappa <= 1
    swapped = cohen([(two, one) for one, two in pairs])
    assert kappa == pytest.approx(swapped) if kappa is not None else swapped is None
    if kappa is not None and all(one == two for one, two in pairs):
        assert kappa == pytest.approx(1)


@given(
    st.integers(2, 5).flatmap(lambda n: st.lists(st.lists(CLASSES, min_size=n, max_size=n), min_size=1, max_size=12))
)
def test_fleiss_holds(cases):
    kappa = fleiss(cases)
    assert kappa is None or -1 <= kappa <= 1 + 1e-9


@given(st.lists(st.floats(0, 1), min_size=1, max_size=6))
def test_closeness_holds(scores):
    assert 0 <= closeness(scores) <= 1
