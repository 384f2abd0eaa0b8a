"""A hosted job watched to its end, its result brought back, and a job that the platform lost started again."""

import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bashgym import jsonl, training_log, underway
from bashgym.errors import RunFailed
from bashgym.records import Progress, Submission
from bashgym.rented import ledger, pushed
from bashgym.rented.checkpoints import CheckpointSettings
from bashgym.rented.hosted import door, hiring, leaving, packing
from bashgym.rented.hosted.following import Kept, Stream
from bashgym.rented.settings import Limits

FIRST, LONGEST = 0.3, 10.0  # seconds between looks at a job
DRAIN = 10.0  # seconds for the rest of an ended job's log
RESULT = ".hf-result"  # what came back, until it is in its place


def followed(api: Any, limits: Limits, checkpoint: CheckpointSettings, submission: Submission) -> Iterator[Progress]:
    """Every metric line from the job's start, and its last state.

    A job that an earlier program had started, and that this one finds failed, says `costs`: to try again is another
    charge, and for its user to decide."""
    folder = Path(submission.folder)
    file = folder / hiring.RECORD
    record = underway.read(file) if file.exists() else {}
    if record.get("id") != submission.id:
        yield Progress(kind="state", data={"state": "failed", "exit_code": None, "reason": "it is over"})
        return
    if entry := ledger.of(submission.id):
        ledger.followed(entry)
    taken_up = hiring.asked(record) and record["state"] not in underway.FINAL
    if not taken_up and record["state"] not in underway.FINAL:
        if entry is None:  # brought down before it was asked for
            settle(file, record, "cancelled", None, "it was never started")
        else:
            hiring.start(api, file, record, limits)
    kept, stream, pause = Kept(folder), None, FIRST
    while record["state"] not in underway.FINAL:
        record = underway.read(file, submission.id)  # who cancels writes into it
        info = look(api, file, record)
        if info is None:
            settle(file, record, "failed", None, "the Hub never started it")
            break
        if stream is None or stream.job_id != info.id:
            stream, pause = Stream(api, record["namespace"], info.id), FIRST
            kept.anew(record["restarts"])
        if not door.ended(info):
            if door.stage(info) == "RUNNING":
                stream.start()
            hold(api, file, record, info, limits)
            yield from waiting(kept, stream, pause)
            pause = min(pause * 1.3, LONGEST)
            continue
        yield from kept.take(stream.rest(DRAIN))
        yield from close(api, file, info, kept, limits, checkpoint)
        record = underway.read(file, submission.id)
    costs = {"costs": True} if taken_up and record["state"] != "succeeded" else {}
    yield Progress(kind="state", data={key: record[key] for key in ("state", "exit_code", "reason")} | costs)


def waiting(kept: Kept, stream: Stream, seconds: float) -> Iterator[Progress]:
    """Lines as they come, for some time, less where the stream ends meanwhile: then the job may have, too."""
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        yield from kept.take(stream.lines())
        time.sleep(min(left, FIRST))
        if stream.over():
            return


def look(api: Any, file: Path, record: dict[str, Any]) -> Any:
    """The job as the Hub has it now; None where it was never started. Waits while the Hub cannot be reached, for as
    long as the job may run, and then raises RunFailed."""
    import httpx

    pause = FIRST
    while True:
        try:
            if record["unsure_until"] and not adopted(api, file, record):
                if time.time() > record["unsure_until"]:
                    record["unsure_until"] = 0.0
            elif not record["jobs"]:
                return None
            else:
                return api.inspect_job(job_id=record["jobs"][-1], namespace=record["namespace"])
        except (httpx.HTTPError, RunFailed) as error:
            answer = pushed.status(error)
            if answer is not None and not pushed.passing(error):
                raise RunFailed(f"hf_jobs: the Hub does not show the job any more ({door.told(error)})") from None
            if time.time() > record.get("asked", record["began"]) + record["seconds"] + 2 * hiring.GRACE:
                raise RunFailed(f"hf_jobs: the Hub cannot be reached ({door.told(error)}); run again later") from None
        time.sleep(pause)
        pause = min(pause * 2, LONGEST)


def adopted(api: Any, file: Path, record: dict[str, Any]) -> bool:
    """Whether the job whose start was not answered, or not noted any more, is there; it is noted now."""
    new = hiring.unknown(api, record)
    if new:
        record |= {"jobs": [*record["jobs"], new[0].id], "state": "running", "unsure_until": 0.0, "asked": time.time()}
        underway.save(file, record)
    return bool(new)


