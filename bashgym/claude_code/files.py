"""Session files on disk: which there are, and which files of sub-agents belong to which.

Sub-agents' files lie beside the session's file as `agent-<id>.jsonl` (2.0.37 to 2.0.76, told apart by the session id
in their lines) or in `<session>/subagents/` (since 2.1.2, with `agent-<id>.meta.json` since 2.1.80); before that
they had none. A folder of session files that is no projects folder is read the same way. What our hooks wrote of a
session (`spool/claude_code/<session>.jsonl`) belongs to it; what Claude Code has deleted is read from the archive.

Nothing is opened here that has not changed since it was last listed (reading/remembered.py)."""

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from bashgym import jsonl, paths
from bashgym.errors import InputError
from bashgym.reading import cwd, remembered
from bashgym.reading.files import PACKED, bare, content, note, opened, reference, unreadable
from bashgym.reading.lines import value_of
from bashgym.records import SessionRef

SOURCE = "claude_code"
SUBAGENTS = "subagents"
SPILLED = "tool-results"  # outputs of tools, which may be JSON Lines themselves
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
OF_CLAUDE = frozenset({"sessionId", "leafUuid", "snapshot", "parentUuid"})
OF_OTHERS = frozenset({"hook_event_name", "projectHash"})  # a log of hooks, a session of Gemini CLI

Places = Mapping[Path, Path]  # a file where the agent had it -> where its bytes are now


def archive() -> Path:
    """Where copies of session files are kept, laid out as in the projects folder."""
    return paths.archive() / SOURCE


def spool() -> Path:
    """Where our hooks write what they are told, a file a session."""
    return paths.spool() / SOURCE


def sessions(root: Path, archive: Path | None = None) -> Iterator[SessionRef]:
    """Every session under `root` (a folder, or one session's file), in the order of their paths; where a file is
    only in `archive`, it is read from there. With an archive it is the user's own history: then sessions follow that
    only our hooks have told of (unwritten.py).

    Raises InputError when a file cannot be read."""
    folder = root.parent if root.is_file() else root
    places = places_of(folder, archive)
    spools = spooled()
    taken: set[str] = set()
    for path, others in owners(places).items():
        if root in (path, folder):
            name = session_id(path, folder, taken)
            taken.add(name)
            belonging = [places[other] for other in sorted(others)]
            yield reference(SOURCE, name, places[path], [*belonging, *spools.get(name, ())])
    if archive is not None:
        for name in sorted(spools.keys() - taken):
            yield reference(SOURCE, name, spools[name][0])


def places_of(folder: Path, archive: Path | None) -> dict[Path, Path]:
    """All JSON Lines files and meta files, sorted; a file that is both here and in the archive is read here."""
    places = {path: path for path in files_in(folder)}
    if archive is not None:
        for path in files_in(archive, PACKED):
            places.setdefault(folder / bare(path).relative_to(archive), path)
    return dict(sorted(places.items(), key=in_order))


def in_order(item: tuple[Path, Any]) -> tuple[str, ...]:
    """Paths in their usual order, which they themselves compare in three times the time."""
    return item[0].parts


def files_in(folder: Path, packed: str = "") -> list[Path]:
    """All JSON Lines files and meta files of a folder; the tools' own outputs are no sessions."""
    found = []
    for place, inner, names in os.walk(folder):
        inner[:] = [name for name in inner if name != SPILLED]
        found += [Path(place, name) for name in names if name.endswith((f".jsonl{packed}", f".meta.json{packed}"))]
    return found


def spooled() -> dict[str, list[Path]]:
    """What our hooks wrote, by session."""
    found = (path for path in spool().glob("*.jsonl") if UUID.fullmatch(path.stem))
    return {path.stem: [path] for path in found if path.is_file()}


def owners(places: Places) -> dict[Path, list[Path]]:
    """Each session's file with the files that belong to it; a sub-agent whose session is gone stands alone."""
    result: dict[Path, list[Path]] = {}
    waiting: list[tuple[Path, Path]] = []
    for path in places:
        owner = owner_of(path, places)
        if owner is not None and owner in places:
            waiting.append((owner, path))
        elif path.suffix == ".jsonl" and looks_like_session(path, places):
            result[path] = []
    for owner, path in waiting:
        result.setdefault(owner, []).append(path)
    adopt_meta(result, places)
    return dict(sorted(result.items(), key=in_order))


