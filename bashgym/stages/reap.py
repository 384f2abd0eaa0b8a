"""What earlier programs rented and nobody follows now: looked at when a run starts, ended where it is of no use."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from bashgym import registry
from bashgym.config import validate
from bashgym.errors import BashGymError
from bashgym.rented import ledger


def sweep(folder: Path, say: Callable[[str], None]) -> None:
    """At the start of a run in `folder`, whose own machine it takes up later (stages/job.py).

    A training that goes on for another run within its limits is left alone, and told; anything else is ended."""
    ending = []
    for entry in ledger.orphans():
        if Path(entry.submission.folder) == folder:
            continue
        if at_work(entry, time.time()):
            by = time.strftime("%H:%M", time.localtime(entry.deadline))
            say(
                f"{entry.name} on {entry.cloud} still trains for {entry.submission.folder}, until {by} at the latest: "
                "the command that started it goes on with it, `bashgym clouds reap` ends it"
            )
        else:
            ending.append(entry)
    brought_down(ending, say)


def at_work(entry: ledger.Rented, now: float) -> bool:
    """Whether it trains, or waits with a result for who fetches it; its own limits end it in time."""
    outcome = entry.notes.get("outcome") or {}
    waiting = outcome.get("state") == "succeeded" and not entry.notes.get("fetched")
    return now < entry.deadline and (entry.state == "running" or waiting)


def brought_down(entries: Sequence[ledger.Rented], say: Callable[[str], None]) -> bool:
    """Whether all of them are gone; of those that are not the way by hand is told."""
    gone = True
    for entry in entries:
        say(f"bringing {entry.name} on {entry.cloud} down, which nobody follows any more")
        try:
            cls: Any = registry.load("cloud", entry.plugin)
            cls(validate(cls.Config, entry.config, "cloud")).down(entry.submission)
        except BashGymError as error:
            say(str(error))
            gone = False
    return gone
