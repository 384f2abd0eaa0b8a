"""The end of a hosted job: seen to be over, its repository taken away, what it took noted in the run's folder."""

import sys
import time
from pathlib import Path
from typing import Any

from bashgym import jsonl, underway
from bashgym.errors import RunFailed
from bashgym.records import Submission
from bashgym.rented import checkpoints, ledger, pushed
from bashgym.rented.checkpoints import CheckpointSettings
from bashgym.rented.hosted import door, packing
from bashgym.rented.hosted.hiring import RECORD, by_hand, unknown

GONE = 120.0  # seconds a job may take to end
PAUSE = 1.0


def noted(submission: Submission, **changes: Any) -> None:
    """Changes the record of a job that has not ended."""
    file = Path(submission.folder) / RECORD
    if file.exists():
        record = underway.read(file)
        if record["id"] == submission.id and record["state"] not in underway.FINAL:
            underway.save(file, record | changes)


def end(api: Any, namespace: str, mark: str) -> None:
    """Ends what runs under a mark and sees it gone. Raises RunFailed with the command by hand where it is not."""
    import httpx

    until = time.monotonic() + GONE
    while True:
        alive = [one for one in door.marked(api, namespace, mark) if not door.ended(one)]
        if not alive:
            return
        if time.monotonic() > until:
            manual = "; ".join(f"hf jobs cancel {one.id} --namespace {namespace}" for one in alive)
            raise RunFailed(f"hf_jobs: a job goes on and COSTS MONEY; end it by hand: {manual}")
        for one in alive:
            try:
                api.cancel_job(job_id=one.id, namespace=namespace)
            except httpx.HTTPError:
                continue  # ended meanwhile, or the Hub stumbled: the next look tells
        time.sleep(PAUSE)


def clean(api: Any, settings: CheckpointSettings, namespace: str, submission: Submission) -> None:
    """After the end: takes the repository away, unless the result in it is not on this disk yet, and closes the ledger.

    Raises RunFailed while it is not known whether a job was started."""
    file = Path(submission.folder) / RECORD
    record = underway.read(file) if file.exists() else {}
    record = record if record.get("id") == submission.id else {}
    if record.get("unsure_until", 0.0) > time.time() and not unknown(api, record):
        raise RunFailed(
            f"hf_jobs: whether a job was started is not known yet; look again in some minutes ({by_hand(namespace)})"
        )
    repository = packing.repository(namespace, submission.id)
    kept = bool(record) and not record["fetched"] and has_result(api, repository, record, Path(submission.folder))
    entry = ledger.of(submission.id)
    gone = kept or packing.delete(api, repository)
    if not kept:
        noted(submission, state="cancelled", reason="it was brought down before its end")
    if record:
        told(file, underway.read(file))
    if entry:
        ledger.closed(entry) if gone else ledger.updated(entry, state="ending")
    if record.get("fetched") and not checkpoints.forget(api, settings, record["prefix"]):
        left = f"{settings.to}, folder {record['prefix']}"
        print(
            f"bashgym: the Hub does not answer; checkpoints that are not needed any more stay there: {left}",
            file=sys.stderr,
        )


def told(file: Path, record: dict[str, Any]) -> None:
    """What was rented for a run, beside its record, in the words of bashgym/rented/ending.py."""
    hours = record["spent"] / 3600
    content = {name: record[name] for name in ("id", "state", "reason", "fetched", "output", "usd_per_hour")}
    content |= {
        "machines": len(record["jobs"]),
        "hours": round(hours, 4),
        "usd": round(hours * record["usd_per_hour"], 4),
    }
    content |= {"evidence": "estimated"}  # seconds as the Hub counts them, times its price; it bills whole minutes
    jsonl.replace(file.with_name(ledger.PAST), jsonl.dumps(content) + b"\n")


def has_result(api: Any, repository: str, record: dict[str, Any], folder: Path) -> bool:
    """Whether a trained model waits there. Raises RunFailed where the Hub does not say."""
    if record["state"] == "failed":
        return False
    note = door.asked(
        lambda: pushed.note(api, repository, packing.RESULT, folder), f"what is in {repository}", none=404
    )
    return note is not None and note.get("code") == 0
