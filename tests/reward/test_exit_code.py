"""The reward that believes an exit code: right where the command cannot be fooled, refused where it can."""

from collections.abc import Callable
from typing import Any

from bashgym import tasks
from bashgym.tasks.selftest import selftest

CHECK = "python3 -c 'import calc; print(calc.double(4))' | grep -qx 8\n"


def test_it_believes_the_command(reward: Callable[..., Any], row: dict[str, Any]):
    one = reward("exit_code")
    assert one.score(row["answer"], row) == 1.0
    fooled = one.score("import sys\nsys.exit(0)", row)
    assert fooled == 1.0  # unittest ends with 0: so the self-test refuses it for such tasks
    assert any("(exit)" in fault for fault in selftest({"exit_code": one}, [row], 0, 1).faults)


def test_a_command_that_looks_for_itself(reward: Callable[..., Any], row: dict[str, Any]):
    task = {**row["verifier"]["task"], "test": ["/bin/sh", "check.sh"], "tests": {"check.sh": CHECK}}
    plain = {**row, "verifier": tasks.as_verifier(tasks.parse(task))}
    assert selftest({"exit_code": reward("exit_code")}, [plain], 0, 1).faults == ()
