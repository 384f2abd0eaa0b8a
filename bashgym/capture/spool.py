"""What the hooks write: which file is a session's, and the events that found no Python brought in.

Where the plugin finds no Python, its launcher leaves each event in `loose/`, a file of its own (hooks/capture.sh).
`fold` appends those to their sessions as hooks/capture.py would have, with its own functions."""

from pathlib import Path

from bashgym import paths
from bashgym.capture.hooks import module
from bashgym.reading import excluded

LOOSE = "loose"


def folder() -> Path:
    return paths.spool() / "claude_code"


def file_of(session_id: str) -> Path:
    """The spool file of a session; an id that is no safe name is hashed."""
    return folder() / str(module("capture").file_name(session_id))


def waiting() -> list[Path]:
    """Events that no Python was found for, in the order of their times."""
    return sorted((folder() / LOOSE).glob("*.json"), key=lambda one: (one.stat().st_mtime_ns, one.name))


def fold() -> int:
    """Brings waiting events into their sessions' files; how many.

    What is excluded or forgotten by now is deleted instead. Raises InputError for rules that cannot be understood."""
    rules, count = excluded.load(), 0
    for path in waiting():
        count += folded(path, rules)
        path.unlink()
    return count


def folded(path: Path, rules: excluded.Excluded) -> bool:
    """Appends the event in `path` to its session's file; false where it may not be kept."""
    hook, raw = module("capture"), path.read_bytes()
    event = hook.parsed(raw)
    fields = event or {}
    named, cwd = fields.get("session_id"), fields.get("cwd")
    session = named if isinstance(named, str) else str(hook.searched(raw))
    if rules.covers(cwd if isinstance(cwd, str) else None) or rules.forgotten(session):
        return False
    line = hook.line(raw, event is not None, path.stat().st_mtime)
    hook.append(str(folder()), hook.file_name(session), line)
    return True
