"""What is run in a box, within which limits, and what comes of it. Standard library only, like all of this room."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, Protocol


class NoBox(Exception):
    """No box works on this machine, so nothing is run; the message says what to install."""


@dataclass(frozen=True)
class Limits:
    """What one command may take. Memory and processes count for the whole tree, CPU seconds for each process."""

    seconds: float = 60.0
    cpu_seconds: int = 60
    memory_mb: int = 2048
    processes: int = 256  # threads count as processes
    file_mb: int = 256  # of one file
    disk_mb: int = 2048  # of all files together, as far as the disk's free space tells
    output_bytes: int = 1_000_000  # of each of stdout and stderr: the beginning and the end are kept


@dataclass(frozen=True)
class Command:
    """One command. `folder` is the only place it may write, beside a temporary one of its own that is removed.

    `at` is the path under which it sees the folder (only where the box can do that, see Box.maps); `cwd` is relative
    to the folder; `readable` are folders it may read beside the system's, at their own paths. The environment is
    cleared: it sees what `environment` says, and PATH, HOME, TMPDIR, LANG and USER of the box."""

    argv: tuple[str, ...]
    folder: Path
    at: Path | None = None
    cwd: str = "."
    readable: tuple[Path, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    stdin: bytes = b""
    limits: Limits = field(default_factory=Limits)


class Result(NamedTuple):
    """How a command ended. `exit_code` is 128 + N where signal N ended it.

    `killed_by` is empty, or what the box ended it for: time, cpu, memory, processes, disk, file size, signal N."""

    exit_code: int
    stdout: str
    stderr: str
    cut: bool  # output was left out; a line in its place says how much
    seconds: float
    killed_by: str = ""


class Box(Protocol):
    """One way to keep a command in."""

    name: str
    maps: bool  # whether a folder can be seen under another path

    def lacking(self) -> str:
        """What is missing that it could be tried at all, and how to get it; empty where nothing is."""

    def run(self, command: Command) -> Result:
        """Runs the command to its end; nothing of its tree is left when this returns."""
