"""Session files on disk: which there are, and which files of sub-agents belong to which.

Sub-agents' files lie beside the session's file as `agent-<id>.jsonl` (2.0.37 to 2.0.76, told apart by the session id
in their lines) or in `<session>/subagents/` (since 2.1.2, with `agent-<id>.meta.json` since 2.1.80); before that
they had none. A folder of session files that is no projects folder is read the same way."""

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from bashgym import jsonl
from bashgym.reading.files import reference, unreadable
from bashgym.records import SessionRef

SOURCE = "claude_code"
SUBAGENTS = "subagents"
SPILLED = "tool-results"  # outputs of tools, which may be JSON Lines themselves
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
OF_CLAUDE = frozenset({"sessionId", "leafUuid", "snapshot", "parentUuid"})
OF_OTHERS = frozenset({"hook_event_name", "projectHash"})  # a log of hooks, a session of Gemini CLI


def sessions(root: Path) -> Iterator[SessionRef]:
    """Every session under `root` (a folder, or one session's file), in the order of their paths.

    Raises InputError when a file cannot be read."""
    folder = root.parent if root.is_file() else root
    belonging = owners(files_in(folder))
    taken: set[str] = set()
    for path, others in belonging.items():
        if root in (path, folder):
            name = session_id(path, folder, taken)
            taken.add(name)
            yield reference(SOURCE, name, path, sorted(others))


def files_in(folder: Path) -> list[Path]:
    """All JSON Lines files and meta files, sorted; the tools' own outputs are no sessions."""
    found = []
    for place, inner, names in os.walk(folder):
        inner[:] = [name for name in inner if name != SPILLED]
        found += [Path(place, name) for name in names if name.endswith((".jsonl", ".meta.json"))]
    return sorted(found)


def owners(found: list[Path]) -> dict[Path, list[Path]]:
    """Each session's file with the files that belong to it; a sub-agent whose session is gone stands alone."""
    present = frozenset(found)
    result: dict[Path, list[Path]] = {}
    waiting: list[tuple[Path, Path]] = []
    for path in found:
        owner = owner_of(path)
        if owner is not None and owner in present:
            waiting.append((owner, path))
        elif path.suffix == ".jsonl" and looks_like_session(path):
            result[path] = []
    for owner, path in waiting:
        result.setdefault(owner, []).append(path)
    adopt_meta(result, found)
    return dict(sorted(result.items()))


def adopt_meta(result: dict[Path, list[Path]], found: list[Path]) -> None:
    """A sub-agent that stands alone keeps its meta file."""
    present = frozenset(found)
    for path, others in result.items():
        meta = meta_of(path)
        if meta in present and meta not in others:
            others.append(meta)


def meta_of(path: Path) -> Path:
    return path.with_suffix(".meta.json")


def owner_of(path: Path) -> Path | None:
    """The session's file that `path` belongs to, by where it lies or by the session id in its lines."""
    parts = path.parts
    if SUBAGENTS in parts[:-1]:
        session = Path(*parts[: len(parts) - 1 - parts[::-1].index(SUBAGENTS)])
        return session.with_name(session.name + ".jsonl")
    if path.name.startswith("agent-") and path.suffix == ".jsonl":
        named = next((value["sessionId"] for value in values(path) if isinstance(value.get("sessionId"), str)), None)
        return path.with_name(f"{named}.jsonl") if named and "/" not in named else None
    return None


def looks_like_session(path: Path) -> bool:
    """False only for a file that has objects none of which Claude Code could have written into a session."""
    if UUID.fullmatch(path.stem) or path.name.startswith("agent-"):
        return True
    foreign = False
    for value in values(path):
        if not OF_CLAUDE.isdisjoint(value) and OF_OTHERS.isdisjoint(value):
            return True
        foreign = True
    return not foreign


def values(path: Path) -> Iterator[dict[str, Any]]:
    """The objects among the lines of `path`, read no further than asked."""
    try:
        yield from (line.value for line in jsonl.read_lines(path) if isinstance(line.value, dict))
    except OSError as error:
        raise unreadable(path, error) from None


def session_id(path: Path, folder: Path, taken: Iterable[str]) -> str:
    """The session's uuid where the file bears it, else the path within the folder, which is unique."""
    within = path.relative_to(folder).with_suffix("").as_posix()
    return path.stem if UUID.fullmatch(path.stem) and path.stem not in taken else within
