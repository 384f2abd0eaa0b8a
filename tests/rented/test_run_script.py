"""The script of a rented machine, run by bash with a trainer that wants to live for ever."""

import os
import signal
import subprocess
import time
from pathlib import Path

from bashgym.rented.task import fill

TRAINER = """#!/bin/bash
trap '' TERM INT HUP
setsid sleep 4321 &
echo $! > child
echo started
while :; do sleep 1; done
"""


def started(folder: Path, seconds: int) -> subprocess.Popen:
    (folder / "job").mkdir(parents=True)
    (folder / "trainer").write_text(TRAINER)
    (folder / "trainer").chmod(0o755)
    values = {"there": "job", "seconds": 99, "reserve": 90, "exports": [], "push": False, "output": "out"}
    script = fill("run.sh", command=f"{folder}/trainer", **values)
    variables = {"HOME": str(folder), "PATH": os.environ["PATH"], "BASHGYM_SECONDS": str(seconds)}
    out = (folder / "said").open("wb")
    return subprocess.Popen(["bash", "-c", script], env=variables, stdout=out, start_new_session=True)


def runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def child(folder: Path) -> int:
    while not (folder / "job" / "child").exists() or not (folder / "job" / "child").read_text().strip():
        time.sleep(0.05)
    return int((folder / "job" / "child").read_text())


def test_a_trainer_that_ignores_sigterm_ends_at_the_limit_and_all_it_started(tmp_path):
    """Also where the script itself was killed: what counts the seconds is a process of its own."""
    whole, headless = tmp_path / "whole", tmp_path / "headless"
    ends, orphan = started(whole, 4), started(headless, 4)
    pids = [child(whole), child(headless)]
    os.kill(orphan.pid, signal.SIGKILL)
    orphan.wait()
    assert runs(pids[1])
    assert ends.wait(60) == 137
    said = (whole / "said").read_text().splitlines()
    assert said == ["bashgym log 1 1 started", "bashgym limit 1 1 ", "bashgym exit 1 1 137"]
    deadline = time.monotonic() + 30
    while any(runs(pid) for pid in pids) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not any(runs(pid) for pid in pids)
    assert not (whole / "job" / "result.sha256").exists()  # of half a training there is no list
