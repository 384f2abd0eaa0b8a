"""Which Claude Code runs here: what the programs say of themselves, and what recent sessions were written with."""

import re
import shutil
import stat
import subprocess
import time
from pathlib import Path
from typing import NamedTuple

from bashgym import paths
from bashgym.capture.events import ordered

RECENT = 7 * 86_400  # seconds: a client whose last session is older is taken to be gone
TAIL = 1 << 18  # bytes of a session's end in which its last version is looked for
LOOKED_AT = 40  # sessions, the newest
ASK = 20.0  # seconds a client has to say its version
VERSION = re.compile(rb'"version"\s*:\s*"(\d+\.\d+\.\d+[^"]*)"')
SAID = re.compile(r"\d+\.\d+\.\d+\S*")


class Client(NamedTuple):
    """A version and where it was seen: a program's path, or `sessions`."""

    version: str
    where: str


def clients() -> list[Client]:
    """All that are known here, the oldest first. Runs each `claude` found with --version."""
    found = {Client(version, str(path)) for path in programs() if (version := asked(path))}
    found |= {Client(version, "sessions") for version in written_lately()}
    return sorted(found, key=lambda one: (ordered(one.version), one.where))


def programs() -> list[Path]:
    """The programs that a user may start, links followed."""
    places = [shutil.which("claude"), paths.claude_home() / "local" / "claude", Path.home() / ".local/bin/claude"]
    found = [Path(place).resolve() for place in places if place and Path(place).is_file()]
    return list(dict.fromkeys(found))


def asked(program: Path) -> str | None:
    """What `claude --version` says; None where it says nothing."""
    try:
        done = subprocess.run(
            [program, "--version"], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=ASK
        )
    except (OSError, subprocess.TimeoutExpired, UnicodeDecodeError):
        return None
    found = SAID.search(done.stdout)
    return found.group() if found else None


def written_lately() -> set[str]:
    """Versions in the ends of the newest sessions."""
    recent = []
    for path in (paths.claude_home() / "projects").glob("*/*.jsonl"):
        try:
            looked = path.stat()
        except OSError:
            continue  # deleted this very moment
        if stat.S_ISREG(looked.st_mode) and time.time() - looked.st_mtime < RECENT:  # a pipe would be waited on
            recent.append((looked.st_mtime, path))
    return {version for _, path in sorted(recent, reverse=True)[:LOOKED_AT] if (version := last_version(path))}


def last_version(path: Path) -> str | None:
    """The version that the last lines of a session were written with."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - TAIL))
            found = VERSION.findall(file.read())
    except OSError:
        return None
    return found[-1].decode("ascii", "replace") if found else None
