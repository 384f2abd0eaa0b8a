"""What a training had saved that failed, or whose time was up: brought here before its machine goes.

`checkpoints.along` sends it to the next machine of the same run."""

import re
import shutil
from pathlib import Path

from bashgym import jsonl
from bashgym.rented import checkpoints
from bashgym.rented.client import NoAnswer, SkyError
from bashgym.rented.ending import ARRIVING, differing
from bashgym.rented.life import Life
from bashgym.rented.task import THERE

SUMS = "saved.sha256"  # written by run.sh: the newest checkpoint that the trainer has written to its end
NAME = re.compile(r"\./(checkpoint-\d+)/")


def rescued(life: Life) -> Path | None:
    """The checkpoint in the run's folder, each file as its hash there says; None where none came whole.

    It is one try, for as long as the machine may idle: what the training failed of is told in any case."""
    place, output = life.folder / ARRIVING, str(life.get("output"))
    until = life.clock.now() + 60 * life.bounds.idle_minutes
    try:
        place.mkdir(exist_ok=True)
        life.sky.copy(life.entry.name, f"{THERE}/{SUMS}", place / SUMS, (), 60.0)
        sums = (place / SUMS).read_text(encoding="utf-8")
        named = NAME.search(sums)
        if named is None:
            return None
        came = place / "saved" / named[1]
        came.mkdir(parents=True, exist_ok=True)
        source = f"{THERE}/{output}/{named[1]}/"
        life.sky.copy(life.entry.name, source, came, (), max(1.0, until - life.clock.now()))
        if differing(came.parent, sums):
            return None
        target = life.folder / output / named[1]
        shutil.rmtree(target, ignore_errors=True)
        target.parent.mkdir(parents=True, exist_ok=True)
        came.replace(target)
        note = {"checkpoint": named[1], "of": life.get("pushed_under")}
        jsonl.replace(target.parent / checkpoints.SAVED, jsonl.dumps(note) + b"\n")
        return target
    except (NoAnswer, SkyError, OSError):
        return None
    finally:
        shutil.rmtree(place, ignore_errors=True)
