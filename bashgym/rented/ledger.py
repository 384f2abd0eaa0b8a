"""What is rented at this moment: one file a machine or hosted job, written before the first call that could cost.

An entry is closed only when the thing is seen to be gone, so whatever happens to the program that rented it (Ctrl-C,
kill -9, no network), the next one knows of it, what it may cost, and how it is brought down. No secret is in it."""

import os
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import msgspec
from msgspec import structs

from bashgym import jsonl, paths, processes
from bashgym.errors import RunFailed
from bashgym.records import Record, Submission

PAST = "rented.json"  # in a run's folder: what became of its last machine
State = Literal["launching", "running", "ending", "gone", "stuck"]


class Rented(Record, frozen=True, kw_only=True):
    """One rented thing. `config` is the validated preset, which names secrets and holds none."""

    id: str
    cloud: str  # as its user calls it: runpod, hf_jobs ...
    plugin: str
    config: dict[str, Any]
    submission: Submission
    name: str  # the cluster's or the hosted job's
    began: float  # seconds since 1970, as `deadline`
    usd_per_hour: float | None = None
    max_usd: float = 0.0
    max_hours: float = 0.0
    deadline: float = 0.0
    pid: int = 0  # of the program that follows it, and when that started (see bashgym/processes.py)
    start: str = ""
    state: State = "launching"
    by_hand: str = ""  # the command by which a person brings it down
    # the plugin's own: ids of requests, restarts, what was spent on earlier machines
    notes: dict[str, Any] = msgspec.field(default_factory=dict)


def folder() -> Path:
    place = paths.home() / "rented"
    place.mkdir(parents=True, exist_ok=True, mode=0o700)
    return place


def opened(
    submission: Submission, *, cloud: str, plugin: str, config: dict[str, Any], name: str, **more: Any
) -> Rented:
    """A new entry, on disk when this returns, followed by this process; `more` are fields of Rented."""
    entry = Rented(
        id=submission.id,
        cloud=cloud,
        plugin=plugin,
        config=config,
        submission=submission,
        name=name,
        began=more.pop("began", time.time()),
        pid=os.getpid(),
        start=processes.start_of(os.getpid()),
        **more,
    )
    return written(entry)


def new_id() -> str:
    """For a submission: short enough for the name of a cluster, unlike any other."""
    return uuid.uuid4().hex[:12]


def updated(entry: Rented, **changes: Any) -> Rented:
    """The entry with other values, on disk when this returns."""
    return written(structs.replace(entry, **changes))


def followed(entry: Rented) -> Rented:
    """The entry, from now on followed by this process."""
    return updated(entry, pid=os.getpid(), start=processes.start_of(os.getpid()))


def closed(entry: Rented) -> Rented:
    """For a thing that was seen to be gone: no entry is left of it."""
    (folder() / f"{entry.id}.json").unlink(missing_ok=True)
    return structs.replace(entry, state="gone")


def written(entry: Rented) -> Rented:
    jsonl.replace(folder() / f"{entry.id}.json", msgspec.json.format(msgspec.json.encode(entry)) + b"\n")  # mode 0600
    return entry


def all_open() -> list[Rented]:
    """Whatever may still cost, the oldest first. Raises RunFailed for an entry that cannot be read."""
    return sorted(entries(), key=lambda entry: entry.began)


def entries() -> Iterator[Rented]:
    place = paths.home() / "rented"
    for file in place.glob("[!.]*.json") if place.is_dir() else ():
        try:
            yield msgspec.json.decode(file.read_bytes(), type=Rented)
        except FileNotFoundError:
            continue  # closed meanwhile
        except ValueError as error:
            raise RunFailed(
                f"{file}: what is rented cannot be read ({error}); look at your cloud's own page whether a machine is "
                "up, end it there, then delete this file"
            ) from None


def of(submission_id: str) -> Rented | None:
    """The open entry of a submission."""
    return next((entry for entry in entries() if entry.submission.id == submission_id), None)


def of_folder(run: Path) -> Rented | None:
    """The newest open entry of the job in a run's folder."""
    found = [entry for entry in all_open() if Path(entry.submission.folder) == run]
    return found[-1] if found else None


def past(run: Path) -> dict[str, Any]:
    """What became of the last machine of a run's folder, and what it took; empty where there was none."""
    path = run / PAST
    told: dict[str, Any] = jsonl.parse(path.read_bytes()) if path.exists() else {}
    return told


def orphans() -> list[Rented]:
    """Open entries that no living program follows."""
    return [entry for entry in all_open() if not alive(entry)]


def alive(entry: Rented) -> bool:
    """Whether the program that follows it still runs."""
    return processes.leads(processes.Tree(entry.pid, entry.start, ""))
