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

from bashgym import environment, machine, processes, training_log, underway
from bashgym.config import Config as Settings
from bashgym.errors import InputError, RunFailed
from bashgym.records import Finding, Job, Progress, Quote, Submission
from bashgym.underway import FINAL, LOG, METRICS

POLL = 0.3  # seconds between looks at a running job
TERMINATE = 5.0  # seconds between SIGTERM and SIGKILL
RECORD = "job.json"
EXIT = "logs/exit_code"
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
        yield from underway.lacking_gpus(
            job,
            machine.memories() if job.gpu else (),
            "this machine",
            "set training.device=cpu for a small model, or cloud=runpod",
        )

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
        folder = machine.existing(Path(job.folder))
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
        record: dict[str, Any] = {"id": mark, "job": job.name, "command": command, "output": job.output}
        record |= {"state": "running", "pid": 0, "start": "", "exit_code": None, "reason": ""}
        record |= {"began": time.time(), "metrics_from": underway.size(folder / METRICS)}
        save(folder, record)
        variables = environment.variables(where, folder, underway.downloads(job)) | job.env | {processes.MARK: mark}
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
        underway.succeeded(folder, record)
        return underway.whole(folder, folder / record["output"])

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


def program(python: Path, name: str) -> str:
    """The command as a file beside the environment's interpreter; raises RunFailed when it is not there."""
    found = machine.program(python, name)
    if found is None:
        raise RunFailed(f"no `{name}` beside {python}; set cloud.python to an interpreter whose environment has it")
    return found


def read(folder: Path, mark: str | None = None) -> dict[str, Any]:
    return underway.read(folder / RECORD, mark)


def save(folder: Path, record: dict[str, Any]) -> None:
    underway.save(folder / RECORD, record)


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
