"""OpenCode's files before the database (until 1.1): `session/<project>/<session>.json`, `message/<session>/*.json`,
`part/<message>/*.json`. Ids are those of the files: releases in between moved files without rewriting them."""

from pathlib import Path

from bashgym import jsonl
from bashgym.opencode.rows import Row, Stored
from bashgym.reading import remembered
from bashgym.reading.files import content, unreadable
from bashgym.reading.values import text

LOOK = "opencode parent 1"  # to be counted up when `parent_in` sees more


def session_files(folder: Path) -> dict[str, Path]:
    """The file of every session by its id."""
    return {path.stem: path for path in sorted(folder.glob("session/*/*.json"))}


def parent_of(session: Path) -> str:
    """The session that started this one, "" where none did. Raises InputError when the file cannot be read."""
    try:
        return remembered.of_files(LOOK, [session], lambda: parent_in(session)).decode()
    except OSError as error:
        raise unreadable(session, error) from None


def parent_in(session: Path) -> bytes:
    try:
        parent = text(jsonl.parse(content(session)), "parentID")
    except ValueError:
        return b""
    return parent.encode() if parent and parent.isprintable() else b""


def files_of(session: Path) -> list[Path]:
    """The files of a session's messages, each followed by those of its parts."""
    folder, found = session.parents[2], []
    for message in sorted(folder.glob(f"message/{session.stem}/*.json")):
        found += [message, *sorted(folder.glob(f"part/{message.stem}/*.json"))]
    return found


def stored(session: Path) -> Stored:
    """The rows of a session. Raises InputError for a file that cannot be read."""
    rows = [Row("session", session.stem, content(session))]
    for path in files_of(session):
        part = path.parts[-3] == "part"
        owner = path.parent.name if part else ""
        rows.append(Row("part" if part else "message", path.stem, content(path), owner))
    return Stored(session.stem, rows)
