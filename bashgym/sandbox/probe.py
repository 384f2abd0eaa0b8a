"""Whether a box keeps its word on this machine: escapes are tried in it for real before anything else is run."""

import json
import os
import socket
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from bashgym.sandbox.command import Box, Command, Limits, NoBox, Result
from bashgym.sandbox.supervise import kill

SCRIPT = Path(__file__).with_name("attempts.py")
# enough for a Python and its import of sockets; the attempts take twice the memory
LIMITS = Limits(seconds=20, cpu_seconds=10, memory_mb=256, processes=24, file_mb=1, disk_mb=64, output_bytes=10_000)
ALLOWED = {"write inside"}
OWN = {"PATH", "HOME", "TMPDIR", "LANG", "USER", "LC_CTYPE", "HOSTNAME", "PWD", "SHLVL", "OLDPWD", "_"}


class Bait(NamedTuple):
    """What a box must not reach: a folder with a secret that everybody may read, a server, a process."""

    folder: Path
    port: int
    connections: list[socket.socket]
    pid: "subprocess.Popen[bytes]"


def probe(box: Box) -> str:
    """Empty where the box holds; else the first thing that is wrong with it, in a few words."""
    if why := box.lacking():
        return why
    said = "no Python runs in it"
    for python, readable in interpreters():
        try:
            found, said = attempt(box, python, readable)
        except (NoBox, OSError, ValueError) as error:
            return f"it does not start: {error}"
        if found:
            return said
    return said


def interpreters() -> Iterator[tuple[str, tuple[Path, ...]]]:
    """Pythons that the box may be able to start, the system's own first."""
    for path in ("/usr/bin/python3", "/usr/local/bin/python3"):
        if Path(path).exists():
            yield path, ()
    own = Path(sys.executable).resolve()
    yield str(own), (Path(sys.base_prefix).resolve(),)
    yield "python3", ()  # of an image


def attempt(box: Box, python: str, readable: tuple[Path, ...]) -> tuple[bool, str]:
    """Whether the attempts could be made, and what was wrong with the box."""
    mark = uuid.uuid4().hex
    with bait() as there, tempfile.TemporaryDirectory(prefix="bashgym-probe-") as folder:
        Path(folder).chmod(0o700)
        told: dict[str, Any] = {"outside": str(there.folder), "port": there.port, "pid": there.pid.pid, "mark": mark}
        told |= {"memory_mb": LIMITS.memory_mb, "processes": LIMITS.processes}
        argv = (python, "-I", "-S", "-c", SCRIPT.read_text(encoding="utf-8"), json.dumps(told))
        result = box.run(Command(argv, Path(folder), readable=readable, limits=LIMITS))
        try:
            answer = json.loads(result.stdout)
        except ValueError:
            return False, f"it does not start {python}: {last(result)}"
        return True, "; ".join([*wrong(answer), *seen(there, Path(folder), mark)]) or timed(box, Path(folder))


def last(result: Result) -> str:
    lines = result.stderr.strip().splitlines()
    return f"exit code {result.exit_code}{f', killed by {result.killed_by}' if result.killed_by else ''}" + (
        f": {lines[-1][:200]}" if lines else ""
    )


def wrong(answer: dict[str, Any]) -> Iterator[str]:
    """What an attempt itself tells: one that had to fail and did not, or the other way round."""
    for name, why in answer["answers"].items():
        if bool(why) == (name in ALLOWED):
            yield (
                f"it {'forbids' if why else 'allows'} to {name}"
                if name not in ("memory", "processes")
                else (f"its limit on {name} does nothing")
            )
    if more := set(answer["environment"]) - OWN:
        yield f"it shows variables of this machine: {', '.join(sorted(more))}"


def seen(there: Bait, folder: Path, mark: str) -> Iterator[str]:
    """What is to be seen from outside of the same attempts."""
    if not (folder / "inside").exists():
        yield "what it writes does not arrive"
    if (there.folder / "written").exists():
        yield "a file outside was written"
    if there.pid.poll() is not None:
        yield "a process outside was ended"
    for survivor in survivors(mark):
        yield f"process {survivor} lives on"
        kill(survivor)


def survivors(mark: str) -> list[int]:
    """Processes of this machine with the mark in their arguments."""
    found = []
    for name in os.listdir("/proc") if Path("/proc").is_dir() else []:  # noqa: PTH208
        try:
            if name.isdigit() and mark.encode() in Path(f"/proc/{name}/cmdline").read_bytes():
                found.append(int(name))
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            continue  # ended meanwhile
    return found


def timed(box: Box, folder: Path) -> str:
    """The limit on time."""
    result = box.run(Command(("sleep", "20"), folder, limits=Limits(seconds=0.2)))
    if result.killed_by != "time" or result.seconds > 10:
        return f"its limit on time does nothing: {last(result)}"
    return ""


@contextmanager
def bait() -> Iterator[Bait]:
    with tempfile.TemporaryDirectory(prefix="bashgym-bait-") as name, socket.socket() as server:
        folder = Path(name)
        folder.chmod(0o777)
        secret = folder / "secret"
        secret.write_text("x", encoding="ascii")
        secret.chmod(0o666)
        server.bind(("127.0.0.1", 0))
        server.listen()
        with socket.socket(socket.AF_UNIX) as local:
            local.bind(f"{name}/socket")
            local.listen()
            Path(name, "socket").chmod(0o777)
            process = subprocess.Popen(["sleep", "60"])
            try:
                yield Bait(folder, server.getsockname()[1], [server, local], process)
            finally:
                process.kill()
                process.wait()
