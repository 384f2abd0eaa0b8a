"""A hosted job is started at most once, within its limits, and is ended for certain. Its record: `hf_job.json`."""

import hashlib
import time
from pathlib import Path
from typing import Any, NamedTuple

from bashgym import jsonl, underway
from bashgym.errors import RunFailed
from bashgym.records import Job, Submission
from bashgym.rented import checkpoints, ledger, pushed
from bashgym.rented.checkpoints import CheckpointSettings
from bashgym.rented.hosted import door, packing
from bashgym.rented.hosted.flavors import Priced
from bashgym.rented.settings import Limits

RECORD = "hf_job.json"
QUOTED = "hf_quote.json"
LOOKS = (1.0, 2.0, 4.0, 8.0)  # seconds between looks for a job whose start was not answered
UNSURE = 600.0  # seconds after which a job that nobody has seen was never started
LEAST = 60  # seconds of training for which a job is worth starting
GRACE = 300.0  # seconds after which a limit of the Hub's has not held


class Refused(RunFailed):
    """The Hub said no: nothing runs."""


class Terms(NamedTuple):
    """On what terms a job runs; `seconds` is all the time it may have, restarts included."""

    flavor: str
    usd_per_hour: float
    seconds: int
    image: str
    secrets: tuple[str, ...]
    checkpoint: CheckpointSettings


def seconds(limits: Limits, usd_per_hour: float) -> int:
    """What the server is told as the job's time limit, so that waiting to start and running stay below both caps."""
    hours = min(limits.max_hours, limits.max_usd / usd_per_hour)
    return int(hours * 3600) - 60 * limits.launch_minutes


def quoted(folder: Path, flavor: str, usd_per_hour: float | None) -> None:
    jsonl.replace(folder / QUOTED, jsonl.dumps({"flavor": flavor, "usd_per_hour": usd_per_hour}))


def priced(found: list[Priced], limits: Limits, folder: Path) -> tuple[str, float, int]:
    """The cheapest flavor, its price now and the seconds it buys. Raises RunFailed where it is unpriced, too dear, or
    dearer than what was quoted in this folder."""
    if not found:
        raise RunFailed("hf_jobs: no flavor on offer is large enough; see `--plan`")
    flavor, price = found[0]
    if price is None:
        raise RunFailed(f"hf_jobs: the Hub tells no price of {flavor}, and nothing is rented unpriced")
    if price > limits.max_hourly_usd:
        raise RunFailed(
            f"hf_jobs: {flavor} costs ${price:.2f}/h, cloud.limits.max_hourly_usd={limits.max_hourly_usd:g}"
        )
    file = folder / QUOTED
    before = jsonl.parse(file.read_bytes())["usd_per_hour"] if file.exists() else None
    if before is not None and price > before * 1.001:
        quoted(folder, flavor, price)
        raise RunFailed(f"hf_jobs: the price rose from ${before:.2f}/h to ${price:.2f}/h since the quote; run again")
    bought = seconds(limits, price)
    if bought < LEAST:
        raise RunFailed(f"hf_jobs: cloud.limits buy {bought} seconds of {flavor} at ${price:.2f}/h; raise them")
    return flavor, price, bought


def digest(job: Job) -> str:
    """Of what the job does: a job under way with another one is not this one."""
    names = sorted((name, path.stat().st_size) for name, path in packing.files(job).items())
    return hashlib.sha256(jsonl.dumps([list(job.command), job.config, names])).hexdigest()


def opened(
    submission: Submission, config: dict[str, Any], limits: Limits, terms: Terms, namespace: str, of: str
) -> ledger.Rented:
    """In the ledger before anything is asked of the Hub that could cost."""
    now = time.time()
    return ledger.opened(
        submission,
        cloud="hf_jobs",
        plugin="hf_jobs",
        config=config,
        name=submission.id,
        usd_per_hour=terms.usd_per_hour,
        max_usd=limits.max_usd,
        max_hours=limits.max_hours,
        deadline=now + terms.seconds + 60 * limits.launch_minutes,
        by_hand=by_hand(namespace),
        notes={"digest": of, "namespace": namespace},
    )


def by_hand(namespace: str) -> str:
    return f"hf jobs ps --namespace {namespace}, then hf jobs cancel ID --namespace {namespace}"


def prepared(api: Any, job: Job, submission: Submission, terms: Terms, namespace: str) -> None:
    """Uploads the job; it is started when it is followed, once its submission is noted by whoever asked for it.

    Raises RunFailed, PrivacyError."""
    repository = packing.repository(namespace, submission.id)
    secrets = packing.values(terms.secrets)
    record: dict[str, Any] = {"id": submission.id, "job": job.name, "output": job.output, "namespace": namespace}
    record |= {"jobs": [], "flavor": terms.flavor, "usd_per_hour": terms.usd_per_hour, "cap": terms.seconds, "spent": 0}
    record |= {"seconds": terms.seconds, "image": terms.image, "secrets": list(terms.secrets), "restarts": 0}
    record |= {"variables": checkpoints.variables(job, terms.checkpoint), "prefix": checkpoints.prefix(job)}
    record |= {
        "state": "launching",
        "exit_code": None,
        "reason": "",
        "fetched": False,
        "unsure_until": 0.0,
        "began": time.time(),
    }
    file = Path(submission.folder) / RECORD
    underway.save(file, record)
    if terms.checkpoint.to:
        checkpoints.ready(api, terms.checkpoint)
    record["revision"] = packing.upload(api, repository, job, secrets | {checkpoints.SECRET: door.token() or ""})
    underway.save(file, record)


