"""Hugging Face Jobs by huggingface_hub's own client, against a Hub on loopback that really runs the jobs."""

import json
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from bashgym import paths
from bashgym.config import validate
from bashgym.errors import PrivacyError, RecipeError, RunFailed
from bashgym.records import Progress
from bashgym.registry import load
from bashgym.rented import ledger, pushed
from bashgym.rented.hosted import door, hiring, leaving, watching
from bashgym.stages import reap
from tests.fakes.hub_client import client_of, small_job, steps
from tests.fakes.hub_jobs import JobsHub
from tests.fakes.hub_writable import TOKEN, Fault

CANARY = "canary-5e1b0c77d2a94f"


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[JobsHub]:
    monkeypatch.setattr(pushed, "PAUSES", (0.0, 0.05))
    monkeypatch.setattr(hiring, "LOOKS", (0.05, 0.2))
    monkeypatch.setattr(leaving, "PAUSE", 0.05)
    monkeypatch.setattr(watching, "FIRST", 0.05)
    monkeypatch.setattr(watching, "LONGEST", 0.1)
    with client_of(JobsHub(tmp_path / "machines", Path(sys.executable).parent), monkeypatch, tmp_path) as server:
        yield server
        assert not server.alive(), "a job was left running"
        assert not server.twice, "a second job was started beside another"


def cloud(**config: Any) -> Any:
    cls = load("cloud", "hf_jobs")
    return cls(validate(cls.Config, config, "cloud"))


def killed_after(hub: JobsHub, pushed_file: str) -> None:
    """The platform loses the first job as soon as a file is on the Hub."""
    while not any(name.endswith(pushed_file) for name in hub.files("ada/checkpoints")):
        time.sleep(0.02)
    hub.jobs[0].end("ERROR", "node lost")


def run(cloud: Any, job: Any) -> tuple[list[Progress], Any]:
    submission = cloud.submit(job)
    return list(cloud.follow(submission)), submission


