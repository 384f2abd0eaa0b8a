"""What runs on the other machine: looks at it, starts a job that outlives us, tells of it, ends it, clears away.

Sent as text over ssh with bashgym/processes.py and bashgym/machine.py, and run by a Python of that machine (3.8 or
later; annotations are never evaluated there). Standard library only. An answer is one line of JSON after SIGN, so that
what a shell says at its start is not taken for one."""

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from bashgym import machine, processes
from bashgym.processes import Tree

SIGN = "\x1ebashgym "
RECORD = "job.json"
METRICS = "metrics.jsonl"
LOG = "logs/train.log"
CANCELLED = "logs/cancelled"  # who cancels says so before the first signal
PROGRAM = ".bashgym.py"  # this program as the supervisor of a job runs it
FINAL = ("succeeded", "failed", "cancelled")
TERMINATE = 5.0  # seconds between SIGTERM and SIGKILL
POLL = 0.3
BEAT = 5.0  # seconds between signs of life while nothing happens
PIECE = 256 << 10  # bytes of a file that are told at a time


class Refused(Exception):
    """Why it cannot be done, for the user's eyes."""


def say(answer: dict) -> None:
    print(SIGN + json.dumps(answer), flush=True)


def run(word: str, arguments: dict) -> None:
    """Carries out one word and tells its answer, or why there is none."""
    try:
        WORDS[word](**arguments)
    except (BrokenPipeError, KeyboardInterrupt):
        os._exit(1)  # nobody listens any more
    except (Refused, OSError) as error:
        say({"refused": str(error)})


def probe(folder: str, gpus: bool, paths: list, environments: dict, python: str) -> None:
    """What this machine has for jobs in `folder`."""
    place = Path(folder).expanduser()
    chosen = interpreter(list(environments.values()), python)
    say(
        {
            "folder": str(place),
            "free_gb": shutil.disk_usage(machine.existing(place)).free / 1e9,
            "writable": os.access(machine.existing(place), os.W_OK | os.X_OK),
            "rsync": shutil.which("rsync") is not None,
            "gpus": machine.memories() if gpus else [],
            "there": [path for path in paths if Path(path).exists()],
            "python": chosen,
            "maker": "" if chosen else maker(list(environments))[0],
            "axolotl": bool(chosen) and machine.program(Path(chosen), "axolotl") is not None,
        }
    )


def environments_folder() -> Path:
    """Where training environments lie on this machine, as bashgym/paths.py says."""
    root = os.environ.get("BASHGYM_ENVS") or Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache", "bashgym", "envs")
    return Path(root).expanduser()


def interpreter(environments: list, python: str) -> str:
    """`python`, or where that is empty that of the first of BashGym's environments that is whole; empty without any."""
    made = [environments_folder() / name for name in environments]
    ready = [str(one / "bin" / "python") for one in made if (one / "ready.json").exists()]
    return str(Path(python).expanduser()) if python else next(iter(ready), "")


def maker(minors: list) -> tuple:
    """(interpreter, version) that an environment can be made with, of one of the versions `minors`; empty without."""
    text = "import sys, venv, ensurepip; print('%d.%d' % sys.version_info[:2])"
    for candidate in (sys.executable, *("python" + minor for minor in minors)):
        path = shutil.which(candidate)
        done = subprocess.run([path, "-c", text], capture_output=True, text=True) if path else None
        if path and done and done.returncode == 0 and done.stdout.strip() in minors:
            return path, done.stdout.strip()
    return "", ""


def arrive(folder: str, name: str, environments: dict, python: str) -> None:
    """Makes the job's folder, for this user alone; tells where it is, what runs in it, and the interpreter for it."""
    place = Path(folder).expanduser().absolute() / name
    (place / "logs").mkdir(parents=True, exist_ok=True)
    place.chmod(0o700)
    say({"there": str(place), "python": interpreter(list(environments.values()), python), "before": settled(place, "")})


def box(name: str, image: str, files: dict) -> None:
    """Which box holds on this machine; `files` is bashgym/sandbox as path -> text."""
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        for path, text in files.items():
            file = Path(folder, "bashgym", path)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
        for loaded in [one for one in sys.modules if one.split(".")[0] == "bashgym"]:
            del sys.modules[loaded]
        sys.path.insert(0, folder)
        from bashgym import sandbox

        try:
            say({"box": sandbox.choose(name, image).name})
        except sandbox.NoBox as error:
            say({"refused": str(error)})


