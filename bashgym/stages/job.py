"""A job on its cloud: submitted, or taken up where an earlier program left it; followed, fetched, brought down."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson

from bashgym import jsonl
from bashgym.errors import RunFailed
from bashgym.records import Job, Submission
from bashgym.stages.context import Screen

SUBMISSION = "submission.json"  # the job that was last submitted, to be found again after a kill


def carried_out(cloud: Any, job: Job, wanted: str, screen: Screen, agreed: Callable[[], None]) -> None:
    """Follows the training its folder has under way, or submits the job, to its end and its checkpoint here.

    A training outlives the program that started it, so after a kill it may still run, or have succeeded meanwhile;
    where it ended otherwise a new one goes on from its last saved step, unless that would cost again: then its user
    is told first. `wanted` is a hash of what it is trained on; `agreed` is called before anything is submitted, and
    raises where its user does not want it. Raises RunFailed where it did not succeed."""
    folder = Path(job.folder)
    last: dict[str, Any] = {}
    submission, of = noted(folder)
    if submission and of == wanted:
        last = to_its_end(cloud, submission, time.time(), screen)
    elif submission:
        cloud.cancel(submission)
        cloud.down(submission)
    if last.get("state") != "succeeded" and not last.get("costs"):
        agreed()
        submission = cloud.submit(job)
        note = {"inputs": wanted, "job": submission.job, "id": submission.id}
        jsonl.replace(folder / SUBMISSION, orjson.dumps(note))
        last = to_its_end(cloud, submission, 0.0, screen)
    if last.get("state") != "succeeded":
        reason = last.get("reason") or "no reason given"
        raise RunFailed(
            f"training {last.get('state', 'ended')}: {reason}; the whole log: {folder / 'logs' / 'train.log'}"
        )


def noted(folder: Path) -> tuple[Submission | None, str]:
    """The job that was last submitted for this folder, and the hash of what it was to be trained on."""
    path = folder / SUBMISSION
    if not path.exists():
        return None, ""
    note = orjson.loads(path.read_bytes())
    return Submission(job=note["job"], folder=str(folder), id=note["id"]), note["inputs"]


def to_its_end(cloud: Any, submission: Submission, since: float, screen: Screen) -> dict[str, Any]:
    """The last state of a job, its checkpoint here where it succeeded; nothing of it runs or costs afterwards, whatever
    happened in between. Metrics are shown from the time `since` on (seconds since 1970)."""
    try:
        last = followed(cloud, submission, since, screen)
        if last.get("state") == "succeeded":
            cloud.fetch(submission)
        return last
    except KeyboardInterrupt:
        cloud.cancel(submission)
        raise
    finally:
        screen.close()
        cloud.down(submission)


def followed(cloud: Any, submission: Submission, since: float, screen: Screen) -> dict[str, Any]:
    last: dict[str, Any] = {}
    said = ""
    for progress in cloud.follow(submission):
        if progress.kind == "state":
            last = progress.data
        elif progress.kind == "log":
            if progress.data.get("message", "") != said:
                said = str(progress.data.get("message", ""))
                screen.say(said)
        elif progress.data.get("time", since) >= since:
            screen.training(progress.data)
    return last
