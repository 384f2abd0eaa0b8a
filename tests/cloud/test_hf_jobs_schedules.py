"""Whatever goes wrong and whenever: no hosted job is left running, no result is lost, nothing is paid for twice."""

import json
import random
import shutil
import threading
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from huggingface_hub.utils import get_session

from bashgym.config import validate
from bashgym.errors import BashGymError
from bashgym.records import Job
from bashgym.registry import load
from bashgym.rented import ledger, pushed
from bashgym.rented.hosted import hiring, leaving, watching
from bashgym.stages.job import carried_out
from tests.fakes.hub_client import WEIGHTS, client_of, small_job
from tests.fakes.hub_jobs import HubJob, JobsHub
from tests.fakes.hub_writable import Fault

CALLS = [
    ("GET", r"/jobs/hardware$"), ("GET", r"/whoami"), ("POST", r"/repos/create$"), ("GET", r"/models/[^/]+/[^/]+$"),
    ("POST", r"/preupload/"), ("POST", r"/commit/"), ("GET", r"/jobs/ada$"), ("POST", r"/jobs/ada$"),
    ("GET", r"/jobs/ada/[^/]+$"), ("GET", r"/logs$"), ("STREAM", r"/logs"), ("POST", r"/cancel$"), ("GET", r"/tree/"),
    ("HEAD", r"/resolve/"), ("GET", r"/resolve/"), ("DELETE", r"/repos/delete$"),
]  # fmt: skip
QUICK: list[tuple[Any, dict[str, Any]]] = [
    (pushed, {"PAUSES": (0.0, 0.01)}),
    (hiring, {"LOOKS": (0.01, 0.03), "UNSURE": 0.3}),
    (leaving, {"PAUSE": 0.01, "GONE": 2.0}),
    (watching, {"FIRST": 0.01, "LONGEST": 0.03, "DRAIN": 1.0}),
]
HOWS = ["500", "429", "403", "drop", "lost"]


class Killed(BaseException):
    """The client is gone: nothing of it speaks to the Hub any more, also where it would clean up."""


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for module, values in QUICK:
        for name, value in values.items():
            monkeypatch.setattr(module, name, value)
    return monkeypatch


def simulated(draw: random.Random) -> Any:
    """In a training's place: lines, and a result as bashgym/inside/hosted.py pushes it; or a failure, or no word."""

    def runner(job: HubJob) -> int:
        for step in range(draw.randint(0, 4)):
            job.say("bashgym-metric " + json.dumps({"event": "log", "step": step, "time": time.time()}))
            job.say(f"line {step}")
            time.sleep(draw.choice([0.0, 0.01]))
            if job.wanted:
                return 143
        fate = draw.choice(["well", "well", "well", "fails", "vanishes"])
        if fate == "vanishes":
            return 137
        folder = job.server.folder / job.id
        (folder / "output").mkdir(parents=True)
        if fate == "well":
            (folder / "output" / "config.json").write_text(json.dumps({"job": job.id}))
            (folder / "output" / "model.safetensors").write_bytes(WEIGHTS)
        (folder / "train.log").write_text("all of it\n")
        code = 0 if fate == "well" else 3
        put(job, folder, code)
        return code

    return runner


def put(job: HubJob, folder: Path, code: int) -> None:
    """Straight into the repository: the faults of a schedule are the client's."""
    told = {"code": code, "reason": "", "seconds": 1.0, "files": pushed.listing(folder)}
    content = {f"out/{name}": (folder / name).read_bytes() for name in told["files"]}
    content["out/complete.json"] = json.dumps(told).encode()
    with job.server.lock:
        name = job.spec["environment"]["BASHGYM_REPOSITORY"]
        if job.wanted or name not in job.server.commits:
            return
        job.server.store(name, {**job.server.files(name), **content})
        job.server.results.append(job.id)


