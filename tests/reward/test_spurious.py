"""The control."""

from collections.abc import Callable
from typing import Any


def test_a_coin_whatever_is_said(reward: Callable[..., Any], row: dict[str, Any]):
    one, same = reward("spurious", share=0.25), reward("spurious", share=0.25)
    thrown = [one.score(row["answer"], row) for _ in range(4000)]
    assert set(thrown) == {0.0, 1.0} and abs(sum(thrown) / len(thrown) - 0.25) < 0.03
    assert thrown == [same.score("", row) for _ in range(4000)]  # the answer has no part in it
    assert one.control and not one.repeatable
