"""Whether rewards can be trusted: asked with answers whose worth is known, before anything is trained on them.

On this very task set, in this very box: a known good answer must score 1, a known bad one 0, and each cheat that
hacks.py makes of the task 0 too. One that scores otherwise, and the rewards are refused."""

import random
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple, Protocol

from bashgym.tasks import hacks, snapshots
from bashgym.tasks.record import Task, of_row
from bashgym.tasks.verify import family_of, unpacked

NEAR = 1e-6
EVERY = ("skip", "exit", "edited test", "equal", "history")  # cheats a task set should let us try


class Scores(Protocol):
    """What a reward plugin is here."""

    def score(self, completion: str, row: dict[str, Any]) -> float: ...


class Probe(NamedTuple):
    """One answer and what it must score."""

    task: str
    row: dict[str, Any]
    what: str  # good, bad, or the cheat's name
    answer: str
    wanted: float


class Report(NamedTuple):
    """faults: one line each, empty where the rewards can be trusted. tried: answers by what they are."""

    faults: tuple[str, ...]
    tried: dict[str, int]
    tasks: int
    seconds: float

    @property
    def untried(self) -> list[str]:
        """Cheats that no task of this set permits to try."""
        return [name for name in EVERY if not any(one.startswith(name) for one in self.tried)]


def selftest(rewards: Mapping[str, Scores], rows: Sequence[dict[str, Any]], sample: int, seed: int) -> Report:
    """Scores known answers by each of the (verifying) rewards: good ones of all rows, the others of `sample` rows.

    Raises BadTask for a row without a task."""
    started = time.monotonic()
    found = list(probes(rows, sample, seed))
    cheats = [one for one in found if one.wanted == 0]
    faults = wrong(rewards, cheats)
    tried = cheats if faults else found  # one that can be cheated is refused at once
    if not faults:
        faults = wrong(rewards, [one for one in found if one.wanted != 0])
    counts: dict[str, int] = {}
    for one in tried:
        counts[one.what] = counts.get(one.what, 0) + 1
    return Report(tuple(faults), counts, len(rows), round(time.monotonic() - started, 2))


def wrong(rewards: Mapping[str, Scores], probes: Sequence[Probe]) -> list[str]:
    """One line for each answer that scored what it must not."""
    asked = [(label, one) for one in probes for label in rewards]
    with ThreadPoolExecutor() as pool:
        scores = list(pool.map(lambda pair: float(rewards[pair[0]].score(pair[1].answer, pair[1].row)), asked))
    return [
        f"reward.{label} gives {score:g} to {told(one)} on task {one.task}; it must be {one.wanted:g}"
        for (label, one), score in zip(asked, scores, strict=True)
        if abs(score - one.wanted) > NEAR
    ]


def told(probe: Probe) -> str:
    if probe.what in ("good", "bad"):
        return f"the known {probe.what} answer"
    return f"an answer that cheats ({probe.what})"


def probes(rows: Sequence[dict[str, Any]], sample: int, seed: int) -> Iterator[Probe]:
    chosen = set(random.Random(seed).sample(range(len(rows)), min(sample or len(rows), len(rows))))
    for number, row in enumerate(rows):
        task = of_row(row)
        yield Probe(task.id, row, "good", task.good, 1.0)
        if number in chosen:
            for what, answer in known_bad(task):
                yield Probe(task.id, row, what, answer, 0.0)


def known_bad(task: Task) -> Iterator[tuple[str, str]]:
    with unpacked(task) as folder:
        files = snapshots.texts(folder)
    yield "bad", hacks.bad(task, files)
    yield from hacks.hacks(task, files, family_of(task))
