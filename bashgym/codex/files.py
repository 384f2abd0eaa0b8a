"""Rollout files on disk: which there are, whose sub-agents they are of.

`sessions/YYYY/MM/DD/rollout-<time>-<thread>.jsonl`, `archived_sessions/` beside it, and single JSON files of the
first releases. A sub-agent has a rollout of its own that names its parent's thread."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from bashgym.reading.files import clean, head, reference
from bashgym.reading.folders import of_session
from bashgym.reading.lines import first_objects
from bashgym.reading.values import at, record, text
from bashgym.records import SessionRef

SOURCE = "codex"
LOOK = "codex head 2"  # to be counted up when `look` sees more, or its answers are remembered as they were
NAMED = "rollout-"
PATTERNS = ("*.jsonl", f"{NAMED}*.json")
TYPES = frozenset({"session_meta", "response_item", "event_msg", "turn_context", "compacted", "token_usage_record"})
LOOKED_AT = 20  # lines, of which one says what a file is; a mutilated head costs the name, no line


def own_folders() -> list[Path]:
    """Where Codex keeps sessions: under $CODEX_HOME, default ~/.codex."""
    home = Path(os.environ.get("CODEX_HOME") or Path.home() / ".codex").expanduser()
    return [home / "sessions", home / "archived_sessions"]


def sessions(roots: Iterable[Path]) -> Iterator[SessionRef]:
    """Every session under `roots` (folders, or one rollout), each with the files of its sub-agents.

    Raises InputError when a file cannot be read."""
    heads: dict[Path, tuple[str, str]] = {}
    for root in roots:
        heads.update((path, found) for path in files_in(root) if (found := head_of(path)) is not None)
    taken: set[str] = set()
    for path, others in families(heads).items():
        thread = heads[path][0]
        name = next(name for name in (thread, path.stem, str(path)) if name and name not in taken)
        taken.add(name)
        yield reference(SOURCE, name, path, others)


def worked_in(ref: SessionRef) -> list[str]:
    """Every folder that a session's files name."""
    return of_session(f"{SOURCE} folders 1", ref)


def files_in(root: Path) -> list[Path]:
    if root.is_file():
        return [root]
    return sorted({path for pattern in PATTERNS for path in root.rglob(pattern) if path.is_file()})


def families(heads: dict[Path, tuple[str, str]]) -> dict[Path, list[Path]]:
    """Each session's file with its sub-agents' files, parents before children; one whose parent is gone, or that is
    its own ancestor, is a session."""
    threads = {thread: path for path, (thread, _) in reversed(heads.items()) if thread}
    above = {path: threads.get(parent) for path, (_, parent) in heads.items()}
    result: dict[Path, list[Path]] = {}
    waiting: list[tuple[int, Path, Path]] = []
    for path in heads:
        chain = [path]
        while (parent := above[chain[-1]]) is not None and parent not in chain:
            chain.append(parent)
        if len(chain) == 1 or parent is not None:
            result[path] = []
        else:
            waiting.append((len(chain), path, chain[-1]))
    for _, path, root in sorted(waiting):
        result.setdefault(root, []).append(path)
    return result


def head_of(path: Path) -> tuple[str, str] | None:
    """(thread, parent's thread) of a rollout, "" where it does not say; None for a file that is none."""
    found = head(LOOK, path, look)
    return (found[0], found[1]) if found else None


def look(path: Path) -> list[str]:
    """[thread, parent's thread], empty for a file that is no rollout. Raises OSError."""
    ours = path.name.startswith(NAMED)
    for value in first_objects(path, LOOKED_AT):
        kind = text(value, "type")
        if kind == "session_meta":
            meta = record(value, "payload")
            return clean([text(meta, "id") or text(meta, "session_id"), parent_of(meta)])
        if "items" in value and isinstance(value.get("session"), dict):
            return clean([text(value, "session", "id"), None])
        header = kind is None and isinstance(value.get("id"), str) and "timestamp" in value
        if header and ours:
            return clean([text(value, "id"), None])
        ours = ours or (kind in TYPES and "payload" in value)
    return clean([path.stem[-36:] if path.name.startswith(NAMED) else None, None]) if ours else []


def parent_of(meta: dict[str, object]) -> str | None:
    """The thread that started this one as its sub-agent."""
    spawn = at(meta, "source", "subagent")
    if spawn is None:
        return None
    return text(spawn, "thread_spawn", "parent_thread_id") or text(meta, "parent_thread_id")
