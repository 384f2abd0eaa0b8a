"""A Gymnasium environment: a task, a box, a shell; the reward comes from the task's tests when the episode ends."""

import string
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from bashgym import sandbox
from bashgym.errors import InputError, MissingPackage
from bashgym.tasks import Task, read
from bashgym.tasks.episode import Budget, Episode

try:
    import gymnasium
    from gymnasium import spaces
except ImportError:
    raise MissingPackage("gymnasium", "rl") from None

LONGEST_ACTION = 8192
LONGEST_OBSERVATION = 65536
Finish = Callable[[Episode], Mapping[str, float]]


class AnyText(spaces.Text):
    """Any text up to a length; samples are of printable ASCII."""

    def __init__(self, most: int, seed: int | None = None) -> None:
        super().__init__(max_length=most, min_length=0, charset=string.printable, seed=seed)

    def contains(self, x: Any) -> bool:
        return isinstance(x, str) and len(x) <= self.max_length


class BashEnv(gymnasium.Env[str, str]):
    """`reset` begins a task (chosen by the seed, or `options={"task": id}`) and shows its prompt; `step` runs one
    command line in its snapshot and shows what it printed; `submit` ends the episode.

    The reward is 0 until the episode ends, by `submit`, by its turns or by its time, and then what the verifier says
    of the folder: 1 where all tests pass, else 0; or, with `rewards`, their weighted sum. `info` holds the task's id,
    and at the end why it ended and each reward by name."""

    metadata = {"render_modes": ["ansi"]}  # noqa: RUF012 - as Gymnasium declares it

    def __init__(
        self,
        tasks: Sequence[Task],
        turns: int = 10,
        seconds: float = 300.0,
        command_seconds: float = 30.0,
        output_chars: int = 4000,
        box: str = "",
        rewards: Finish | None = None,
        render_mode: str | None = None,
    ) -> None:
        """Raises InputError where there are no tasks; NoBox where no box works."""
        if not tasks:
            raise InputError("an environment needs tasks; name a file that has some")
        self.tasks = {task.id: task for task in tasks}
        self.budget = Budget(turns, seconds, command_seconds, output_chars)
        self.box = sandbox.choose(box)
        self.rewards = rewards or passed
        self.render_mode = render_mode
        self.action_space = AnyText(LONGEST_ACTION)
        self.observation_space = AnyText(LONGEST_OBSERVATION)
        self.episode: Episode | None = None
        self.shown = ""

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[str, dict[str, Any]]:
        """Raises InputError for a task that is not there."""
        super().reset(seed=seed)
        self.close()
        name = (options or {}).get("task")
        if name is not None and name not in self.tasks:
            raise InputError(f"there is no task {name!r} in this environment")
        chosen = name or sorted(self.tasks)[int(self.np_random.integers(len(self.tasks)))]
        self.episode = Episode(self.tasks[chosen], self.box, self.budget)
        self.shown = self.tasks[chosen].prompt[:LONGEST_OBSERVATION]
        return self.shown, {"task": chosen, "turns_left": self.budget.turns}

    def step(self, action: str) -> tuple[str, float, bool, bool, dict[str, Any]]:
        """Raises ValueError before `reset`, and after the episode's end."""
        if self.episode is None:
            raise ValueError("there is no episode; call reset first")
        turn = self.episode.act(action[:LONGEST_ACTION])
        info: dict[str, Any] = {"task": self.episode.task.id, "turns_left": self.budget.turns - self.episode.turns}
        if turn.exit_code is not None:
            info["exit_code"] = turn.exit_code
        reward = 0.0
        if turn.ended or turn.cut:
            parts = self.rewards(self.episode)
            reward = float(sum(parts.values()))
            info |= {"ended_by": turn.reason, "rewards": dict(parts), "verdict": self.episode.outcome().reason}
        self.shown = turn.observation[:LONGEST_OBSERVATION]
        return self.shown, reward, turn.ended, turn.cut and not turn.ended, info

    def render(self) -> str | None:
        return self.shown if self.render_mode == "ansi" else None

    def close(self) -> None:
        if self.episode is not None:
            self.episode.close()
            self.episode = None


def passed(episode: Episode) -> dict[str, float]:
    """1 where the folder passes the task's tests."""
    return {"unit_tests": float(episode.outcome().passed)}


def make(path: str | Path, **settings: Any) -> BashEnv:
    """The environment over a file of task records; `settings` are BashEnv's."""
    return BashEnv(read(Path(path)), **settings)
