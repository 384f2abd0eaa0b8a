"""How capture stands: where the hooks are registered, whether they can run, what they have kept."""

import os
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from bashgym import jsonl, paths
from bashgym.capture import archive, consent, install, notes, settings
from bashgym.errors import InputError
from bashgym.reading import excluded

BLOCK = 1 << 16
PYTHON = re.compile(r"(/\S+|'[^']+') -I -S ")


class Registered(msgspec.Struct, frozen=True, kw_only=True):
    """One settings file that has our hooks. `current`: as this BashGym would register them."""

    settings: str
    events: tuple[str, ...]
    current: bool
    client: str | None  # the version the events were chosen for; None: what every client knows
    since: str  # when they were first registered, UTC, ISO 8601; "" where nobody remembers
    python: str
    alive: bool  # that Python is there


class Project(msgspec.Struct, frozen=True, kw_only=True):
    """A folder sessions were in, and when a hook last wrote for it (UTC, ISO 8601)."""

    folder: str
    last_event: str
    sessions: int


class Status(msgspec.Struct, frozen=True, kw_only=True):
    registered: tuple[Registered, ...]
    faults: tuple[str, ...]  # settings files that cannot be read
    outdated: tuple[str, ...]  # hooks in the data home that are not this BashGym's
    hook_days: float | None  # since the hook was last brought up to date
    paused: bool
    excluded: tuple[str, ...]
    projects: tuple[Project, ...]
    spool: dict[str, int]  # sessions, bytes, and the sessions that gave way to its quota: dropped, dropped_bytes
    archive: dict[str, int]  # files, bytes, and the same
    notices: tuple[str, ...]


def status() -> Status:
    """Reads settings and the ends of the spool's files; runs nothing. Raises InputError for rules it cannot read."""
    found, faults = [], []
    for file in places():
        try:
            one = registered(file)
        except InputError as error:
            faults.append(str(error))
            continue
        if one is not None:
            found.append(one)
    hook = install.folder() / install.CODE
    gone = archive.dropped(archive.log())
    spool = held("sessions", paths.spool(), ".jsonl", gone["spool_dropped"], gone["spool_dropped_bytes"])
    return Status(
        registered=tuple(found),
        faults=tuple(faults),
        outdated=tuple(install.outdated()) if found else (),
        hook_days=round((time.time() - hook.stat().st_mtime) / 86_400, 2) if hook.exists() else None,
        paused=consent.paused(),
        excluded=tuple(excluded.entries()),
        projects=tuple(projects()),
        spool=spool,
        archive=held("files", paths.archive(), ".gz", gone["dropped"], gone["dropped_bytes"]),
        notices=tuple(install.notices(settings.path(False))) if found else (),
    )


def places() -> list[Path]:
    """Settings files that may have our hooks: the user's, the project's, and those we remember."""
    shared = paths.project() / ".claude" / "settings.json"
    known = [settings.path(False), settings.path(True), shared, *map(Path, notes.notes())]
    return list(dict.fromkeys(known))


def registered(file: Path) -> Registered | None:
    """Our hooks in `file`; None where there are none. Raises InputError for a file that cannot be understood."""
    raw = settings.content(file)
    if raw is None or not raw.strip():
        return None
    _, root = settings.parsed(file, raw)
    lines = commands(root.value)
    if not lines:
        return None
    note = notes.notes().get(str(file))
    client = note.client if note else None
    named = PYTHON.search(lines[0])
    python = named.group(1).strip("'") if named else ""
    return Registered(
        settings=str(file),
        events=tuple(settings.events(root)),
        current=settings.current(root, install.wanted(python, client)),
        client=client,
        since=note.at if note else "",
        python=python,
        alive=os.access(python, os.X_OK),
    )


def commands(value: dict[str, Any]) -> list[str]:
    """The command lines of our hooks."""
    entries = [entry for listed in (value.get("hooks") or {}).values() for entry in listed if isinstance(entry, dict)]
    hooks = [hook for entry in entries for hook in entry.get("hooks") or () if settings.is_ours(hook)]
    return [hook["command"] for hook in hooks]


def projects() -> Iterator[Project]:
    """The folders of the spool's sessions by the last event of each, the newest first."""
    last: dict[str, str] = {}
    count: dict[str, int] = {}
    for file in sorted((paths.spool() / "claude_code").glob("*.jsonl")):
        line = last_line(file)
        event = line.get("event")
        folder = event.get("cwd") if isinstance(event, dict) else None
        if isinstance(folder, str):
            last[folder] = max(last.get(folder, ""), str(line.get("ts", "")))
            count[folder] = count.get(folder, 0) + 1
    for folder in sorted(last, key=lambda one: (last[one], one), reverse=True):
        yield Project(folder=folder, last_event=last[folder], sessions=count[folder])


def last_line(file: Path) -> dict[str, Any]:
    """The last whole line that is an object, read from the end; {} where there is none."""
    with file.open("rb") as spool:
        at, tail = spool.seek(0, os.SEEK_END), b""
        while at > 0:
            start = max(0, at - BLOCK)
            spool.seek(start)
            tail = spool.read(at - start) + tail
            at = start
            for raw in reversed(tail.split(b"\n")[0 if at == 0 else 1 :]):
                try:
                    value = jsonl.parse(raw) if raw.strip() else None
                except ValueError:
                    continue
                if isinstance(value, dict):
                    return value
    return {}


def held(unit: str, folder: Path, ending: str, dropped: int, dropped_bytes: int) -> dict[str, int]:
    """What a folder holds, and what it held and had to drop."""
    count, bytes = sizes(folder, ending)
    return {unit: count, "bytes": bytes, "dropped": dropped, "dropped_bytes": dropped_bytes}


def sizes(folder: Path, ending: str) -> tuple[int, int]:
    """How many files of that ending a folder holds, and their bytes."""
    count = total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            if name.endswith(ending):
                count += 1
                total += Path(place, name).lstat().st_size
    return count, total
