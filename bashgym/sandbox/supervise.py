"""A box's process from start to end: output collected and capped, limits watched, the whole tree ended."""

import os
import select
import selectors
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, NamedTuple

from bashgym.sandbox.command import Command, Limits, Result
from bashgym.sandbox.system import MB

TICK = 0.05  # seconds between two looks
PATIENCE = 3.0  # seconds the box has to end its tree before we do
PAGE = os.sysconf("SC_PAGE_SIZE")
BY_SIGNAL = {signal.SIGXCPU: "cpu", signal.SIGXFSZ: "file size"}


class Start(NamedTuple):
    """How a box is started: what is run on this machine, with which environment, open files and preparation."""

    argv: Sequence[str]
    environment: Mapping[str, str]
    prepare: Callable[[], None] | None = None
    pass_fds: tuple[int, ...] = ()
    ending: signal.Signals = signal.SIGKILL  # what makes the box end its tree
    watched: bool = True  # whether the tree runs below the process, where its memory can be seen
    at_kill: Callable[[], None] | None = None


class Output:
    """The beginning and the end of a stream; the middle of a long one is counted and left out."""

    def __init__(self, limit: int) -> None:
        self.half = max(1, limit // 2)
        self.head, self.tail, self.left_out = bytearray(), bytearray(), 0

    def add(self, data: bytes) -> None:
        room = self.half - len(self.head)
        self.head += data[:room]
        self.tail += data[room:] if room > 0 else data
        if len(self.tail) > 2 * self.half:
            self.shorten()

    def shorten(self) -> None:
        over = max(0, len(self.tail) - self.half)
        self.left_out += over
        del self.tail[:over]

    def text(self) -> str:
        self.shorten()
        mark = f"\n[... {self.left_out} bytes left out ...]\n".encode() if self.left_out else b""
        return bytes(self.head + mark + self.tail).decode("utf-8", "replace")


def supervise(start: Start, command: Command, places: Sequence[Path]) -> Result:
    """Runs a box to its end. `places` are the folders on this machine that the command can fill."""
    limits = command.limits
    outputs = {"stdout": Output(limits.output_bytes), "stderr": Output(limits.output_bytes)}
    began = time.monotonic()
    with tempfile.TemporaryFile() as stdin:
        stdin.write(command.stdin)
        stdin.seek(0)
        process = subprocess.Popen(
            start.argv,
            env=dict(start.environment),
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            preexec_fn=start.prepare,
            pass_fds=start.pass_fds,
            start_new_session=True,
        )
    killed_by = ""
    try:
        killed_by = follow(process, start, limits, places, outputs, began)
    finally:
        end(process, start)
    seconds = time.monotonic() - began
    return result(process.returncode, outputs, seconds, killed_by)


def follow(
    process: "subprocess.Popen[bytes]",
    start: Start,
    limits: Limits,
    places: Sequence[Path],
    outputs: Mapping[str, Output],
    began: float,
) -> str:
    """Reads what it prints until it ends; why it has to be killed, or nothing."""
    free = {place: os.statvfs(place).f_bavail * os.statvfs(place).f_frsize for place in places}
    with selectors.DefaultSelector() as streams:
        for name, output in outputs.items():
            streams.register(getattr(process, name), selectors.EVENT_READ, output)
        looked = began
        while streams.get_map():
            for key, _ in streams.select(TICK):
                take(streams, key)
            now = time.monotonic()
            if now - began > limits.seconds:
                return "time"
            if now - looked >= TICK:
                looked = now
                if why := exceeded(process.pid if start.watched else 0, limits, free):
                    return why
                if process.poll() is not None and not streams.select(0):
                    return ""  # a stream is still open, but who could write to it is gone
    return "" if ended(process, limits.seconds - (time.monotonic() - began)) else "time"


def ended(process: "subprocess.Popen[bytes]", seconds: float) -> bool:
    """Waits until the process has ended; Popen.wait with a limit would sleep for up to 50 ms between two looks."""
    if not hasattr(os, "pidfd_open"):
        try:
            process.wait(max(0.0, seconds))
        except subprocess.TimeoutExpired:
            return False
        return True
    if process.poll() is None:
        descriptor = os.pidfd_open(process.pid)
        try:
            looked = select.poll()  # select.select takes no descriptor above 1023
            looked.register(descriptor, select.POLLIN)
            looked.poll(max(0.0, seconds) * 1000)
        finally:
            os.close(descriptor)
    return process.poll() is not None


def take(streams: selectors.BaseSelector, key: selectors.SelectorKey) -> None:
    """What a stream has now; what is beyond the cap is read and left out, so that nobody has to wait."""
    file: IO[bytes] = key.fileobj  # type: ignore[assignment]
    if data := os.read(file.fileno(), 1 << 16):
        key.data.add(data)
    else:
        streams.unregister(file)


def exceeded(pid: int, limits: Limits, free: Mapping[Path, int]) -> str:
    """The limit of the whole tree that was crossed, or nothing."""
    if pid:
        tree = descendants(pid)
        if sum(threads(one) for one in tree) > limits.processes:
            return "processes"
        if sum(map(resident, tree)) > limits.memory_mb * MB and sum(map(proportional, tree)) > limits.memory_mb * MB:
            return "memory"
    for place, before in free.items():
        status = os.statvfs(place)
        if before - status.f_bavail * status.f_frsize > limits.disk_mb * MB and size(place) > limits.disk_mb * MB:
            return "disk"
    return ""


def end(process: "subprocess.Popen[bytes]", start: Start) -> None:
    """Ends the box and everything below it; returns when nobody is left."""
    tree = descendants(process.pid) if start.watched else []
    if process.poll() is None:
        if start.at_kill:
            start.at_kill()
        process.send_signal(start.ending)
        if not ended(process, PATIENCE):
            tree = descendants(process.pid)
            process.kill()
            process.wait()
    for stream in (process.stdout, process.stderr):
        if stream:
            stream.close()
    deadline = time.monotonic() + PATIENCE
    while (left := [one for one in tree if same(one)]) and time.monotonic() < deadline:
        for one in left:
            kill(one.pid)
        time.sleep(0.002)


class Task(NamedTuple):
    """A process below a box; `start` tells it from a later one with its pid."""

    pid: int
    start: str


def result(code: int, outputs: Mapping[str, Output], seconds: float, killed_by: str) -> Result:
    code = 128 - code if code < 0 else code
    texts = {name: output.text() for name, output in outputs.items()}
    if not killed_by and code > 128:
        try:
            number = signal.Signals(code - 128)
            killed_by = BY_SIGNAL.get(number, f"signal {number.value}")
        except ValueError:
            killed_by = ""  # a command may end with any number
    cut = any(output.left_out for output in outputs.values())
    return Result(code, texts["stdout"], texts["stderr"], cut, round(seconds, 3), killed_by)


def descendants(pid: int) -> list[Task]:
    """All processes below `pid`, which is not among them."""
    found: list[Task] = []
    pending = [pid]
    while pending:
        for child in children(pending.pop()):
            if task := task_of(child):
                found.append(task)
                pending.append(child)
    return found


def children(pid: int) -> list[int]:
    """Children of all threads of a process; empty where it has ended."""
    found: list[int] = []
    try:
        for thread in os.listdir(f"/proc/{pid}/task"):  # noqa: PTH208
            with open(f"/proc/{pid}/task/{thread}/children", encoding="ascii") as file:  # noqa: PTH123
                found += map(int, file.read().split())
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return found  # ended meanwhile
    return found


def fields(pid: int) -> list[str]:
    """Fields of /proc/PID/stat from the third on; empty where the process has ended."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:  # noqa: PTH123
            return file.read().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return []


def task_of(pid: int) -> Task | None:
    known = fields(pid)
    return Task(pid, known[19]) if known and known[0] not in "ZX" else None


def same(task: Task) -> bool:
    return task_of(task.pid) == task


def threads(task: Task) -> int:
    known = fields(task.pid)
    return int(known[17]) if known else 0


def resident(task: Task) -> int:
    """Bytes in memory, shared ones counted in each process."""
    known = fields(task.pid)
    return int(known[21]) * PAGE if known else 0


def proportional(task: Task) -> int:
    """Bytes in memory, a page that N processes share counted as a Nth in each; `resident` where that is not told."""
    try:
        text = Path(f"/proc/{task.pid}/smaps_rollup").read_text(encoding="ascii")
        return sum(int(line.split()[1]) << 10 for line in text.splitlines() if line.startswith("Pss:"))
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return resident(task)


def kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return  # ended meanwhile


def size(folder: Path) -> int:
    """Bytes that a tree takes on the disk."""
    total = 0
    for place, _, files in os.walk(folder):
        for name in files:
            try:
                total += os.lstat(os.path.join(place, name)).st_blocks * 512  # noqa: PTH118
            except FileNotFoundError:
                continue  # removed meanwhile
    return total
