"""1 where the task's test command ends with exit code 0 in a box, for runners that tell no more than that; else 0."""

from pathlib import Path
from typing import Any

from bashgym.boxed import Boxed
from bashgym.tasks import of_row
from bashgym.tasks.verify import verify_exit_code, verify_folder_exit_code


class Reward(Boxed):
    """For tests in any language: make, npm test, a script. It believes the exit code, so an answer that ends the test
    early with 0 is paid, unless the test command is made to notice; the self-test refuses task sets where it is not."""

    def score(self, completion: str, row: dict[str, Any]) -> float:
        """Raises BadTask for a row without a task, NoBox where no box works."""
        return float(verify_exit_code(of_row(row), completion, self.box).passed)

    def score_folder(self, folder: Path, row: dict[str, Any]) -> float:
        """The same of what an answer in several turns left in `folder`."""
        return float(verify_folder_exit_code(of_row(row), folder, self.box).passed)
