"""A command's whole tree of processes: which are in it, and how it is ended so that nothing of it is left."""

import os
import signal
import subprocess
import sys
import time
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

MARK = "BASHGYM_JOB"  # in the environment of a job's processes: finds those that left its process group
POLL = 0.1  # seconds


class Process(NamedTuple):
    """One process of this machine. `start` tells it from a later one with the same pid; `dead` is a zombie."""

    pid: int
    parent: int
    group: int
    start: str
    dead: bool


class Tree(NamedTuple):
    """What is known of a tree: its first process, which leads a session of its own, and its mark."""

    pid: int
    start: str
    mark: str


def running() -> dict[int, Process]:
    """All processes by pid: from /proc where there is one, else from `ps`."""
    return from_proc() if Path("/proc/self/stat").exists() else from_ps()


def from_proc() -> dict[int, Process]:
    found = {}
    for name in os.listdir("/proc"):  # noqa: PTH208 - ten times faster than Path.iterdir, and called in a loop
        if name.isdigit() and (process := one(int(name))):
            found[process.pid] = process
    return found


def one(pid: int) -> Process | None:
    """One process from /proc; None when there is none."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return None
    fields = text.rpartition(")")[2].split()  # the name before may hold blanks and brackets
    return Process(pid, int(fields[1]), int(fields[2]), f"{boot()} {fields[19]}", fields[0] in "ZX")


@lru_cache
def boot() -> str:
    """Start times count from the boot, so the boot is part of them."""
    return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()


def from_ps() -> dict[int, Process]:
    command = ["ps", "-A", "-o", "pid=,ppid=,pgid=,stat=,lstart="]
    text = subprocess.run(command, capture_output=True, text=True, check=True, env={**os.environ, "LC_ALL": "C"}).stdout
    found = {}
    for line in text.splitlines():
        pid, parent, group, state, *start = line.split()
        found[int(pid)] = Process(int(pid), int(parent), int(group), " ".join(start), state.startswith("Z"))
    return found


def start_of(pid: int) -> str:
    """When a process started; empty when it is not there any more."""
    process = one(pid) if sys.platform == "linux" else from_ps().get(pid)
    return process.start if process else ""


def leads(tree: Tree) -> bool:
    """Whether the tree's first process still runs; a later process with its pid does not count."""
    if tree.pid <= 0:
        return False
    process = one(tree.pid) if sys.platform == "linux" else from_ps().get(tree.pid)
    return process is not None and process.start == tree.start and not process.dead


def members(tree: Tree) -> set[int]:
    """Pids of the tree that run: its process group, whoever bears its mark, and all their children."""
    table = running()
    ours = {pid for pid in table if marked(pid, tree.mark)}
    head = table.get(tree.pid)
    same = head.start == tree.start if head else tree.start.startswith(boot()) if sys.platform == "linux" else True
    if tree.pid > 0 and same:  # else the pid, and with it the group, is someone else's by now
        ours |= {process.pid for process in table.values() if process.group == tree.pid}
    size = -1
    while size != len(ours):
        size = len(ours)
        ours |= {process.pid for process in table.values() if process.parent in ours}
    return {pid for pid in ours if not table[pid].dead} - {os.getpid()}


def marked(pid: int, mark: str) -> bool:
    """Whether a process was started with our mark (Linux; elsewhere environments of others cannot be read)."""
    return f"{MARK}={mark}".encode() in told(pid, "environ")


def told(pid: int, name: str) -> list[bytes]:
    """A process's environment (`environ`) or words (`cmdline`), as Linux tells them to its owner; else nothing."""
    try:
        return Path(f"/proc/{pid}/{name}").read_bytes().split(b"\0")
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return []


def end(tree: Tree, interrupt: float, terminate: float) -> set[int]:
    """SIGINT, then SIGTERM, then SIGKILL to all of the tree, with seconds to react in between; returns who is left.

    A second Ctrl-C while it waits ends the patience."""
    try:
        for number, patience in ((signal.SIGINT, interrupt), (signal.SIGTERM, terminate)):
            if patience > 0 and send(tree, number) and emptied(tree, patience):
                return set()
    except KeyboardInterrupt:
        pass
    deadline = time.monotonic() + 10
    while (left := send(tree, signal.SIGKILL)) and time.monotonic() < deadline:
        time.sleep(POLL)
    return left


def send(tree: Tree, number: int) -> set[int]:
    """Sends a signal to all of the tree and returns who they were."""
    pids = members(tree)
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            continue  # ended by itself meanwhile
    return pids


def emptied(tree: Tree, patience: float) -> bool:
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        if not members(tree):
            return True
        time.sleep(POLL)
    return not members(tree)
