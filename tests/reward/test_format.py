"""The shape of an answer."""

from collections.abc import Callable
from typing import Any

import pytest

from bashgym.errors import RecipeError

ONE = "Here:\n```python\nx = 1\n```\n"


@pytest.mark.parametrize(
    ("settings", "answer", "score"),
    [
        ({}, ONE, 1),
        ({}, ONE + ONE, 0),
        ({"blocks": 2}, ONE + ONE, 1),
        ({}, "x = 1", 0),
        ({"blocks": 0}, "x = 1", 1),
        ({"blocks": 0}, "not Python at all", 0),
        ({}, "```python\ndef f(:\n```", 0),
        ({"python": False}, "```sh\nls |\n```", 1),
        ({"pattern": "<think>.+</think>"}, ONE, 0),
        ({"pattern": "<think>.+</think>"}, "<think>\nhm\n</think>" + ONE, 1),
        ({}, "```python\n```", 0),
    ],
)
def test_shapes(reward: Callable[..., Any], settings: dict[str, Any], answer: str, score: float):
    assert reward("format", **settings).score(answer, {}) == score


def test_a_pattern_that_is_none(reward: Callable[..., Any]):
    with pytest.raises(RecipeError, match=r"^reward.format.pattern: not a regular expression"):
        reward("format", pattern="(")