class Client:
    """`bashgym run` where it trains (bashgym/stages/job.py), to be killed or interrupted at any request."""

    def __init__(self, job: Job, draw: random.Random, ends: int) -> None:
        self.job, self.draw, self.ends, self.dead = job, draw, ends, False
        cls = load("cloud", "hf_jobs")
        settings = {"to": "hub:ada/checkpoints", "max_restarts": 1}
        self.cloud = cls(validate(cls.Config, {"checkpoint": settings, "namespace": "ada"}, "cloud"))

    def before(self, request: Any) -> None:
        """Before every request of the main thread."""
        if threading.current_thread() is not threading.main_thread():
            return
        if self.ends and not self.dead and self.draw.random() < 0.04:
            self.ends -= 1
            self.dead = self.draw.random() < 0.7
            raise Killed if self.dead else KeyboardInterrupt
        if self.dead:
            raise Killed

    def once(self) -> str:
        """One start of the program: `done`, or how it ended."""
        self.dead = False
        screen = SimpleNamespace(say=print, training=lambda data: None, close=lambda: None)
        try:
            carried_out(self.cloud, self.job, "the same rows", screen, lambda: None)
            return "done"
        except (Killed, KeyboardInterrupt) as end:
            return type(end).__name__
        except BashGymError as error:
            return str(error)

    def sweep(self) -> None:
        """What `bashgym clouds reap` does."""
        self.dead = False
        for entry in ledger.all_open():
            try:
                self.cloud.down(entry.submission)
            except (Killed, KeyboardInterrupt, BashGymError):
                continue


def sane(hub: JobsHub, folder: Path) -> None:
    """After all is over and the Hub is well again."""
    assert not hub.alive(), "a job was left running"
    assert not hub.twice, "two at once"
    good = [job for job in hub.jobs if job.id in hub.results and job.stage == "COMPLETED"]
    assert len(good) <= 1, "a training that had come to its end was paid for again"
    if good:
        assert json.loads((folder / "checkpoint" / "config.json").read_text())["job"] == good[0].id, "a result was lost"
    assert not ledger.all_open()


def lived(seed: int, hub: JobsHub, folder: Path, faults: list[Fault], ends: int) -> None:
    """Starts of the program until it is done; at the end what `bashgym clouds reap` does."""
    draw = random.Random(seed)
    hub.runner, hub.results = simulated(draw), []
    hub.faults, hub.plans = faults, [draw.choice([None, None, None, "lost"]) for _ in range(8)]
    client = Client(small_job(folder, light=True), draw, ends)
    hooks = get_session().event_hooks
    hooks["request"] = [*hooks["request"], client.before]
    get_session().event_hooks = hooks
    try:
        state = ""
        for _ in range(12):
            state = client.once()
            if state == "done":
                break
            if draw.random() < 0.3:  # at the start of another run
                client.sweep()
        hub.faults, client.ends = [], 0
        deadline = time.monotonic() + 5
        while ledger.all_open() and time.monotonic() < deadline:
            client.sweep()
            time.sleep(0.02)
        if hub.results and state != "done":
            client.once()
    finally:
        hooks["request"].pop()
        get_session().event_hooks = hooks
    sane(hub, folder)


@pytest.mark.parametrize("call", CALLS, ids=lambda call: "".join(call))
def test_every_call_with_every_fault(call: tuple[str, str], hasty: pytest.MonkeyPatch, tmp_path: Path):
    for number, how in enumerate(HOWS):
        times = 1 if number % 2 else 4  # once, and for longer than anybody is patient
        folder = tmp_path / how
        with client_of(JobsHub(folder / "machines"), hasty, folder) as hub:
            lived(7, hub, folder / "run", [Fault(*call, how, times=times)], 0)
        shutil.rmtree(folder)


BLOCKS = [range(40), *(pytest.param(range(first, first + 40), marks=pytest.mark.slow) for first in (40, 80, 120, 160))]


@pytest.mark.parametrize("seeds", BLOCKS, ids=str)
def test_schedules(seeds: range, hasty: pytest.MonkeyPatch, tmp_path: Path):
    """200 of them, in five parts: any faults at any calls, a client killed or interrupted anywhere."""
    for seed in seeds:
        draw = random.Random(f"faults {seed}")
        faults = [
            Fault(*draw.choice(CALLS), draw.choice(HOWS), times=draw.choice([1, 1, 2, 4]), after=draw.randint(0, 3))
            for _ in range(draw.randint(0, 5))
        ]
        folder = tmp_path / str(seed)
        with client_of(JobsHub(folder / "machines"), hasty, folder) as hub:
            try:
                lived(seed, hub, folder / "run", faults, draw.randint(0, 3))
            except AssertionError as error:
                raise AssertionError(f"seed {seed}: {error}") from error
        shutil.rmtree(folder)
