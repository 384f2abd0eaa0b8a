"""Rewards by name, and a row with a task."""

from collections.abc import Callable
from typing import Any

import pytest

from bashgym import registry, sandbox, tasks
from bashgym.config import validate

GOOD = "```python\ndef double(x):\n    return 2 * x\n```"
TESTS = (
    "import unittest, calc\nclass D(unittest.TestCase):\n    def test(self):\n"
    "        self.assertEqual(calc.double(3), 6)"
)


@pytest.fixture
def reward() -> Callable[..., Any]:
    """reward(name, key=value ...) is the plugin, its settings checked as a recipe's are."""

    def built(name: str, **settings: Any) -> Any:
        cls: Any = registry.load("reward", name)
        return cls(validate(cls.Config, settings, f"reward.{name}"))

    return built


@pytest.fixture
def row() -> dict[str, Any]:
    task = {"id": "d", "prompt": "double", "test": ["python3", "-m", "unittest", "test_calc"], "target": "calc.py"}
    verifier = tasks.as_verifier(tasks.parse({**task, "good": GOOD, "tests": {"test_calc.py": TESTS}}))
    return {"id": "d", "prompt": "double", "answer": GOOD, "kind": "task", "verifier": verifier}


@pytest.fixture(autouse=True)
def a_box() -> None:
    try:
        sandbox.choose()
    except sandbox.NoBox as error:
        pytest.skip(f"needs a box: {error}")