def start(api: Any, file: Path, record: dict[str, Any], limits: Limits) -> None:
    """One job on the Hub, known by its mark before and after. Raises RunFailed where it became too dear or was refused,
    or where the Hub does not say: then it may run, and is looked for whenever somebody looks."""
    unraised(api, record, limits)
    before = {one.id for one in door.marked(api, record["namespace"], record["id"])}
    record["unsure_until"] = time.time() + UNSURE
    underway.save(file, record)
    try:
        info = requested(api, record, before)
    except Refused:
        underway.save(file, record | {"unsure_until": 0.0})
        raise
    record |= {"jobs": [*record["jobs"], info.id], "state": "running", "unsure_until": 0.0, "asked": time.time()}
    underway.save(file, record)
    entry = ledger.of(record["id"])
    if entry:
        manual = f"hf jobs cancel {info.id} --namespace {record['namespace']}"
        ledger.updated(entry, name=info.id, by_hand=manual, state="running")


def requested(api: Any, record: dict[str, Any], before: set[str]) -> Any:
    import httpx

    for pause in (*pushed.PAUSES, None):
        try:
            return run(api, record)
        except httpx.HTTPError as error:
            answer = pushed.status(error)
            refused = answer is not None and answer < 500
            if pause is not None and (answer == 429 or isinstance(error, httpx.ConnectError)):  # it never arrived
                time.sleep(pause)
                continue
            if refused or isinstance(error, httpx.ConnectError):
                raise Refused(f"hf_jobs: the Hub refuses the job ({door.told(error)})") from None
            return appeared(api, record, before, error)
    raise AssertionError("unreachable")


def run(api: Any, record: dict[str, Any]) -> Any:
    secrets = packing.values(tuple(record["secrets"])) | {checkpoints.SECRET: door.token() or ""}
    variables = {
        "BASHGYM_REPOSITORY": packing.repository(record["namespace"], record["id"]),
        "BASHGYM_REVISION": record["revision"],
        "BASHGYM_SECONDS": str(record["seconds"]),
        "PYTHONUNBUFFERED": "1",
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    }
    return api.run_job(
        image=record["image"],
        command=["bash", "-c", packing.SCRIPT.read_text(encoding="utf-8")],
        env=variables | record["variables"],
        secrets=secrets,
        flavor=record["flavor"],
        timeout=record["seconds"],
        labels={door.LABEL: record["id"]},
        namespace=record["namespace"],
    )


def appeared(api: Any, record: dict[str, Any], before: set[str], error: Exception) -> Any:
    """The job whose start was not answered. It is never asked for again: there could be two."""
    for pause in LOOKS:
        time.sleep(pause)
        new = [one for one in door.marked(api, record["namespace"], record["id"]) if one.id not in before]
        if new:
            return new[0]
    raise RunFailed(
        f"hf_jobs: the Hub does not say whether the job was started ({door.told(error)}), and shows none; run again: "
        "it is taken up if it runs after all"
    ) from None


def unknown(api: Any, record: dict[str, Any]) -> list[Any]:
    """Jobs under the mark that the record does not know, the newest first."""
    return [one for one in door.marked(api, record["namespace"], record["id"]) if one.id not in record["jobs"]]


def unraised(api: Any, record: dict[str, Any], limits: Limits) -> None:
    """Raises RunFailed where the price rose since the time was bought, so that the caps would not hold any more."""
    prices = door.prices(api, live=True)
    now = next((one.usd_per_hour for one in prices.offers if one.flavor == record["flavor"]), None) if prices else None
    if now is None:
        raise RunFailed(f"hf_jobs: the Hub tells no price of {record['flavor']} now, and nothing is rented unpriced")
    if now > record["usd_per_hour"] * 1.001:
        dearer = f"from ${record['usd_per_hour']:.2f}/h to ${now:.2f}/h"
        raise RunFailed(f"hf_jobs: the price of {record['flavor']} rose {dearer} since the quote; run again")


def under_way(submission: Submission) -> bool:
    """Whether a submission runs, may run, or waits with a result that is not on this disk yet."""
    file = Path(submission.folder) / RECORD
    record = underway.read(file) if file.exists() else {}
    if record.get("id") != submission.id or record["state"] in ("failed", "cancelled", "cancelling"):
        return False
    if record["state"] == "succeeded":
        return not record["fetched"]
    return asked(record)


def namespace_of(submission: Submission) -> str:
    """As its record has it; empty where there is none any more."""
    file = Path(submission.folder) / RECORD
    record = underway.read(file) if file.exists() else {}
    return str(record["namespace"]) if record.get("id") == submission.id else ""


def asked(record: dict[str, Any]) -> bool:
    """Whether the Hub was asked for a job: before that nothing can run."""
    return bool(record["jobs"] or record["unsure_until"])
