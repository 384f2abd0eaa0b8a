"""A task to verify answers with, and the box it is done in."""

from typing import Any

import pytest

from bashgym import sandbox, tasks

TESTS = """import unittest

import calc


class Double(unittest.TestCase):
    def test_three(self):
        self.assertEqual(calc.double(3), 6)

    def test_text(self):
        self.assertEqual(calc.double("ab"), "abab")
"""
GOOD = "def double(x):\n    return 2 * x\n"
BAD = "def double(x):\n    return 3 * x\n"
FILES = {"calc.py": "def double(x):\n    raise NotImplementedError\n", "README.md": "calc\n"}


def made(**changes: Any) -> tasks.Task:
    plain = {
        "id": "double",
        "prompt": "Write double(x) in calc.py.",
        "test": ["python3", "-m", "unittest", "test_calc"],
        "good": f"```python\n{GOOD}```",
        "bad": f"```python\n{BAD}```",
        "target": "calc.py",
        "files": FILES,
        "tests": {"test_calc.py": TESTS},
        "limits": {"seconds": 10, "memory_mb": 256, "processes": 32},
    }
    return tasks.parse({**plain, **changes})


@pytest.fixture(scope="session")
def box() -> sandbox.Box:
    try:
        return sandbox.choose()
    except sandbox.NoBox as error:
        pytest.skip(f"needs a box: {error}")
