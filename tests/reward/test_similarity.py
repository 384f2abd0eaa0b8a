"""How near an answer is to the known good one."""

from collections.abc import Callable
from typing import Any

import pytest


@pytest.mark.parametrize("unit", ["lines", "characters"])
def test_nearer_is_more(reward: Callable[..., Any], row: dict[str, Any], unit: str):
    one = reward("similarity", unit=unit)
    near, far = "```python\ndef double(x):\n    return x * 3\n```", "```python\nprint('hello')\n```"
    assert one.score("So:\n" + row["answer"], row) == 1.0  # the words around the code are not compared
    assert 1.0 > one.score(near, row) > one.score(far, row)
    assert one.score("", row) == 0.0 and one.score(near, {"answer": ""}) == 0.0
    assert reward("similarity", unit=unit, code_only=False).score("So:\n" + row["answer"], row) < 1.0
