"""This machine: the training runs here as a process of its own, which outlives the program that started it."""

import os
import shutil
import subprocess
import time
import uuid
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from pydantic import Field

from bashgym import checkpoint, environment, jsonl, processes, training_log
from bashgym.config import Config as Settings
from bashgym.errors import InputError, RunFailed
from bashgym.records import Finding, Job, Progress, Quote, Submission

POLL = 0.3  # seconds between looks at a running job
TERMINATE = 5.0  # seconds between SIGTERM and SIGKILL
RECORD = "job.json"
METRICS = "metrics.jsonl"
LOG = "logs/train.log"
EXIT = "logs/exit_code"
FINAL = ("succeeded", "failed", "cancelled")
# A shell stays above the command to write down how it ended, also when nobody is left who waits for it. It has a
# handler for Ctrl-C instead of ignoring it, because a child would inherit the ignoring.
SHELL = 'trap : INT TERM; file=$1; shift; "$@"; code=$?; echo $code > "$file.part" && mv "$file.part" "$file"'


class Cloud:
    class Config(Settings):
        python: str = ""
        """Interpreter of another training environment; empty: the one BashGym makes and keeps."""
        grace_seconds: float = Field(default=20.0, ge=0)
        """Seconds a training may take to stop (and save) after Ctrl-C before it is killed."""
        free_disk_gb: float = Field(default=5.0, ge=0)
        """Free disk below which no training starts; checkpoints of a larger model need more."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.children: list[subprocess.Popen[bytes]] = []  # to be reaped, else they stay as zombies

    def preflight(self, job: Job) -> Iterable[Finding]:
        """Whether the training environment, disk, memory and GPUs are here."""
        yield from self.over_there()
        yield from self.room(job)
        yield from gpus(job)

    def over_there(self) -> Iterable[Finding]:
        try:
            environment.python(self.config.python)
        except InputError as error:
            if self.named():
                yield Finding(level="error", message=str(error))
            else:
                size = f"about {environment.Pins().size_gb:g} GB, more with CUDA"
                yield Finding(level="info", message=f"the training environment is made first, once: {size}")

    def named(self) -> bool:
        """Whether the user has an environment of their own, which is not ours to make."""
        return bool(self.config.python or os.environ.get(environment.OVERRIDE))

    def python(self, folder: Path) -> Path:
        """The interpreter; our environment is made when it is not there, what that says goes to a log."""
        try:
            return environment.python(self.config.python)
        except InputError:
            if self.named():
                raise
        with (folder / "logs" / "environment.log").open("a", encoding="utf-8", buffering=1) as log:
            return environment.create(lambda line: print(line, file=log))

    def room(self, job: Job) -> Iterable[Finding]:
        folder = existing(Path(job.folder))
        free = shutil.disk_usage(folder).free / 1e9
        if free < self.config.free_disk_gb:
            needed = f"cloud.free_disk_gb={self.config.free_disk_gb:g}"
            yield Finding(
                level="error", message=f"{free:.1f} GB free at {folder}, {needed}; make room or set run_dir=PATH"
            )
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
        need = job.gpu.get("min_vram_gb", 2)  # weights pass through memory; the smallest CPU training peaks at 0.9 GB
        if memory < need:
            yield Finding(level="warning", message=f"{memory:.0f} GB of memory for a job that needs about {need} GB")

    def quote(self, job: Job) -> Quote:
        note = "this machine: nothing is rented (power is not counted); how long it takes is not known beforehand"
        return Quote(offers=(), hours=None, usd=0.0, evidence="estimated", note=note)

    def submit(self, job: Job) -> Submission:
        """Starts the job; it goes on when this program ends. One that still runs in this folder is not started twice:
        it is the submission.

        Raises RunFailed when it cannot be started, InputError when `cloud.python` cannot be used."""
        folder = Path(job.folder)
        if (folder / RECORD).exists() and (under_way := settle(folder))["state"] not in FINAL:
            return Submission(job=under_way["job"], folder=str(folder), id=under_way["id"])
        (folder / LOG).parent.mkdir(parents=True, exist_ok=True)
        where = environment.Environment(self.python(folder))
        command = [program(where.python, job.command[0]), *job.command[1:]]
        (folder / EXIT).unlink(missing_ok=True)
        mark = uuid.uuid4().hex
        metrics = folder / METRICS
        record: dict[str, Any] = {"id": mark, "job": job.name, "command": command, "output": job.output}
        record |= {"state": "running", "pid": 0, "start": "", "exit_code": None, "reason": ""}
        record |= {"began": time.time(), "metrics_from": metrics.stat().st_size if metrics.exists() else 0}
        save(folder, record)
        variables = environment.variables(where, folder, downloads(job)) | job.env | {processes.MARK: mark}
        pid = self.start(folder, command, variables)
        save(folder, record | {"pid": pid, "start": processes.start_of(pid)})
        return Submission(job=job.name, folder=str(folder), id=mark)

    def start(self, folder: Path, command: list[str], variables: dict[str, str]) -> int:
        with (folder / LOG).open("wb") as log:
            child = subprocess.Popen(
                ["/bin/sh", "-c", SHELL, "sh", str(folder / EXIT), *command],
                cwd=folder,
                env=variables,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.children.append(child)
        return child.pid

    def follow(self, submission: Submission) -> Iterator[Progress]:
        """Every metric line from the job's start, also in another process than the one that submitted it.

        Ctrl-C while it waits cancels the job; who is interrupted elsewhere calls cancel."""
        try:
            yield from self.watch(Path(submission.folder), submission.id)
        except KeyboardInterrupt:
            self.cancel(submission)
            raise

    def watch(self, folder: Path, mark: str) -> Iterator[Progress]:
        offset = read(folder, mark)["metrics_from"]
        while True:
            record = self.look(folder, mark)  # before the metrics are read, so that the last ones are not missed
            final = record["state"] in FINAL
            offset, found = training_log.metrics(folder / METRICS, offset, final)
            yield from found
            if final:
                yield Progress(kind="state", data={key: record[key] for key in ("state", "exit_code", "reason")})
                return
            time.sleep(POLL)

    def look(self, folder: Path, mark: str | None = None) -> dict[str, Any]:
        self.children = [child for child in self.children if child.poll() is None]
        return settle(folder, mark)

    def fetch(self, submission: Submission) -> Path:
        """The checkpoint's folder. Raises RunFailed when the job did not succeed or left half a checkpoint."""
        folder = Path(submission.folder)
        record = self.look(folder, submission.id)
        log = folder / LOG
        if record["state"] != "succeeded":
            raise RunFailed(f"training {record['state']}: {record['reason'] or 'no checkpoint yet'}; log: {log}")
        output = folder / record["output"]
        if lacks := checkpoint.lacks(output):
            raise RunFailed(f"training ended without a whole checkpoint in {output}: {lacks}; log: {log}")
        return output

    def cancel(self, submission: Submission) -> None:
        """SIGINT, then SIGTERM, then SIGKILL to the whole tree; raises RunFailed when something survives even that."""
        folder = Path(submission.folder)
        record = self.look(folder, submission.id)
        if record["state"] not in FINAL:
            save(folder, record | {"state": "cancelling"})
            self.end(record, self.config.grace_seconds)
        self.look(folder, submission.id)

    def down(self, submission: Submission) -> None:
        """Ends what is left of the job on this machine."""
        self.cancel(submission)
        self.end(read(Path(submission.folder), submission.id), 0)

    def end(self, record: dict[str, Any], grace: float) -> None:
        left = processes.end(tree(record), grace, TERMINATE)
        if left:
            raise RunFailed(
                f"processes {sorted(left)} of job {record['job']} do not end; see `ps -fp`, or restart the machine"
            )


