"""The archive of Claude Code's session files: finished, and how it stands. Its code is the hook's, hooks/archive.py."""

from typing import Any

from bashgym import paths
from bashgym.capture import spool
from bashgym.capture.hooks import module
from bashgym.errors import InputError
from bashgym.reading import excluded


def rescue() -> dict[str, Any]:
    """Archives every session of Claude Code that the archive has not, or that has grown, and brings in loose events.

    Counts sessions by what became of them: `copied`, `unchanged`, `excluded`, `forgotten`, `failed` (why: `failures`),
    `over_quota` (dropped before, and no more room since); and `dropped` now for the quota, `set_aside` (older copies
    that the new ones do not continue), `events` brought in. Raises InputError."""
    quota()
    rules = excluded.load()
    events = spool.fold()
    try:
        archive = module("archive").Archive(str(paths.home()), rules.covers, rules.forgotten)
        archive.sweep(str(paths.claude_home() / "projects"))
    except OSError as error:
        where = error.filename or paths.archive()
        raise InputError(f"{where}: {error.strerror}; the archive needs it readable and writable") from None
    counted = ("copied", "unchanged", "excluded", "forgotten", "failed", "over_quota", "dropped", "set_aside")
    return {**{name: archive.counts[name] for name in counted}, "events": events, "failures": archive.failures}


def state() -> dict[str, Any]:
    """`quota` in bytes; `dropped` and `failed`: what the log tells, sessions and files; `dropped_bytes`.

    Raises InputError for a quota that cannot be understood."""
    told = module("archive").notes(str(paths.archive() / "log.jsonl"))
    dropped = [note for note in told if note["what"] == "dropped"]
    return {
        "quota": quota(),
        "dropped": len(dropped),
        "dropped_bytes": sum(note["bytes"] for note in dropped),
        "failed": sum(note["what"] == "failed" for note in told),
    }


def quota() -> int:
    """Bytes the archive may hold. Raises InputError."""
    try:
        return int(module("archive").quota(str(paths.home())))
    except ValueError as error:
        file = paths.archive() / "quota"
        raise InputError(f"{file}: {str(error)!r} is no size; write one such as 5 GB, or delete the file") from None
