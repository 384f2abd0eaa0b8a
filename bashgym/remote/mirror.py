"""The job's metrics and log as they grow on the other machine, written here byte for byte at the same place.

Written by position, so that nothing is doubled after a lost connection, a kill, or by two who follow at once."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from bashgym import underway
from bashgym.errors import RunFailed
from bashgym.remote.ssh import Machine, Unreachable
from bashgym.underway import LOG, METRICS

FIRST, LONGEST = 1.0, 60.0  # seconds between tries to connect again, doubled each time


def offsets(folder: Path, record: dict[str, Any]) -> dict[str, int]:
    """How much of each file over there is here already; this job's metrics begin at `metrics_from` here and there."""
    begun = record["metrics_from_there"] - record["metrics_from"]
    return {METRICS: max(0, underway.size(folder / METRICS) + begun), LOG: underway.size(folder / LOG)}


def put(folder: Path, record: dict[str, Any], told: dict[str, Any]) -> None:
    """Writes one piece; only into the two files that were asked for, whatever the machine says."""
    if told["file"] not in (METRICS, LOG):
        raise RunFailed(f"{record['host']} tells of a file that nobody asked for; look at what runs there")
    file = folder / told["file"]
    begun = record["metrics_from_there"] - record["metrics_from"] if told["file"] == METRICS else 0
    file.parent.mkdir(parents=True, exist_ok=True)
    file.touch()
    with file.open("r+b") as opened:
        opened.seek(told["at"] - begun)
        opened.write(told["data"].encode("latin-1"))


def pieces(machine: Machine, folder: Path, record: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """What is told over one connection, each piece written before it is yielded; the last one holds `state`."""
    arguments = {"folder": record["there"], "mark": record["id"], "offsets": offsets(folder, record)}
    for told in machine.listen("follow", **arguments):
        if "file" in told:
            put(folder, record, told)
        yield told


def lasting(
    machine: Machine, folder: Path, record: dict[str, Any], patience: float, pause: Callable[[float], None] = time.sleep
) -> Iterator[dict[str, Any]]:
    """The same over as many connections as it takes; `lost` (why) is told each time one breaks.

    Raises Unreachable when none could be made for `patience` seconds; the job goes on over there."""
    since, wait = time.monotonic(), FIRST
    while True:
        try:
            for told in pieces(machine, folder, record):
                since, wait = time.monotonic(), FIRST
                yield told
                if "state" in told:
                    return
            why = Unreachable(f"{machine.host}: the connection ended")
        except Unreachable as error:
            why = error
        if time.monotonic() - since > patience:
            raise why
        yield {"lost": str(why)}
        pause(wait)
        wait = min(2 * wait, LONGEST)