def gpus(job: Job) -> Iterable[Finding]:
    """An error where the job needs GPUs that are not here, according to nvidia-smi."""
    if not job.gpu:
        return
    count, need = job.gpu.get("count", 1), job.gpu.get("min_vram_gb", 0)
    cards = memories()
    # a card's usable memory is a little less than its name says: 24 GB cards report 23.99 and less
    if len([card for card in cards if card >= 0.95 * need]) < count:
        here = f"GPUs of {', '.join(f'{card:.0f}' for card in cards)} GB" if cards else "no NVIDIA GPU"
        way = "set training.device=cpu for a small model, or cloud=runpod"
        yield Finding(
            level="error", message=f"the job needs {count} GPU(s) of {need} GB and this machine has {here}; {way}"
        )


def memories() -> list[float]:
    """GiB of each NVIDIA GPU; none without a working nvidia-smi."""
    command = ["nvidia-smi", "--query-gpu=memory.total", "--format=csv,noheader,nounits"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=True)
    except (OSError, subprocess.SubprocessError):
        return []
    return [float(line) / 1024 for line in done.stdout.split("\n") if line.strip().replace(".", "").isdigit()]


def downloads(job: Job) -> bool:
    """Whether the model it starts from has to come from the network."""
    base = str(job.config.get("base_model", ""))
    return bool(base) and not environment.is_local(base) and not (Path(job.folder) / base).exists()


def existing(folder: Path) -> Path:
    """The nearest folder above that is there."""
    while not folder.exists():
        folder = folder.parent
    return folder


def program(python: Path, name: str) -> str:
    """The command as a file beside the environment's interpreter; raises RunFailed when it is not there."""
    if name in ("python", "python3"):
        return str(python)
    found = python.parent / name
    if not os.access(found, os.X_OK):
        raise RunFailed(f"no `{name}` beside {python}; set cloud.python to an interpreter whose environment has it")
    return str(found)


def read(folder: Path, mark: str | None = None) -> dict[str, Any]:
    """The job's record; raises RunFailed when there is none or it is of another job."""
    try:
        record: dict[str, Any] = jsonl.parse((folder / RECORD).read_bytes())
    except (OSError, ValueError):
        raise RunFailed(f"no job was started in {folder}: {RECORD} is not there or not whole") from None
    if mark is not None and record["id"] != mark:
        raise RunFailed(f"{folder}: another job was started there since; follow that one")
    return record


def save(folder: Path, record: dict[str, Any]) -> None:
    jsonl.replace(folder / RECORD, jsonl.dumps(record))


def tree(record: dict[str, Any]) -> processes.Tree:
    return processes.Tree(record["pid"], record["start"], record["id"])


def settle(folder: Path, mark: str | None = None) -> dict[str, Any]:
    """The job's record, with its end written down when it has ended since."""
    record = read(folder, mark)
    exit_file = folder / EXIT
    if record["state"] in FINAL or processes.leads(tree(record)):
        return record
    if not exit_file.exists() and processes.members(tree(record)):
        return record  # the shell was killed and the training goes on
    record = read(folder, mark)  # who cancels says so before the first signal, which may have been just now
    code = int(exit_file.read_text() or -1) if exit_file.exists() else None
    if record["state"] == "cancelling":
        record |= {"state": "cancelled", "exit_code": code, "reason": "cancelled"}
    elif code == 0:
        record |= {"state": "succeeded", "exit_code": 0}
    else:
        record |= {"state": "failed", "exit_code": code, "reason": training_log.reason(folder / LOG, code)}
    save(folder, record)
    return record
