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
    """`quota` and `spool_quota` in bytes; what the log tells of sessions and files: `failed`, `dropped`,
    `dropped_bytes`, and of the spool `spool_dropped`, `spool_dropped_bytes`.

    Raises InputError for a quota that cannot be understood."""
    told = log()
    return {
        "quota": quota(),
        "spool_quota": quota("spool"),
        **dropped(told),
        "failed": sum(note["what"] == "failed" for note in told),
    }


def log() -> list[dict[str, Any]]:
    """What the archive noted, a line for each session that gave way to a quota and each file that failed."""
    return list(module("archive").notes(str(paths.archive() / "log.jsonl")))


def dropped(told: list[dict[str, Any]]) -> dict[str, int]:
    """Sessions that gave way to the archive's quota or the spool's, and their bytes."""
    found: dict[str, int] = {}
    for what in ("dropped", "spool_dropped"):
        bytes = [note.get("bytes", 0) for note in told if note["what"] == what]
        found |= {what: len(bytes), f"{what}_bytes": sum(bytes)}
    return found


def quota(of: str = "archive") -> int:
    """Bytes the archive, or the spool, may hold. Raises InputError."""
    hook = module("archive")
    try:
        return int(hook.quota(str(paths.home()), of, {"archive": hook.QUOTA, "spool": hook.SPOOL}[of]))
    except ValueError as error:
        file = paths.home() / of / "quota"
        raise InputError(f"{file}: {str(error)!r} is no size; write one such as 5 GB, or delete the file") from None
