"""1 where the answer, applied to its task's snapshot, passes the task's protected tests in a box; else 0."""

from pathlib import Path
from typing import Any

from bashgym.boxed import Boxed
from bashgym.tasks import of_row
from bashgym.tasks.verify import verify, verify_folder


class Reward(Boxed):
    """Only tests that ran to their end and passed, each by name, count; an exit code never does.

    An answer that changes a test, what steers the runner, or the runner itself gets 0, and so does one whose objects
    equal everything. Raises NoBox where no box works on this machine: nothing runs without one."""

    def score(self, completion: str, row: dict[str, Any]) -> float:
        """Raises BadTask for a row without a task, NoBox where no box works."""
        return float(verify(of_row(row), completion, self.box).passed)

    def score_folder(self, folder: Path, row: dict[str, Any]) -> float:
        """The same of what an answer in several turns left in `folder`."""
        return float(verify_folder(of_row(row), folder, self.box).passed)
