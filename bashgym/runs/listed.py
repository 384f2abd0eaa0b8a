"""Every run folder with what its manifest says, and whether a process is busy with it."""

import fcntl
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from bashgym import paths, processes
from bashgym.errors import InputError, did_you_mean

LOCK = "run.lock"
JOB = "job.json"  # what a job on this machine notes of itself
SUBMISSION = "submission.json"  # what was sent to a cloud, this machine among them


class Past(NamedTuple):
    """A run as it lies on the disk. `state` is the manifest's, `interrupted` where its process is gone."""

    folder: Path
    content: dict[str, Any]
    alive: bool

    @property
    def name(self) -> str:
        return self.folder.name

    @property
    def state(self) -> str:
        noted = str(self.content.get("state", "begun"))
        return "interrupted" if noted in {"running", "begun"} and not self.alive else noted

    @property
    def model(self) -> str:
        model = self.content.get("model")
        return f"{model['name']}@{model['version']}" if model else ""

    def bytes(self) -> int:
        """What the folder takes on the disk, in bytes; links are not followed."""
        return sum(path.lstat().st_size for path in self.folder.rglob("*") if path.is_symlink() or path.is_file())


def past_runs() -> list[Past]:
    """The runs under $BASHGYM_HOME/runs, the newest first."""
    folders = [path for path in (paths.home() / "runs").glob("*") if path.is_dir() and not path.name.startswith(".")]
    return sorted(map(past, folders), key=lambda one: str(one.content.get("started", "")), reverse=True)


def past(folder: Path) -> Past:
    """One run; a manifest that cannot be read is said, not skipped."""
    file = folder / "manifest.json"
    try:
        content = orjson.loads(file.read_bytes()) if file.is_file() else {}
    except orjson.JSONDecodeError as error:
        content = {"state": "unreadable", "error": f"{file}: {error}"}
    return Past(folder, content, alive(folder))


def alive(folder: Path) -> bool:
    """Whether some process holds the run's lock now, or its training goes on without one that waits for it."""
    return held(folder / LOCK) or job_runs(folder / JOB)


def held(file: Path) -> bool:
    if not file.is_file():
        return False
    with file.open("rb") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def job_runs(file: Path) -> bool:
    """Whether the process that a job on this machine noted is still the one of that pid."""
    job = orjson.loads(file.read_bytes()) if file.is_file() else {}
    pid = job.get("pid") or 0
    return bool(pid) and processes.start_of(pid) == job.get("start")


def elsewhere(run: Past) -> bool:
    """Whether a job was sent to another machine and nothing here knows how it ended."""
    sent = (run.folder / SUBMISSION).is_file() and not (run.folder / JOB).is_file()
    return sent and run.state != "finished"


def named(word: str) -> Past:
    """The run of that name or folder; the beginning of a name will do where it is only one's.

    Raises InputError with the nearest names."""
    folder = Path(word).expanduser()
    if (folder / "manifest.json").is_file():
        return past(folder)
    runs = past_runs()
    found = [run for run in runs if run.name == word] or [run for run in runs if word and run.name.startswith(word)]
    if len(found) == 1:
        return found[0]
    if found:
        raise InputError(
            f"{word}: {len(found)} runs begin so ({', '.join(run.name for run in found)}); write more of it"
        )
    hint = did_you_mean(word, [run.name for run in runs]) if runs else "; there are none yet"
    raise InputError(f"{word}: no such run{hint}")
