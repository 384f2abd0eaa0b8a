"""Writes `tasks/arithmetic.jsonl`: sixty small tasks with tests, for trying out training on rewards on a CPU.

    python examples/make_tasks.py

Each asks for one function. The known bad answer prints what it should return: the kind of mistake that a model learns
from sessions nobody looked at, that reads well, and that only a test tells from the right one."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent
sys.path.insert(0, str(ROOT.parent))

from bashgym.tasks import Task, write  # noqa: E402

MODULES = ("billing", "orders", "users", "search", "mail")
WORDS = {"plus": "+", "minus": "-", "times": "*"}
NUMBERS = range(2, 6)
TESTS = """import unittest

from {module} import solve


class Solve(unittest.TestCase):
    def test_values(self):
        for x in (0, 1, 7, 20, -3):
            self.assertEqual(solve(x), x {sign} {number})
"""


def task(module: str, word: str, number: int) -> Task:
    sign = WORDS[word]
    code = "```python\ndef solve(x):\n    {line}\n```"
    return Task(
        id=f"{module}-{word}-{number}",
        prompt=f"In {module}.py solve(x) is x {word} {number}",
        test=("python3", "-m", "unittest", f"test_{module}"),
        target=f"{module}.py",
        tests={f"test_{module}.py": TESTS.format(module=module, sign=sign, number=number)},
        must_pass=(f"test_{module}.Solve.test_values",),
        good=code.format(line=f"return x {sign} {number}"),
        bad=code.format(line=f"print(x {sign} {number})"),
        limits={"seconds": 10, "memory_mb": 256, "processes": 16},
        origin={"source": "examples/make_tasks.py"},
    )


def main() -> None:
    made = [task(module, word, number) for module in MODULES for word in WORDS for number in NUMBERS]
    write(ROOT / "tasks" / "arithmetic.jsonl", made)
    print(f"{len(made)} tasks")


if __name__ == "__main__":
    main()
