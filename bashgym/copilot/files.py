"""Sessions on disk: `session-state/<session>/events.jsonl` (before that `session-state/<session>.jsonl`), and the
JSON files of `history-session-state/`. Sub-agents' events lie among their session's."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from bashgym.reading.files import clean, head, reference
from bashgym.reading.folders import of_session
from bashgym.reading.lines import first_objects
from bashgym.reading.values import at, text
from bashgym.records import SessionRef

SOURCE = "copilot"
LOOK = "copilot head 2"  # to be counted up when `look` sees more
NAMED = "events.jsonl"
TYPES = ("session.", "user.", "assistant.", "tool.", "system.", "hook.", "subagent.", "permission.")
LOOKED_AT = 20  # lines, of which one says what a file is


def own_folders() -> list[Path]:
    """Where Copilot CLI keeps sessions: under $COPILOT_HOME, default ~/.copilot."""
    home = Path(os.environ.get("COPILOT_HOME") or Path.home() / ".copilot").expanduser()
    return [home / "session-state", home / "history-session-state"]


def sessions(roots: Iterable[Path]) -> Iterator[SessionRef]:
    """Every session under `roots` (folders, or one file). Raises InputError when a file cannot be read."""
    taken: set[str] = set()
    for path in (path for root in roots for path in files_in(root)):
        found = head_of(path)
        if found is None:
            continue
        own = path.parent.name if path.name == NAMED else path.stem
        name = next(one for one in (found, own, str(path)) if one and one not in taken)
        taken.add(name)
        yield reference(SOURCE, name, path)


def worked_in(ref: SessionRef) -> list[str]:
    """Every folder that a session's file names."""
    return of_session(f"{SOURCE} folders 1", ref)


def files_in(root: Path) -> list[Path]:
    if root.is_file():
        return [root]
    return sorted(path for path in root.rglob("*.json*") if path.suffix in (".json", ".jsonl") and path.is_file())


def head_of(path: Path) -> str | None:
    """The id of a session, "" where its file does not say it; None for a file that is no session."""
    found = head(LOOK, path, look)
    return found[0] if found else None


def look(path: Path) -> list[str]:
    """[id], empty for a file that is no session. Raises OSError."""
    ours = path.name == NAMED
    for value in first_objects(path, LOOKED_AT):
        kind = text(value, "type") or ""
        if kind == "session.start" or isinstance(value.get("chatMessages"), list):
            return clean([text(value, "data", "sessionId") or text(value, "sessionId")])
        ours = ours or (kind.startswith(TYPES) and "parentId" in value and isinstance(at(value, "data"), dict))
    return [""] if ours else []
