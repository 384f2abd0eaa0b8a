"""What was spent today, by all processes of this machine together. Money is set aside before a request is sent, at
the most it can cost, and what is left is given back: two workers never spend the last dollar twice."""

import fcntl
import hashlib
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from bashgym import jsonl, paths


class Purse:
    """The ledger of one model at one address: `$BASHGYM_HOME/spent/<day>.jsonl`, a line for each movement."""

    def __init__(self, url: str, model: str) -> None:
        self.who = hashlib.sha256(f"{url} {model}".encode()).hexdigest()[:16]

    def set_aside(self, usd: float, limit: float | None) -> str | None:
        """The name of the sum set aside; None where the day's limit has no room for it."""
        with opened() as file:
            if limit is not None and self.total(file) + usd > limit:
                return None
            name = secrets.token_hex(8)
            jsonl.append(file, {"who": self.who, "name": name, "usd": usd})
            return name

    def settle(self, name: str, set_aside: float, usd: float) -> None:
        """The request cost `usd`."""
        with opened() as file:
            jsonl.append(file, {"who": self.who, "name": name, "usd": usd - set_aside})

    def spent(self) -> float:
        """USD of today, sums still set aside included."""
        with opened() as file:
            return self.total(file)

    def total(self, file: Path) -> float:
        moved = [line.value for line in jsonl.read_lines(file)]
        return max(0.0, sum(one["usd"] for one in moved if isinstance(one, dict) and one.get("who") == self.who))


@contextmanager
def opened() -> Iterator[Path]:
    """Today's ledger, for this process alone."""
    folder = paths.home() / "spent"
    folder.mkdir(exist_ok=True, mode=0o700)
    with (folder / ".lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        file = folder / f"{datetime.now(UTC):%Y-%m-%d}.jsonl"
        os.close(os.open(file, os.O_CREAT | os.O_WRONLY, 0o600))
        yield file
