"""The life of one rented machine: what it may take, what is noted of it, how it can end.

What is done next is in launching.py, watching.py and ending.py, in this order. None of them talks to a cloud: `Sky`
(client.py) does, and time is a clock that is given, so that whole lives run in a test within milliseconds. What must
outlive this program is in the ledger before it is needed there."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from bashgym.records import Progress
from bashgym.rented import ledger
from bashgym.rented.client import Sky, SkyError

BACK_OFF = (1.0, 2.0, 5.0, 10.0, 20.0, 40.0, 60.0)  # seconds between tries while the network is away
# what SkyPilot raises when its own server or the network is away, and nothing is known of what was asked
AWAY = (
    "Connection",
    "Timeout",
    "ServerTemporarily",
    "Interrupted",
    "NetworkError",
    "StatusFetching",
    "ChunkedEncoding",
)


class Outcome(NamedTuple):
    """How an attempt ended: succeeded, failed, cancelled, or lost (its machine is not there any more)."""

    state: str
    reason: str = ""
    exit_code: int | None = None


class Clock(NamedTuple):
    now: Callable[[], float]
    sleep: Callable[[float], None]


CLOCK = Clock(time.time, time.sleep)


class Bounds(NamedTuple):
    """What a life may take: the values of a preset of conf/cloud/."""

    max_hourly_usd: float
    max_hours: float
    max_usd: float
    launch_minutes: int
    idle_minutes: int
    max_restarts: int = 0
    free: bool = False  # machines of the user's own, which have no price


@dataclass
class Life:
    """`entry` is the ledger's, and this program is the one that follows it. Its notes: attempt; asked (a launch was
    asked for), request, job (SkyPilot's ids); launch_by, machine_began (seconds since 1970); spent_usd (on machines
    before this one); outcome; fetched."""

    sky: Sky
    entry: ledger.Rented
    bounds: Bounds
    secrets: Mapping[str, str] = field(default_factory=dict)
    clock: Clock = CLOCK

    @property
    def folder(self) -> Path:
        return Path(self.entry.submission.folder)

    @property
    def attempt(self) -> int:
        return int(self.get("attempt") or 1)

    def get(self, name: str) -> Any:
        return self.entry.notes.get(name)

    def note(self, **notes: Any) -> None:
        self.update(notes={**self.entry.notes, **notes})

    def update(self, **changes: Any) -> None:
        self.entry = ledger.updated(self.entry, **changes)

    def spent(self) -> float:
        """Dollars up to now: an estimate, from the price and the time since a machine was first asked for."""
        began = self.get("machine_began")
        price = self.entry.usd_per_hour if self.entry.usd_per_hour is not None else self.bounds.max_hourly_usd
        now = (self.clock.now() - began) / 3600 * price if began else 0.0
        return float(self.get("spent_usd") or 0.0) + now

    def seconds(self) -> int:
        """What is left for a job on a machine yet to be rented, its start and idling at the dearest price taken off."""
        hours = self.bounds.max_hours - (self.clock.now() - self.entry.began) / 3600
        if not self.bounds.free:
            hours = min(hours, (self.bounds.max_usd - self.spent()) / self.bounds.max_hourly_usd)
        return round(hours * 3600) - 60 * (self.bounds.launch_minutes + self.bounds.idle_minutes)

    def wait(self, tries: int) -> None:
        """Before the next try, the longer the more there were."""
        self.clock.sleep(BACK_OFF[min(tries, len(BACK_OFF) - 1)])


def lost_touch(error: SkyError) -> bool:
    """Whether nothing is known of what was asked; else SkyPilot has said no."""
    return any(word in error.type for word in AWAY) or "start SkyPilot API server" in str(error)


def log(text: str) -> Progress:
    return Progress(kind="log", data={"message": text})