def hold(api: Any, file: Path, record: dict[str, Any], info: Any, limits: Limits) -> None:
    """Ends a job that does not start in time, or that outlives the Hub's own limit."""
    since = time.time() - record["asked"]
    if door.stage(info) == "SCHEDULING" and since > 60 * limits.launch_minutes:
        why = f"it did not start within cloud.limits.launch_minutes={limits.launch_minutes}"
    elif since > 60 * limits.launch_minutes + record["seconds"] + hiring.GRACE:
        why = f"the Hub did not end it after its {record['seconds']} seconds"
    else:
        return
    underway.save(file, underway.read(file) | {"reason": why})
    leaving.end(api, record["namespace"], record["id"])


def close(
    api: Any, file: Path, info: Any, kept: Kept, limits: Limits, checkpoint: CheckpointSettings
) -> Iterator[Progress]:
    """What became of a job that has ended, written into its record; or the next one in its place."""
    record = underway.read(file)
    took = used(record, info)
    note = brought(api, record, file.parent)
    if note is not None:
        record["spent"] += took
        result = file.parent / RESULT
        yield from kept.whole(result / "metrics.jsonl", result / "train.log")
        code = note["code"]
        why = "" if code == 0 else note["reason"] or training_log.reason(file.parent / underway.LOG, code)
        settle(file, record, "failed" if code else "succeeded", code, why)
        return
    stage, late = door.stage(info), took >= record["seconds"] - 5
    record["spent"] += took
    if record["state"] == "cancelling":
        settle(file, record, "cancelled", None, "cancelled")
    elif record["reason"]:
        settle(file, record, "failed", None, record["reason"])
    elif late:
        settle(file, record, "failed", 124, f"stopped after {record['seconds']} seconds (cloud.limits)")
    elif stage == "CANCELED":
        settle(file, record, "cancelled", None, "cancelled on the Hub")
    elif may_restart(record, checkpoint):
        hiring.start(api, file, again(record), limits)
    else:
        settle(file, record, "failed", None, lost(file.parent / underway.LOG, info))


def lost(log: Path, info: Any) -> str:
    said = training_log.reason(log, 1) if log.exists() and log.stat().st_size else "its log is empty"
    return f"the job ended ({info.status.message or door.stage(info)}) without a result: {said}"


def used(record: dict[str, Any], info: Any) -> float:
    """Seconds that were paid for, as the Hub counts them; where it does not, since the job was asked for."""
    counted = info.durations.running_secs if info.durations else None
    return float(counted) if counted is not None else time.time() - record["asked"]


def may_restart(record: dict[str, Any], checkpoint: CheckpointSettings) -> bool:
    left = record["cap"] - record["spent"]
    return bool(checkpoint.to) and record["restarts"] < checkpoint.max_restarts and left >= hiring.LEAST


def again(record: dict[str, Any]) -> dict[str, Any]:
    """The record of the next job: what is left of the time, for the training goes on from its last checkpoint."""
    return record | {"seconds": int(record["cap"] - record["spent"]), "restarts": record["restarts"] + 1}


def settle(file: Path, record: dict[str, Any], state: str, code: int | None, reason: str) -> None:
    record |= {"state": state, "exit_code": code, "reason": reason}
    underway.save(file, record)


def brought(api: Any, record: dict[str, Any], folder: Path) -> dict[str, Any] | None:
    """The result beside its place, whole, and its note; None where the job pushed none to its end."""
    name = packing.repository(record["namespace"], record["id"])
    try:
        note = door.asked(
            lambda: pushed.take(api, name, packing.RESULT, folder / RESULT), f"what is in {name}", none=404
        )
    except pushed.Torn:
        return None
    if note is not None:
        jsonl.replace(folder / RESULT / pushed.MARK, jsonl.dumps(note))
    return dict(note) if note is not None else None


def fetched(api: Any, submission: Submission) -> Path:
    """The checkpoint in its place. May be called again, also after a kill in the middle."""
    folder = Path(submission.folder)
    file = folder / hiring.RECORD
    record = underway.read(file, submission.id)
    underway.succeeded(folder, record)
    output = folder / record["output"]
    if not record["fetched"]:
        if not (folder / RESULT / pushed.MARK).exists() and brought(api, record, folder) is None:
            raise RunFailed(
                f"hf_jobs: the result of {record['job']} is not whole on the Hub; log: {folder / underway.LOG}"
            )
        if (folder / RESULT / "output").is_dir():
            shutil.rmtree(output, ignore_errors=True)
            (folder / RESULT / "output").rename(output)
        underway.whole(folder, output)
        underway.save(file, record | {"fetched": True})
    shutil.rmtree(folder / RESULT, ignore_errors=True)
    return underway.whole(folder, output)