def adopt_meta(result: dict[Path, list[Path]], places: Places) -> None:
    """A sub-agent that stands alone keeps its meta file."""
    for path, others in result.items():
        meta = path.with_suffix(".meta.json")
        if meta in places and meta not in others:
            others.append(meta)


def meta_of(path: Path) -> Path:
    """The meta file beside a sub-agent's file; packed where that is."""
    meta = bare(path).with_suffix(".meta.json")
    return meta.with_name(meta.name + PACKED) if path.suffix == PACKED else meta


def owner_of(path: Path, places: Places) -> Path | None:
    """The session's file that `path` belongs to, by where it lies or by the session id in its lines."""
    parts = path.parts
    if SUBAGENTS in parts[:-1]:
        session = Path(*parts[: len(parts) - 1 - parts[::-1].index(SUBAGENTS)])
        return session.with_name(session.name + ".jsonl")
    if path.name.startswith("agent-") and path.suffix == ".jsonl":
        named = seen("session named in", places[path], session_named).decode("utf-8", "surrogatepass")
        return path.with_name(f"{named}.jsonl") if named and "/" not in named and "\0" not in named else None
    return None


def looks_like_session(path: Path, places: Places) -> bool:
    """False only for a file that has objects none of which Claude Code could have written into a session."""
    if UUID.fullmatch(path.stem) or path.name.startswith("agent-"):
        return True
    return seen("no session", places[path], foreign) == b""


def seen(what: str, path: Path, look: Any) -> bytes:
    """What `look` says of `path`, which is opened only where it has changed; b"" where it cannot be read and that is
    to be borne (reading/files.py, `sparing`)."""
    try:
        return remembered.of_files(f"{SOURCE} {what}", [path], lambda: look(path))
    except OSError as error:
        note(unreadable(path, error))
    except InputError as error:
        note(error)
    return b""


def session_named(path: Path) -> bytes:
    """The first session id in the lines of `path`."""
    named = (value["sessionId"] for value in values(path) if isinstance(value.get("sessionId"), str))
    return next(named, "").encode("utf-8", "surrogatepass")


def foreign(path: Path) -> bytes:
    """b"yes" where `path` has objects and none of them is a line of Claude Code."""
    others = False
    for value in values(path):
        if not OF_CLAUDE.isdisjoint(value) and OF_OTHERS.isdisjoint(value):
            return b""
        others = True
    return b"yes" if others else b""


def values(path: Path) -> Iterator[dict[str, Any]]:
    """The objects among the lines of `path`, read no further than asked."""
    try:
        with opened(path) as file:
            for raw in file:
                value = value_of(raw)
                if isinstance(value, dict):
                    yield value
    except (OSError, EOFError) as error:
        raise unreadable(path, error) from None


def session_id(path: Path, folder: Path, taken: Iterable[str]) -> str:
    """The session's uuid where the file bears it, else the path within the folder, which is unique."""
    if UUID.fullmatch(path.stem) and path.stem not in taken:
        return path.stem
    return path.relative_to(folder).with_suffix("").as_posix()


def folders(ref: SessionRef) -> list[str]:
    """Every folder (`cwd`) that the session's files name; read once for the same content."""
    if not ref.sha256:
        return []  # unreadable, and only counted
    key = remembered.digest(f"{SOURCE} folders", ref.sha256)
    known = remembered.recall(key)
    if known is None:
        known = jsonl.dumps(folders_in(ref))
        remembered.keep(key, known)
    return list(jsonl.parse(known))


def folders_in(ref: SessionRef) -> list[str]:
    found: dict[bytes, str] = {}
    for name in (ref.path, *ref.files):
        for quoted in cwd.CWD.findall(content(Path(name))):
            value = None if quoted in found else cwd.value(quoted)
            if value:
                found[quoted] = value
    return list(dict.fromkeys(found.values()))