def read(folder: Path, mark: str) -> dict:
    """The record of the job `mark` (or of any, where that is empty); state `absent` where there is none."""
    try:
        record = json.loads((folder / RECORD).read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError, ValueError):
        record = {}
    return record if record and mark in ("", record["id"]) else {"id": mark, "state": "absent", "pid": 0, "start": ""}


def write(folder: Path, record: dict) -> None:
    part = folder / (RECORD + ".part")
    part.write_text(json.dumps(record), encoding="utf-8")
    part.replace(folder / RECORD)


def settled(folder: Path, mark: str) -> dict:
    """The record, with its end where the supervisor is gone and could not write it."""
    record = read(folder, mark)
    tree = Tree(record["pid"], record["start"], record["id"])
    if record["state"] in (*FINAL, "absent") or processes.leads(tree) or processes.members(tree):
        return record
    record = read(folder, mark)  # it may have ended by itself just now
    if record["state"] in FINAL:
        return record
    state = "cancelled" if (folder / CANCELLED).exists() else "failed"
    return dict(record, state=state, exit_code=None)


def start(folder: str, mark: str, program: str) -> None:
    """Starts a job under a supervisor that outlives this call; one that runs already in the folder is not doubled."""
    place = Path(folder)
    with (place / "start.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        before = settled(place, "")
        if before["state"] not in (*FINAL, "absent"):
            return say(before)
        for name in (RECORD, CANCELLED):
            if (place / name).exists():
                (place / name).unlink()
        (place / PROGRAM).write_text(program, encoding="utf-8")
        with (place / LOG).open("wb") as log:
            child = subprocess.Popen(
                [sys.executable, "-I", str(place / PROGRAM)],
                cwd=folder,
                env=dict(os.environ, **{processes.MARK: mark}),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        while (record := read(place, mark))["state"] == "absent":
            if child.poll() is not None:
                raise Refused(f"the job could not be started: {(place / LOG).read_text(errors='replace')[-300:]}")
            time.sleep(0.02)
        return say(record)


def follow(folder: str, mark: str, offsets: dict) -> None:
    """Tells what is added to the job's files after `offsets` (path -> bytes), and its state once it has ended."""
    place, beat = Path(folder), time.monotonic()
    while True:
        record = settled(place, mark)  # before the files are read, so that the last lines are not missed
        more = False
        for name in offsets:
            data = piece(place / name, offsets[name])
            if data:
                say({"file": name, "at": offsets[name], "data": data.decode("latin-1")})
                offsets[name] += len(data)
                more, beat = True, time.monotonic()
        if record["state"] in (*FINAL, "absent") and not more:
            return say({"state": record})
        if time.monotonic() - beat > BEAT:
            say({})  # fails when nobody listens any more
            beat = time.monotonic()
        if not more:
            time.sleep(POLL)


def piece(file: Path, at: int) -> bytes:
    if not file.exists():
        return b""
    with file.open("rb") as opened:
        opened.seek(at)
        return opened.read(PIECE)


def cancel(folder: str, mark: str, grace: float) -> None:
    """SIGINT, then SIGTERM, then SIGKILL to all of the job; tells its record and who is left."""
    place = Path(folder)
    record = read(place, mark)
    if record["state"] not in (*FINAL, "absent"):
        (place / CANCELLED).touch()
    left = processes.end(Tree(record["pid"], record["start"], mark), grace, TERMINATE)
    say(dict(settled(place, mark), left=sorted(left)))


def listing(folder: Path) -> dict:
    """path -> [bytes, sha256] of a checkpoint's files, but for those of intermediate ones, which stay there."""
    found = {}
    for root, folders, files in os.walk(str(folder)):
        if Path(root) == folder:
            folders[:] = [name for name in folders if not name.startswith("checkpoint-")]
        for name in files:
            file = Path(root, name)
            if not file.is_symlink():
                found[str(file.relative_to(folder))] = [file.stat().st_size, digest(file)]
    return found


def digest(file: Path) -> str:
    made = hashlib.sha256()
    with file.open("rb") as opened:
        for block in iter(lambda: opened.read(1 << 20), b""):
            made.update(block)
    return made.hexdigest()


def hashes(folder: str) -> None:
    say({"files": listing(Path(folder))})


def remove(folder: str, mark: str) -> None:
    """Removes the folder of a job that has ended; one that is another's by now stays."""
    record = settled(Path(folder), mark)
    if record["state"] in FINAL:
        shutil.rmtree(folder)
    say({"state": record["state"]})


WORDS = {one.__name__: one for one in (probe, box, arrive, start, follow, cancel, hashes, remove)}
