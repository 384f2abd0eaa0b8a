"""Claude Code deletes session files that were not written to for `cleanupPeriodDays`: what is due and not archived."""

import time
from pathlib import Path
from typing import Any, NamedTuple

from bashgym import jsonc, paths
from bashgym.claude_code import files
from bashgym.reading.files import PACKED

DAYS = 30  # Claude Code's own default
SOON = 7  # days before a deletion from which it is told
DAY = 86_400


class Deletion(NamedTuple):
    """What the agent will delete: after how many days (None: not known, see `note`), and what of it soon.

    `due` holds (session id, bytes, time of deletion in seconds since 1970) of sessions that no archive holds as they
    are now; `archived` counts those that one holds."""

    days: int | None
    origin: str
    due: tuple[tuple[str, int, float], ...] = ()
    archived: int = 0
    note: str = ""


def read(now: float | None = None) -> Deletion:
    """What is deleted within SOON days of `now` (default: this moment)."""
    settings = paths.claude_home() / "settings.json"
    days, note = period(settings)
    if days is None:
        return Deletion(None, str(settings), note=note)
    moment = time.time() if now is None else now
    due: list[tuple[str, int, float]] = []
    archived = 0
    for path in sorted((paths.claude_home() / "projects").glob("*/*.jsonl")):
        try:
            stat = path.stat()
        except OSError:
            continue  # deleted this very moment, or a link to nowhere: nothing is left to be saved
        at = stat.st_mtime + days * DAY
        if at - moment > SOON * DAY:
            continue
        if kept(path, stat.st_mtime):
            archived += 1
        else:
            due.append((path.stem, stat.st_size, at))
    return Deletion(days, str(settings), tuple(sorted(due, key=lambda one: one[2])), archived)


def period(settings: Path) -> tuple[int | None, str]:
    """`cleanupPeriodDays`, and why it is not known where it is None."""
    if not settings.exists():
        return DAYS, ""
    try:
        said: Any = jsonc.parse(settings.read_text("utf-8")).value
    except (OSError, ValueError) as error:
        return None, f"{settings} cannot be read ({error})"
    value = said.get("cleanupPeriodDays", DAYS) if isinstance(said, dict) else DAYS
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
        return None, f"{settings}: cleanupPeriodDays is no number of days"
    return int(value), ""


def kept(path: Path, modified: float) -> bool:
    """Whether the archive holds the session as it is now: a copy no older than its last line."""
    copy = files.archive() / path.relative_to(paths.claude_home() / "projects")
    try:
        return copy.with_name(copy.name + PACKED).stat().st_mtime >= int(modified)
    except OSError:
        return False
