"""The reward that runs tests; what it sees through is in tests/tasks."""

from collections.abc import Callable
from typing import Any

import pytest

from bashgym.kinds import Reward
from bashgym.tasks import BadTask


def test_it_runs_the_tests(reward: Callable[..., Any], row: dict[str, Any]):
    one = reward("unit_tests")
    assert isinstance(one, Reward) and one.verifies
    assert one.score(row["answer"], row) == 1.0
    assert one.score("```python\ndef double(x):\n    return x\n```", row) == 0.0
    assert one.score("import sys\nsys.exit(0)", row) == 0.0
    with pytest.raises(BadTask):
        one.score("x", {"id": "1", "verifier": {"kind": "text"}})
