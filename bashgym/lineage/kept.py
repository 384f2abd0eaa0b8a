"""What a run's folder tells: its rows, its lock file, and what the store keeps of its sessions."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from bashgym import jsonl, paths
from bashgym.capture import stored
from bashgym.errors import InputError
from bashgym.gate.report import SPLITS
from bashgym.lock import file
from bashgym.lock.file import LockedSession
from bashgym.manifest import Manifest


class RunFolder(NamedTuple):
    """A run as it lies on this disk; `sessions` are all it took, also those that gave no row."""

    folder: Path
    manifest: dict[str, Any]
    lock: dict[str, Any]
    sessions: list[LockedSession]


class Row(NamedTuple):
    """A row and where it stands: the file of its split, and the line, from 1."""

    run: RunFolder
    split: str
    line: int
    data: dict[str, Any]


def runs(named: str | None) -> Iterator[RunFolder]:
    """The run that is named (a folder, or the name of one), or all, the newest first.

    Raises InputError for a name that is none."""
    if named:
        places = [Path(named).expanduser(), paths.home() / "runs" / named]
        folder = next((place for place in places if (place / "manifest.json").is_file()), None)
        if folder is None:
            raise InputError(
                f"--run {named}: no run there; name a run's folder, or its name under {paths.home() / 'runs'}"
            )
        yield opened(folder)
        return
    folders = stored.run_folders()
    if not folders:
        raise InputError("there are no runs yet; make a dataset with `bashgym run recipe=NAME --until dataset`")
    started = {folder: str(Manifest(folder / "manifest.json").content.get("started")) for folder in folders}
    for folder in sorted(folders, key=lambda one: started[one], reverse=True):
        yield opened(folder)


def opened(folder: Path) -> RunFolder:
    path = folder / file.NAME
    lock = file.load(path) if path.exists() else {}
    return RunFolder(folder, Manifest(folder / "manifest.json").content, lock, file.sessions(path, lock))


def row(name: str, named: str | None) -> Row:
    """The row of this id, in the newest run that has it. Raises InputError where none has."""
    found = None
    for run in runs(named):
        found = next(rows(run, name), None)
        if found:
            return found
    where = f"in the dataset of {named}" if named else "in any run's dataset"
    raise InputError(f"{name}: no row of that id {where}; a row's id is its key `id`, such as SESSION#0")


def rows(run: RunFolder, name: str | None = None) -> Iterator[Row]:
    """The rows of a run, or the one of this id."""
    wanted = jsonl.dumps(name) if name else b""
    for split in SPLITS:
        path = run.folder / "dataset" / f"{split}.jsonl"
        if not path.is_file():
            continue
        with path.open("rb") as lines:
            for number, raw in enumerate(lines, 1):
                if wanted in raw:
                    data = jsonl.parse(raw)
                    if name is None or row_id(data) == name:
                        yield Row(run, split, number, data)


def row_id(data: dict[str, Any]) -> str:
    """A row's id, under whichever key its format has it."""
    return str(data.get("id") or data.get("session_id") or "")


def session_of(run: RunFolder, trace: str) -> LockedSession:
    """The session that a trace of the dataset belongs to. Raises InputError where the lock does not know it."""
    for session in run.sessions:
        if any(one.name == trace and one.split for one in session.traces):
            return session
    raise InputError(
        f"{run.folder}: its {file.NAME} does not name the session {trace} (of an older version, or forgotten since); "
        "run its recipe again"
    )
