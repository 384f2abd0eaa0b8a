"""Claude Code's session files as they lie in a projects folder, and in the archive, which mirrors it.

Beside hooks/archive.py, which loads it by this name; standard library only, any Python from 3.8."""

from __future__ import annotations

import gzip
import json
import os
import re
import zlib
from typing import Any, Iterator

BLOCK = 1 << 20
PART = ".part-"  # how the name of an unfinished copy begins
CWD = re.compile(rb'"cwd"\s*:\s*("(?:[^"\\]|\\.)*")')
OWNER = re.compile(rb'"sessionId"\s*:\s*"([A-Za-z0-9-]{1,64})"')
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def sessions(root: str, slug: str = "") -> dict[str, list[str]]:
    """{`slug/id` of a session: its files, relative to `root`}; of a projects folder and of an archive alike."""
    found: dict[str, list[str]] = {}
    for folder in [slug] if slug else directories(root):
        for entry in sorted(os.scandir(os.path.join(root, folder)), key=lambda one: one.name):
            if entry.is_file(follow_symlinks=False) and ".jsonl" in entry.name and not entry.name.startswith("."):
                name = entry.name.partition(".jsonl")[0]
                owner = (owner_of(entry.path) if name.startswith("agent-") else None) or name
                found.setdefault(folder + "/" + owner, []).append(folder + "/" + entry.name)
            elif entry.is_dir(follow_symlinks=False) and belongs(root, folder, entry.name):
                inner = [os.path.relpath(path, root) for path in files_below(entry.path)]
                found.setdefault(folder + "/" + entry.name, []).extend(inner)
    return {session: files for session, files in found.items() if files}


def directories(root: str) -> list[str]:
    return sorted(entry.name for entry in os.scandir(root) if entry.is_dir()) if os.path.isdir(root) else []


def belongs(root: str, folder: str, name: str) -> bool:
    """Whether the folder `name` beside the sessions is a session's own."""
    return bool(UUID.fullmatch(name)) or os.path.exists(os.path.join(root, folder, name + ".jsonl"))


def files_below(folder: str) -> Iterator[str]:
    for place, _, names in os.walk(folder):
        for path in (os.path.join(place, name) for name in sorted(names) if not name.startswith(PART)):
            if os.path.isfile(path) and not os.path.islink(path):
                yield path


def owner_of(path: str) -> str | None:
    """The id of the session that a sub-agent's file names in its first lines."""
    try:
        with (gzip.open if path.endswith(".gz") else open)(path, "rb") as file:
            found = OWNER.search(file.read(BLOCK))
    except (OSError, EOFError, zlib.error):
        return None
    return found.group(1).decode() if found else None


def newest(root: str, files: list[str]) -> int:
    """The latest modification time, in ns, of `files` that are still there."""
    times = []
    for name in files:
        try:
            times.append(os.stat(os.path.join(root, name)).st_mtime_ns)
        except OSError:
            continue
    return max(times, default=0)


def folders(path: str) -> set[str]:
    """Every distinct `cwd` in the JSON of a file; of one that is gone, none."""
    found = set()
    try:
        with open(path, "rb") as file:
            for line in file:
                found.update(CWD.findall(line))
    except FileNotFoundError:
        return set()
    return {cwd for cwd in map(value, found) if cwd}


def value(raw: bytes) -> Any:
    """What a line or a quoted string says; None where it is damaged."""
    try:
        return json.loads(raw)
    except ValueError:
        return None