def test_there_and_back(hub: JobsHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Upload, run, log and metrics as they come, result with every byte compared, nothing left; no secret anywhere."""
    monkeypatch.setenv("CANARY_KEY", CANARY)
    mine, job = cloud(secrets=["CANARY_KEY"]), small_job(tmp_path / "run", pause=0.05)
    before = (tmp_path / "run" / "trainer.py").read_bytes()
    hub.faults = [Fault("STREAM", "logs", "break")]
    found, submission = run(mine, job)
    assert found[-1].data == {"state": "succeeded", "exit_code": 0, "reason": ""}
    assert {one.data["step"] for one in found if one.kind == "metric"} == {1, 2, 3, 4, 5}
    assert steps(tmp_path / "run") == [1, 2, 3, 4, 5], "a stream that begins anew doubles nothing"
    log = (tmp_path / "run" / "logs" / "train.log").read_text()
    assert log == "begins after 0 sees ['CANARY_KEY']\n"
    (entry,) = ledger.all_open()
    assert entry.name == hub.jobs[0].id and entry.usd_per_hour == 0.01 and entry.submission == submission
    output = mine.fetch(submission)
    assert (output / "config.json").read_text() == "{}" and not list(output.glob("checkpoint-*"))
    mine.down(submission)
    assert not ledger.all_open() and set(hub.commits) == set(), "the repository is gone"
    spec = hub.jobs[0].spec
    assert spec["timeoutSeconds"] == 4 * 3600 - 15 * 60 and spec["flavor"] == "cpu-basic"
    assert set(spec["secrets"]) == {"HF_TOKEN", "CANARY_KEY"} and CANARY not in json.dumps(spec["environment"])
    assert (hub.folder / hub.jobs[0].id).is_dir() and before  # it ran there, not here
    assert mine.fetch(submission) == output, "once here, it is here"
    left = [path for place in (tmp_path / "run", paths.home()) for path in place.rglob("*") if path.is_file()]
    for path in left:
        assert CANARY.encode() not in path.read_bytes() and TOKEN.encode() not in path.read_bytes(), path
    sent = [body for body in hub.bodies if CANARY.encode() in body]
    assert len(sent) == 1 and json.loads(sent[0])["secrets"]["CANARY_KEY"] == CANARY, "by the door for secrets alone"


def test_what_may_not_leave(hub: JobsHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    job = small_job(tmp_path / "run")
    monkeypatch.setenv("CANARY_KEY", CANARY)
    (tmp_path / "run" / "axolotl.yaml").write_text(f"wandb_key: {CANARY}\n")
    with pytest.raises(PrivacyError, match=r"axolotl\.yaml: the value of CANARY_KEY"):
        cloud(secrets=["CANARY_KEY"]).submit(job)
    with pytest.raises(PrivacyError, match="CANARY_KEY would be uploaded"):
        cloud(secrets=["CANARY_KEY"]).submit(structs.replace(job, env={"KEY": CANARY}, uploads=("inside",)))
    with pytest.raises(RecipeError, match="leads out"):
        cloud().submit(structs.replace(job, uploads=("../secret",)))
    (tmp_path / "run" / "dataset" / "train.jsonl").write_text("changed")
    with pytest.raises(PrivacyError, match="leak gate"):
        cloud().submit(job)
    assert not hub.jobs and not hub.commits and not ledger.all_open()


def test_a_training_that_fails(hub: JobsHub, tmp_path: Path):
    found, submission = run(mine := cloud(), small_job(tmp_path / "run", code=3))
    assert found[-1].data["state"] == "failed" and found[-1].data["exit_code"] == 3
    assert "begins after 0" in found[-1].data["reason"] and steps(tmp_path / "run") == [1, 2, 3]
    with pytest.raises(RunFailed, match="training failed"):
        mine.fetch(submission)
    mine.down(submission)
    assert not hub.commits and len(hub.jobs) == 1, "a training that fails by itself is not started again"


def test_lost_and_taken_up_again(hub: JobsHub, tmp_path: Path):
    """The platform kills the job in the middle; another one goes on from the last checkpoint, within the same cap."""
    settings = {"to": "hub:ada/checkpoints", "every_minutes": 0.005, "max_restarts": 1}
    mine, job = cloud(checkpoint=settings), small_job(tmp_path / "run", code=-1)
    submission = mine.submit(job)
    threading.Thread(target=killed_after, args=(hub, "checkpoint-2/complete.json"), daemon=True).start()
    found = list(mine.follow(submission))
    assert found[-1].data["state"] == "succeeded" and len(hub.jobs) == 2
    assert "begins after 2" in (tmp_path / "run" / "logs" / "train.log").read_text()
    assert sorted(set(steps(tmp_path / "run"))) == [1, 2, 3, 4, 5]
    # whole seconds, of which the first may have taken none
    assert hub.jobs[1].spec["timeoutSeconds"] <= hub.jobs[0].spec["timeoutSeconds"]
    mine.fetch(submission)
    mine.down(submission)
    assert not [name for name in hub.files("ada/checkpoints") if "complete" in name], "not needed any more"


def test_the_end_of_its_time(hub: JobsHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The last run of a search, for which there is money for nine seconds; it is told to end, and says so."""
    monkeypatch.setattr(hiring, "LEAST", 1)
    mine, job = cloud(), small_job(tmp_path / "run", pause=60)
    mine.left_usd = 0.01 * (15 * 60 + 9) / 3600
    found, submission = run(mine, job)
    assert hub.jobs[0].spec["timeoutSeconds"] == 9 and found[-1].data["exit_code"] == 124
    assert "seconds (cloud.limits)" in found[-1].data["reason"]
    mine.down(submission)
    assert json.loads((tmp_path / "run" / "rented.json").read_text())["usd"] < 0.001


def test_one_that_never_starts_and_one_that_nobody_follows(hub: JobsHub, tmp_path: Path):
    hub.plans = ["stuck", "stuck"]
    mine, job = cloud(limits={"launch_minutes": 1}), small_job(tmp_path / "run")
    submission = mine.submit(job)
    following = mine.follow(submission)
    threading.Thread(target=late, args=(hub, tmp_path / "run" / hiring.RECORD), daemon=True).start()
    assert "did not start within cloud.limits.launch_minutes=1" in list(following)[-1].data["reason"]
    mine.down(submission)
    record = json.loads((tmp_path / "run" / hiring.RECORD).read_text())
    hiring.start(door.client(), tmp_path / "other.json", record | {"id": "left", "jobs": []}, mine.allowed)
    entry = structs.replace(submission, id="left")
    ledger.opened(entry, cloud="hf_jobs", plugin="hf_jobs", config={}, name="left", notes={"namespace": "ada"})
    assert len(hub.alive()) == 1 and reap.brought_down(ledger.all_open(), print) and not ledger.all_open()


def late(hub: JobsHub, file: Path) -> None:
    """As if the job had been asked for two minutes ago."""
    while not hub.jobs or not (record := json.loads(file.read_text())).get("asked"):
        time.sleep(0.02)
    file.write_text(json.dumps(record | {"asked": time.time() - 120}))


def test_prices(hub: JobsHub, tmp_path: Path):
    """The Hub's own list; kept for when it does not answer; dearer than quoted, or unpriced: nothing is rented."""
    mine, job = cloud(), small_job(tmp_path / "run")
    big = structs.replace(job, gpu={"min_vram_gb": 20, "count": 1}, estimate={"flops": 1e17})
    quote = mine.quote(big)
    assert [(one.instance, one.usd_per_hour) for one in quote.offers] == [
        ("l4x1", 0.8), ("a10g-small", 1.0), ("a100-large", 2.5)
    ]  # fmt: skip
    assert quote.offers[0].hours and quote.evidence == "estimated" and quote.details["credentials"] == ["HF_TOKEN"]
    assert cloud(gpu={"prefer": ["a10g-small"]}).quote(big).offers[0].instance == "a10g-small"
    mine.quote(big)
    hub.prices["l4x1"] *= 1.5
    hub.prices["a10g-small"] *= 1.5
    with pytest.raises(RunFailed, match=r"rose from \$0.80/h to \$1.20/h since the quote; run again"):
        mine.submit(big)
    with pytest.raises(RunFailed, match=r"costs \$1.20/h, cloud.limits.max_hourly_usd=1"):
        cloud(limits={"max_hourly_usd": 1.0}).submit(big)  # and the rise is known by now: it is no reason any more
    hub.prices = dict.fromkeys(hub.prices, 0.0)
    with pytest.raises(RunFailed, match="tells no price of a100-large"):
        mine.submit(big)
    hub.faults = [Fault("GET", "hardware", "drop", times=99)]
    assert mine.quote(big).evidence == "missing" and mine.quote(big).offers[0].usd_per_hour is None
    with pytest.raises(RunFailed, match="tells no prices"):
        mine.submit(big)
    assert not hub.jobs and not ledger.all_open()


def test_preflight(hub: JobsHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    mine, job = cloud(), small_job(tmp_path / "run")
    assert {one.level for one in mine.preflight(job)} == {"info"}
    hub.role = "read"
    assert any("may only read" in one.message for one in mine.preflight(job) if one.level == "error")
    hub.role, hub.faults = "write", [Fault("GET", "/api/jobs/ada", "403")]
    assert any("may not run jobs of ada" in one.message for one in mine.preflight(job) if one.level == "error")
    found = [one.message for one in cloud(image="axolotl:latest", secrets=["NOT_SET"]).preflight(job)]
    assert any("pin a tag" in one for one in found) and any("NOT_SET" in one for one in found)
    monkeypatch.delenv("HF_TOKEN")
    monkeypatch.setattr("huggingface_hub.constants.HF_TOKEN_PATH", str(tmp_path / "none"))
    assert any("no token" in one.message for one in mine.preflight(job) if one.level == "error")
    with pytest.raises(RecipeError, match="no time to train"):
        cloud(limits={"max_usd": 0.1})
