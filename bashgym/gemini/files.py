"""Chats on disk: which there are, whose sub-agents they are of, and which folder they are about.

`tmp/<project>/chats/session-<time>-<id>.jsonl`, `.json` until early 2026; a sub-agent's lies in a folder named after
its parent's session. A chat does not say where it worked but for a hash of the path: `.project_root` beside `chats`
names it since 0.3x, else it is found by hashing the paths that the chat speaks of."""

import hashlib
import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from bashgym import jsonl
from bashgym.reading import cwd, excluded
from bashgym.reading.files import clean, content, head, reference
from bashgym.reading.folders import of_session
from bashgym.reading.values import text
from bashgym.records import SessionRef

SOURCE = "gemini"
LOOK = "gemini head 1"  # to be counted up when `look` sees more
NAMED = "session-"
CHATS = "chats"
ROOT = ".project_root"
PATH = re.compile(rb"/[^\s\"'`\\:*?<>|,;()\[\]{}\x00-\x1f]+")
HASH = re.compile(rb"\"projectHash\"\s*:\s*\"([0-9a-f]{64})\"")


def own_folder() -> Path:
    """Where Gemini CLI keeps chats: ~/.gemini/tmp, with $GEMINI_CLI_HOME in place of the home where it is set."""
    return Path(os.environ.get("GEMINI_CLI_HOME") or Path.home()).expanduser() / ".gemini" / "tmp"


def sessions(root: Path) -> Iterator[SessionRef]:
    """Every chat under `root` (a folder, or one file), each with its sub-agents' files; a `.json` that was carried
    over into the `.jsonl` beside it is that one.

    Raises InputError when a file cannot be read."""
    heads = {path: found for path in files_in(root) if (found := head_of(path)) is not None}
    mains = {name: path for path, (name, kind) in reversed(heads.items()) if name and kind != "subagent"}
    children: dict[Path, list[Path]] = {}
    for path, (_, kind) in heads.items():
        parent = mains.get(path.parent.name) if kind == "subagent" else None
        if parent is not None:
            children.setdefault(parent, []).append(path)
    belonging = {path for others in children.values() for path in others}
    taken: set[str] = set()
    for path, (name, _) in heads.items():
        later = path.with_suffix(".jsonl")
        carried = path.suffix == ".json" and name and heads.get(later, ("", ""))[0] == name
        if path not in belonging and not carried:
            unique = next(one for one in (name, path.stem, str(path)) if one and one not in taken)
            taken.add(unique)
            yield reference(SOURCE, unique, path, children.get(path, []))


def files_in(root: Path) -> list[Path]:
    if root.is_file():
        return [root]
    return sorted(path for path in root.rglob("*.json*") if path.suffix in (".json", ".jsonl") and path.is_file())


def head_of(path: Path) -> tuple[str, str] | None:
    """(session, kind) of a chat, "" where it does not say; None for a file that is none."""
    found = head(LOOK, path, look)
    return (found[0], found[1]) if found else None


def look(path: Path) -> list[str]:
    """[session, kind], empty for a file that is no chat. Raises OSError."""
    data = path.read_bytes()
    for piece in (data.lstrip().split(b"\n", 1)[0], data if len(data) and path.suffix != ".jsonl" else b""):
        try:
            value = jsonl.parse(piece or b"null")
        except ValueError:
            continue
        if isinstance(value, dict) and "projectHash" in value:
            return clean([text(value, "sessionId"), text(value, "kind")])
    return ["", ""] if (path.name.startswith(NAMED) and HASH.search(data)) or in_chats(path) else []


def in_chats(path: Path) -> bool:
    """Whether a file lies where only chats do."""
    return path.name.startswith(NAMED) and CHATS in path.parts


def worked_in(ref: SessionRef) -> Iterator[str]:
    """Every folder that a chat is known to have worked in, and an excluded one that its hash names."""
    yield from of_session(f"{SOURCE} folders 1", ref, folders)
    hashes = of_session(f"{SOURCE} hashes 1", ref, hashes_in)
    yield from (entry for entry in excluded.entries() if hashed(entry) in hashes)


def folders(ref: SessionRef) -> Iterator[str]:
    yield from cwd.folders_of(ref)
    for path in map(Path, (ref.path, *ref.files)):
        if found := project_root(path, content(path)):
            yield found


def hashes_in(ref: SessionRef) -> Iterator[str]:
    """The hashes of the folders that a chat is about."""
    for name in (ref.path, *ref.files):
        yield from (found.decode() for found in HASH.findall(content(Path(name))))


def project_root(path: Path, data: bytes) -> str | None:
    """The folder that the chat in `path` is about, where that can be known."""
    for place in path.parents:
        if place.name == CHATS:
            beside = place.parent / ROOT
            if beside.is_file():
                return os.fsdecode(content(beside)).strip() or None
    wanted = HASH.search(data)
    return named(wanted[1].decode(), set(PATH.findall(data))) if wanted else None


def named(digest: str, spoken: Iterable[bytes]) -> str | None:
    """The path, or folder above one, among `spoken` whose hash is `digest`."""
    tried: set[str] = set()
    for raw in spoken:
        place = os.fsdecode(raw).rstrip("/.")
        while len(place) > 1 and place not in tried:
            tried.add(place)
            if hashed(place) == digest:
                return place
            place = os.path.dirname(place)  # noqa: PTH120 (a hundred thousand times)
    return None


def hashed(path: str) -> str:
    return hashlib.sha256(path.encode("utf-8", "surrogateescape")).hexdigest()
