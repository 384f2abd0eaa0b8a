"""1 where the answer, applied to its task's snapshot, passes the task's protected tests in a box; else 0."""

from functools import cached_property
from pathlib import Path
from typing import Any

from pydantic import Field

from bashgym import config, sandbox
from bashgym.tasks import of_row
from bashgym.tasks.verify import verify, verify_folder


class Reward:
    """Only tests that ran to their end and passed, each by name, count; an exit code never does.

    An answer that changes a test, what steers the runner, or the runner itself gets 0, and so does one whose objects
    equal everything. Raises NoBox where no box works on this machine: nothing runs without one."""

    verifies = True  # it says 1 or 0, by something that ran

    class Config(config.Config):
        weight: float = Field(default=1.0, ge=0)
        """How much it counts in the sum of all rewards."""
        box: str = Field(default="", pattern="^(|bubblewrap|docker|landlock)$")
        """Which box runs the tests; empty: the first that works on the machine that trains."""
        image: str = ""
        """An image for box=docker that has what the tests need; empty: that machine's own programs."""

    def __init__(self, config: Config) -> None:
        self.config = config

    @cached_property
    def box(self) -> sandbox.Box:
        return sandbox.choose(self.config.box, self.config.image)

    def score(self, completion: str, row: dict[str, Any]) -> float:
        """Raises BadTask for a row without a task, NoBox where no box works."""
        return float(verify(of_row(row), completion, self.box).passed)

    def score_folder(self, folder: Path, row: dict[str, Any]) -> float:
        """The same of what an answer in several turns left in `folder`."""
        return float(verify_folder(of_row(row), folder, self.box).passed)
