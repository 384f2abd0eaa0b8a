"""How often the model's answers pass the tests of the test split's tasks, each run in a box."""

import json
import math
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from pydantic import Field

from bashgym import environment, jsonl, sandbox
from bashgym.config import Config as BaseConfig
from bashgym.errors import RunFailed
from bashgym.records import Score, Subject
from bashgym.tasks import BadTask, Task, of_row
from bashgym.tasks.verify import verify

NAME = "reward"
CONTROL = "known_bad_answer"


class Benchmark:
    """`held_out_reward`: the share of drawn answers that pass, over tasks nobody was trained on; `solved`: of greedy
    ones. Always by the tests themselves, whatever rewards the training was paid by."""

    class Config(BaseConfig):
        samples: int = Field(default=8, ge=1)
        """Answers drawn for each task."""
        temperature: float = Field(default=1.0, gt=0)
        """How much chance there is in them; as in training, so that the same thing is measured."""
        max_new_tokens: int = Field(default=512, ge=1)
        """Tokens an answer may have."""
        batch_size: int = Field(default=16, ge=1)
        """Tasks the model works on at once."""
        device: str = "cpu"
        """Where the model runs: cpu, cuda, cuda:1, mps."""
        box: str = Field(default="", pattern="^(|bubblewrap|docker|landlock)$")
        """Which box runs the tests; empty: the first that works on this machine."""
        image: str = ""
        """An image for box=docker that has what the tests need; empty: this machine's own programs."""
        seed: int = 42
        """Draws the answers."""

    def __init__(self, config: Config) -> None:
        self.config = config

    def run(self, model: Subject) -> Iterable[Score]:
        """Raises RunFailed with the log's path where the model cannot be asked, or no box works."""
        tasks = dict(tasks_of(model))
        if not tasks:
            yield missing(model.role)
            return
        answers = list(self.asked(model))
        drawn = [[(tasks[one["id"]], text) for text in one["drawn"]] for one in answers]
        shares = [sum(passed) / len(passed) for passed in self.passed(drawn)]
        cut = sum(one["cut"] for one in answers)
        note = f"{cut} of {len(answers) * self.config.samples} answers were cut off" if cut else ""
        yield score("held_out_reward", model.role, shares, note)
        greedy = self.passed([[(tasks[one["id"]], one["greedy"])] for one in answers])
        yield score("solved", model.role, [float(one[0]) for one in greedy])

    def controls(self, model: Subject) -> Iterable[Score]:
        """The known bad answers, which must pass nothing: what a verifier that believes anything would show."""
        known = [[(task, task.bad)] for _, task in tasks_of(model) if task.bad]
        if known:
            yield score("held_out_reward", CONTROL, [float(one[0]) for one in self.passed(known)])

    def texts(self) -> None:
        """It asks what stands in the test rows."""

    def asked(self, model: Subject) -> Iterator[dict[str, Any]]:
        folder = Path(model.folder)
        environment.place(folder)
        out = folder / f"{model.role}.answers.jsonl"
        command = ["python", "-m", "sample", "--model", model.path, "--rows", str(Path(model.dataset) / "test.jsonl")]
        command += ["--out", str(out), "--samples", str(self.config.samples), "--seed", str(self.config.seed)]
        command += ["--temperature", str(self.config.temperature), "--device", self.config.device]
        command += ["--new-tokens", str(min(self.config.max_new_tokens, model.sequence_len - 1))]
        command += ["--batch-size", str(self.config.batch_size)]
        there = environment.Environment(environment.python())
        log = folder / "logs" / f"{model.role}.log"
        environment.run(there, command, folder, log, online=not environment.is_local(model.path))
        for line in jsonl.read_lines(out):
            yield line.value

    def passed(self, answers: Sequence[Sequence[tuple[Task, str]]]) -> list[list[bool]]:
        """Whether each answer passes; equal ones are run once."""
        try:
            box = sandbox.choose(self.config.box, self.config.image)
        except sandbox.NoBox as error:
            raise RunFailed(f"benchmark.{NAME}: {error}") from None
        every = list({(task.id, text): task for group in answers for task, text in group}.items())
        with ThreadPoolExecutor() as pool:
            found = pool.map(lambda one: verify(one[1], one[0][1], box).passed, every)
            known = dict(zip((key for key, _ in every), found, strict=True))
        return [[known[(task.id, text)] for task, text in group] for group in answers]


def tasks_of(model: Subject) -> Iterator[tuple[str, Task]]:
    """Row id -> task of the test rows that have one."""
    for line in jsonl.read_lines(Path(model.dataset) / "test.jsonl"):
        try:
            yield line.value["id"], of_row(line.value)
        except BadTask as error:
            raise RunFailed(f"benchmark.{NAME}: {error}; leave this benchmark to tasks with tests") from None
        except (KeyError, TypeError, json.JSONDecodeError):
            raise RunFailed(f"benchmark.{NAME}: {model.dataset}/test.jsonl line {line.number} is no row") from None


def score(metric: str, role: str, shares: Sequence[float], note: str = "") -> Score:
    """The mean over tasks, with its standard error."""
    mean = sum(shares) / len(shares)
    spread = sum((one - mean) ** 2 for one in shares) / (len(shares) - 1) if len(shares) > 1 else None
    return Score(
        benchmark=NAME,
        metric=metric,
        role=role,
        value=mean,
        evidence="measured",
        n=len(shares),
        stderr=math.sqrt(spread / len(shares)) if spread is not None else None,
        note=note,
    )


def missing(role: str) -> Score:
    return Score(benchmark=NAME, metric="held_out_reward", role=role, value=None, evidence="missing", note="no tasks")
