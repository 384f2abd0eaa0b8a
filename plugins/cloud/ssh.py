"""A machine of yours over ssh: rows and code go there by rsync, the training runs there detached, the model comes back.

Only what the leak gate passed is sent, and never a raw session; no key and no token of this machine goes along."""

import re
import shutil
import time
import uuid
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from pydantic import Field, field_validator

from bashgym import paths, processes, training_log, underway
from bashgym.config import Config as Settings
from bashgym.errors import BashGymError, RunFailed
from bashgym.gate.report import require
from bashgym.records import Finding, Job, Progress, Quote, Submission
from bashgym.remote import asked, files, mirror, sent
from bashgym.remote.ssh import Machine, Unreachable, supervisor
from bashgym.underway import FINAL, LOG, METRICS

RECORD = "remote.json"
HOST = re.compile(r"(?:[\w.+%-]+@)?[\w.-]+")


class Limits(Settings):
    max_hours: float = Field(default=24.0, gt=0)
    """Hours a training may take there; that machine itself ends it then, also when this one is gone."""


class Cloud:
    class Config(Settings):
        host: str = ""
        """The machine: a host of your ssh configuration, or `user@machine`. Port and keys are ssh's to know."""
        config_file: str = ""
        """Another ssh configuration than `~/.ssh/config`."""
        remote_folder: str = "~/bashgym-jobs"
        """The folder there in which every job has one of its own."""
        remote_python: str = ""
        """Interpreter there of an environment with Axolotl; empty: BashGym's own there, made first where it is not."""
        limits: Limits = Limits()
        """How long a training may take."""
        grace_seconds: float = Field(default=20.0, ge=0)
        """Seconds a training may take to stop (and save) when it is cancelled before it is killed."""
        free_disk_gb: float = Field(default=5.0, ge=0)
        """Free disk there below which no training starts; checkpoints of a larger model need more."""
        patience_minutes: float = Field(default=30.0, ge=0)
        """Minutes to go on trying when the connection is lost; the training runs on meanwhile."""
        keep: bool = False
        """Keeps the job's folder there; else it is removed once the model is here and every hash was compared."""

        @field_validator("host")
        @classmethod
        def spelled(cls, host: str) -> str:
            if host and (not HOST.fullmatch(host) or host.startswith("-") or "@-" in host):
                raise ValueError("name a host of your ssh configuration, or user@machine; a port belongs there, too")
            return host

        @field_validator("remote_folder")
        @classmethod
        def somewhere(cls, folder: str) -> str:
            if not folder.strip("/~ "):
                raise ValueError("name a folder for jobs alone, such as ~/bashgym-jobs")
            return folder

    def __init__(self, config: Config) -> None:
        self.config = config
        name = str(paths.resolve(config.config_file)) if config.config_file else ""
        self.machine = Machine(config.host, name, config.remote_python or "python3")

    def preflight(self, job: Job) -> Iterable[Finding]:
        """Whether the machine lets us in and has what the job needs: rsync, disk, GPUs, environment, model, box."""
        if not self.config.host:
            way = "set cloud.host=NAME, a host of your ssh configuration, or cloud.host=user@machine"
            yield Finding(level="error", message=f"cloud.host says no machine; {way}")
            return
        if shutil.which("rsync") is None:
            yield Finding(level="error", message="there is no `rsync` on this machine; install it")
        try:
            found = asked.probe(self.machine, job, self.config.remote_folder, self.config.remote_python)
            yield from asked.lacking(job, found, self.config.host, self.config.free_disk_gb, self.config.remote_python)
            if python := found["python"] or found["maker"]:
                yield from asked.boxes(self.machine, job, python)
        except BashGymError as error:
            yield Finding(level="error", message=str(error))

    def quote(self, job: Job) -> Quote:
        note = "your own machine: nothing is rented (power is not counted); how long it takes is not known beforehand"
        details = {
            "limits": self.config.limits.model_dump(),
            "uploads": list(job.uploads),
            "to": f"{self.config.host}:{self.config.remote_folder}/{sent.readable(job.name)}-*",
            "credentials": [],
        }
        return Quote(offers=(), hours=None, usd=0.0, evidence="estimated", note=note, details=details)

    def submit(self, job: Job) -> Submission:
        """Sends the uploads and starts the job, which goes on when this program or the connection ends. One that runs
        already in its folder there is not started twice: it is the submission.

        Raises PrivacyError where the leak gate has not passed the dataset, RunFailed when it cannot be started."""
        folder = Path(job.folder)
        require(folder)
        own = read(folder)["own"] if (folder / RECORD).exists() else uuid.uuid4().hex
        found = self.arrived(job, own)
        there, before = found["there"], found["before"]
        if before["state"] not in (*FINAL, "absent") or unsettled(folder, before["id"]):
            return self.taken_up(folder, before)
        mark = uuid.uuid4().hex
        save(folder, {"id": mark, "own": own, "host": self.config.host, "there": there, **fresh(job)})
        files.send(self.machine, job, there)
        (folder / LOG).parent.mkdir(parents=True, exist_ok=True)
        (folder / LOG).write_bytes(b"")
        hours, grace = self.config.limits.max_hours, self.config.grace_seconds
        spec = sent.spec(job, there, found["python"], 3600 * hours, grace)
        above = supervisor(folder=there, mark=mark, spec=spec)
        try:
            started = self.machine.ask("start", folder=there, mark=mark, program=above)
        except KeyboardInterrupt:  # it may have been started all the same
            self.cancel(Submission(job=job.name, folder=str(folder), id=mark))
            raise
        return self.taken_up(folder, started)

    def arrived(self, job: Job, own: str) -> dict[str, Any]:
        """The job's folder over there, made where it was not: {there, python, before}, see bashgym/remote/there.py."""
        config = self.config
        place: dict[str, Any] = {"folder": config.remote_folder, "name": sent.place(job, own)}
        return self.machine.ask("arrive", environments=sent.digests(), python=config.remote_python, **place)

    def taken_up(self, folder: Path, told: dict[str, Any]) -> Submission:
        """The submission of a job that was started there, noted here; `told` is what the machine says of it."""
        record = read(folder) | {"id": told["id"], "state": "running", "metrics_from_there": told["metrics_from"]}
        save(folder, record)
        return Submission(job=record["job"], folder=str(folder), id=told["id"])

    def follow(self, submission: Submission) -> Iterator[Progress]:
        """Every metric line from the job's start, over as many connections as it takes, also in another process than
        the one that submitted it.

        Ctrl-C while it waits cancels the job; who is interrupted elsewhere calls cancel. Raises Unreachable after
        `patience_minutes` without a connection; the job goes on then."""
        try:
            yield from self.watch(Path(submission.folder), submission.id)
        except KeyboardInterrupt:
            self.cancel(submission)
            raise

    def watch(self, folder: Path, mark: str) -> Iterator[Progress]:
        record = read(folder, mark)
        offset = record["metrics_from"]
        told = iter(()) if record["state"] in FINAL else self.lasting(folder, record)
        for one in told:
            if "lost" in one:
                yield Progress(kind="log", data={"message": f"{one['lost']}; trying again, the training goes on there"})
            if "state" in one:
                record = self.ended(folder, record, one["state"])
            offset, found = training_log.metrics(folder / METRICS, offset, False)
            yield from found
        yield from training_log.metrics(folder / METRICS, offset, True)[1]
        yield Progress(kind="state", data={key: record[key] for key in ("state", "exit_code", "reason")})

    def lasting(self, folder: Path, record: dict[str, Any]) -> Iterator[dict[str, Any]]:
        return mirror.lasting(self.machine, folder, record, 60 * self.config.patience_minutes)

    def ended(self, folder: Path, record: dict[str, Any], told: dict[str, Any]) -> dict[str, Any]:
        """The record with how the job ended, noted; `told` is what the machine says of it."""
        state, code = told["state"], told.get("exit_code")
        if state == "absent":
            state, reason = "failed", f"{record['there']} on {record['host']} is gone, or another job is there"
        elif told.get("late"):
            reason = f"stopped after cloud.limits.max_hours={self.config.limits.max_hours:g}; what it saved stays there"
        elif state == "cancelled":
            reason = "cancelled"
        else:
            reason = "" if state == "succeeded" else training_log.reason(folder / LOG, code)
        record = {**record, "state": state, "exit_code": code, "reason": reason}
        save(folder, record)
        return record

    def fetch(self, submission: Submission) -> Path:
        """The checkpoint's folder, its files here and each with the hash it has there.

        Raises RunFailed when the job did not succeed, or half a checkpoint came."""
        folder = Path(submission.folder)
        record = read(folder, submission.id)
        underway.succeeded(folder, record)
        output = folder / record["output"]
        if not record["fetched"]:
            files.fetch(self.machine, f"{record['there']}/{record['output']}", output)
            underway.whole(folder, output)
            save(folder, {**record, "fetched": True})
        return underway.whole(folder, output)

    def cancel(self, submission: Submission) -> None:
        """SIGINT, then SIGTERM, then SIGKILL to the whole tree there; what it had written by then is here afterwards.

        Raises RunFailed, with the command to type, when it cannot be ended."""
        folder = Path(submission.folder)
        record = read(folder, submission.id)
        if record["state"] in FINAL:
            return
        patience = 90.0 + self.config.grace_seconds
        where = {"folder": record["there"], "mark": record["id"]}
        try:
            told = self.machine.ask("cancel", patience, grace=self.config.grace_seconds, **where)
        except Unreachable as error:
            way = f"the same command follows it again; end it with: {self.by_hand(record)}"
            raise RunFailed(f"the training may still run: {error}; {way}") from None
        if told["left"]:
            raise RunFailed(f"processes {told['left']} on {record['host']} do not end; restart that machine")
        for _ in mirror.pieces(self.machine, folder, record):
            pass  # the last lines of its metrics and log
        self.ended(folder, record, {**told, "state": "cancelled"} if told["state"] == "absent" else told)

    def by_hand(self, record: dict[str, Any]) -> str:
        """The command that ends a job there; each of its processes bears its mark."""
        mark = f"{processes.MARK}={record['id']}"
        return self.machine.by_hand(f"grep -lz {mark} /proc/[0-9]*/environ | cut -d/ -f3 | xargs kill")

    def down(self, submission: Submission) -> None:
        """Ends what is left of the job there; its folder is removed once the model is here, unless `keep`.

        Where it cannot be removed, `remote.json` says why."""
        self.cancel(submission)
        folder = Path(submission.folder)
        record = read(folder, submission.id)
        if not record["fetched"] or self.config.keep or record.get("removed"):
            return
        try:
            self.machine.ask("remove", folder=record["there"], mark=record["id"])
            save(folder, {**record, "removed": True})
        except RunFailed as error:  # the model is here and nothing runs: what is left there fails no run, it is noted
            save(folder, {**record, "left": str(error)})


def fresh(job: Job) -> dict[str, Any]:
    """What is noted of a job before it is sent. Its metrics begin at `metrics_from` of the file here, and at
    `metrics_from_there` of the one there."""
    metrics = underway.size(Path(job.folder) / METRICS)
    begun = {"state": "submitting", "began": time.time(), "metrics_from": metrics, "metrics_from_there": 0}
    return {"job": job.name, "output": job.output, "exit_code": None, "reason": "", "fetched": False, **begun}


def read(folder: Path, mark: str | None = None) -> dict[str, Any]:
    return underway.read(folder / RECORD, mark)


def save(folder: Path, record: dict[str, Any]) -> None:
    underway.save(folder / RECORD, record)


def unsettled(folder: Path, mark: str) -> bool:
    """Whether a job is the one that was started last from this folder, and its end is not known here yet."""
    if not mark or not (folder / RECORD).exists():
        return False
    record = read(folder)
    return bool(record["id"] == mark and record["state"] not in FINAL)
