"""What SkyPilot says to a task: one process answers for all clouds, as starting it takes longer than any answer."""

import atexit
import importlib.util
import json
import os
import select
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import IO, Any, NamedTuple

from bashgym.errors import MissingPackage, RunFailed
from bashgym.rented import catalogue

TIMEOUT = 300  # seconds; an answer takes a tenth of one, SkyPilot's start two, a hundred on a machine that is too busy
ENDING = 30  # seconds from its last word to its end


class Process(NamedTuple):
    """The answering process, and the state of the price lists that it has read."""

    child: "subprocess.Popen[bytes]"
    errors: IO[bytes]
    lists: dict[str, tuple[int, int]]


lock = threading.Lock()
running: list[Process] = []  # one at most


def ask(cloud: str, task: Path, **question: Any) -> dict[str, Any]:
    """What SkyPilot says to a task file (see bashgym/rented/answer.py for the shapes).

    Raises MissingPackage without skypilot, RunFailed when it breaks or does not answer in time."""
    if importlib.util.find_spec("sky") is None:
        raise MissingPackage("skypilot", "cloud")
    home = catalogue.place(catalogue.QUOTES)
    question = {"task": str(task), "prices": str(home / catalogue.PRICES / cloud / "vms.csv"), **question}
    with lock:
        process = started(home)
        line = told(process, json.dumps(question).encode() + b"\n")
        if not line and rested(process):
            process = started(home)
            line = told(process, json.dumps(question).encode() + b"\n")
        if not line.endswith(b"\n"):
            said = last_words(process)
            ended()
            raise RunFailed(f"SkyPilot could not judge {task}: {said}")
    answer: dict[str, Any] = json.loads(line)
    return answer


def beforehand() -> None:
    """Starts the process for questions that are about to come, where price lists are in their place."""
    home = catalogue.place(catalogue.QUOTES)
    if importlib.util.find_spec("sky") and (home / catalogue.INDEX).exists():
        with lock:
            started(home)


def started(home: Path) -> Process:
    """The process that runs, or a new one where the price lists it has read are no longer those on the disk."""
    found = [(path, path.stat()) for path in sorted((home / catalogue.PRICES).glob("*/*.csv"))]
    lists = {str(path): (stat.st_mtime_ns, stat.st_size) for path, stat in found}
    # a list that has come since is read when it is first needed
    if running and running[0].lists.items() <= lists.items() and running[0].child.poll() is None:
        return running[0]
    ended()
    errors = tempfile.TemporaryFile()  # noqa: SIM115 (open as long as the process runs)
    child = subprocess.Popen(
        [sys.executable, "-m", "bashgym.rented.answer"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=errors,
        cwd=home,
        env=catalogue.variables(home),
    )
    running.append(Process(child, errors, lists))
    return running[0]


def told(process: Process, question: bytes) -> bytes:
    """One line of answer; less than a line where the process ended, or the time was up."""
    into, out = process.child.stdin, process.child.stdout
    assert into is not None and out is not None
    try:
        into.write(question)
        into.flush()
    except BrokenPipeError:
        return b""
    line, end = b"", time.monotonic() + TIMEOUT
    while not line.endswith(b"\n"):
        if not select.select([out], [], [], max(0.0, end - time.monotonic()))[0]:
            return line
        part = os.read(out.fileno(), 65536)
        if not part:
            return line
        line += part
    return line


def rested(process: Process) -> bool:
    """Whether it has ended because nobody had asked it for a while: it tells so only when all of it is unloaded."""
    try:
        return process.child.wait(ENDING) == 0
    except subprocess.TimeoutExpired:
        return False


def last_words(process: Process) -> str:
    process.errors.seek(0)
    lines = process.errors.read().decode(errors="replace").strip().splitlines()
    return lines[-1][:300] if lines else f"no answer within {TIMEOUT} seconds; try again"


@atexit.register
def ended() -> None:
    """Ends the process; it would end by itself when its standard input is closed."""
    for process in running:
        process.child.kill()
        process.child.wait()
        for pipe in (process.child.stdin, process.child.stdout):
            if pipe is not None:
                pipe.close()
    running.clear()
