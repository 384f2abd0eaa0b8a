"""Against rambling."""

from collections.abc import Callable
from typing import Any

import pytest

from bashgym.errors import RecipeError


def test_it_falls_in_a_straight_line(reward: Callable[..., Any]):
    one = reward("length", full=10, none=30)
    assert [one.score("x" * size, {}) for size in (1, 10, 20, 30, 99)] == [1.0, 1.0, 0.5, 0.0, 0.0]
    assert one.score("  \n", {}) == 0.0
    with pytest.raises(RecipeError, match="none 10 must be more than full 10"):
        reward("length", full=10, none=10)
