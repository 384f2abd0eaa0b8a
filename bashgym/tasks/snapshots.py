"""Folders kept by the hash of what is in them: the snapshots of tasks whose repository is too large for a record."""

import hashlib
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

from bashgym.tasks.record import BadTask

LARGEST = 1 << 20  # bytes of a file that an answer may be a patch of
LEFT_OUT = frozenset({".git", "__pycache__"})  # history holds answers; compiled code is not the code


def place() -> Path:
    """`$BASHGYM_SNAPSHOTS`, else `snapshots` in the data home."""
    home = Path(os.environ.get("BASHGYM_HOME") or Path.home() / ".bashgym")
    return Path(os.environ.get("BASHGYM_SNAPSHOTS") or home / "snapshots").expanduser()


def regular(folder: Path) -> Iterator[Path]:
    """Its regular files in order of their paths; no link is followed."""
    for path in sorted(folder.rglob("*")):
        inner = path.relative_to(folder)
        if not LEFT_OUT & set(inner.parts) and stat.S_ISREG(path.lstat().st_mode) and not linked_above(folder, inner):
            yield path


def linked_above(folder: Path, inner: Path) -> bool:
    return any((folder / one).is_symlink() for one in list(inner.parents)[:-1])


def digest(folder: Path) -> str:
    """SHA-256 over paths, executable bits and bytes."""
    whole = hashlib.sha256()
    for path in regular(folder):
        content = path.read_bytes()
        runs = bool(path.stat().st_mode & stat.S_IXUSR)
        whole.update(f"{path.relative_to(folder).as_posix()}\0{int(runs)}\0{len(content)}\0".encode())
        whole.update(content)
    return whole.hexdigest()


def keep(folder: Path) -> str:
    """Keeps a copy of a folder (without links and history) and returns its name, the hash."""
    name = digest(folder)
    there = place() / name
    if not there.is_dir():
        there.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        unfinished = Path(tempfile.mkdtemp(dir=there.parent, prefix=".new-"))
        copied(folder, unfinished)
        try:
            unfinished.rename(there)
        except OSError:  # somebody else was first
            shutil.rmtree(unfinished)
    return name


def unpack(name: str, folder: Path) -> None:
    """The snapshot of that name into an empty folder. Raises BadTask where it is not kept or not what it was."""
    there = place() / name
    if not name.isalnum() or not there.is_dir():
        raise BadTask(f"snapshot {name}: it is not kept in {place()}")
    copied(there, folder)
    if digest(folder) != name:
        raise BadTask(f"snapshot {name}: it was changed in {place()}")


def copied(source: Path, target: Path) -> None:
    for path in regular(source):
        there = target / path.relative_to(source)
        there.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, there)


def texts(folder: Path) -> dict[str, str]:
    """path -> text of the files in a folder that are text."""
    found = {}
    for path in regular(folder):
        if path.stat().st_size <= LARGEST:
            try:
                found[path.relative_to(folder).as_posix()] = path.read_bytes().decode("utf-8")
            except UnicodeDecodeError:
                continue  # a binary file has no lines to change
    return found


def unfit(folder: str, names: list[str]) -> list[str]:
    """For copytree: what is neither a file, a folder nor a link (a pipe would never end)."""

    def odd(name: str) -> bool:
        mode = Path(folder, name).lstat().st_mode
        return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode) or stat.S_ISLNK(mode))

    return [name for name in names if odd(name) or name in LEFT_OUT]
