"""Hugging Face Jobs on loopback, beside the repositories of tests/fakes/hub_writable.py: jobs really run here.

POST /api/jobs/NAMESPACE starts one (a command in a folder of its own, or `runner` in its place), GET lists or shows
them, GET .../logs is a stream of events, POST .../cancel ends one, GET /api/jobs/hardware is the price list.
All jobs are of one test's run, so that two at once are one too many (`twice`)."""

import datetime
import itertools
import json
import os
import re
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.fakes.hub_writable import USER, Writable, WritableHub

PRICES = {"cpu-basic": 0.000167, "t4-small": 0.006667, "l4x1": 0.013333, "a10g-small": 0.016667, "a100-large": 0.041667}
ENDED = ("COMPLETED", "CANCELED", "ERROR")
Runner = Callable[["HubJob"], int]


class HubJob:
    """One job; `ends` says how the platform treats it beside its command: None, `lost` (killed, nothing told),
    `stuck` (never starts)."""

    def __init__(self, server: "JobsHub", spec: dict[str, Any], number: int) -> None:
        self.server, self.spec = server, spec
        self.id = f"{number:024x}"
        self.created = time.time()
        self.started = self.finished = 0.0
        self.stage, self.message = "SCHEDULING", None
        self.lines: list[str] = []
        self.process: subprocess.Popen[str] | None = None
        self.wanted = ""  # the stage it is to end in, once somebody ends it
        self.ends = server.plans.pop(0) if server.plans else None

    def run(self) -> None:
        time.sleep(self.server.scheduling)
        while self.ends == "stuck" and not self.wanted:
            time.sleep(0.01)
        if self.wanted:
            self.finish("CANCELED")
            return
        self.started, self.stage = time.time(), "RUNNING"
        self.say("===== Job started at now =====")
        code = 137 if self.ends == "lost" else self.server.runner(self)
        self.finish(self.wanted or ("COMPLETED" if code == 0 else "ERROR"))

    def finish(self, stage: str) -> None:
        if stage == "ERROR" and self.message is None:
            self.message = "Job failed with exit code 1"
        self.finished, self.stage = time.time(), stage

    def say(self, line: str) -> None:
        self.lines.append(line)

    def end(self, stage: str, message: str | None = None) -> None:
        if self.stage not in ENDED and not self.wanted:
            self.wanted, self.message = stage, message
            if self.process is not None:
                os.killpg(self.process.pid, signal.SIGKILL)

    def told(self) -> dict[str, Any]:
        def when(at: float) -> str | None:
            return datetime.datetime.fromtimestamp(at, datetime.UTC).isoformat().replace("+00:00", "Z") if at else None

        running = int((self.finished or time.time()) - self.started) if self.started else None
        return {
            "id": self.id,
            "createdAt": when(self.created),
            "startedAt": when(self.started),
            "finishedAt": when(self.finished),
            "dockerImage": self.spec["dockerImage"],
            "command": self.spec["command"],
            "arguments": [],
            "environment": self.spec["environment"],
            "secrets": dict.fromkeys(self.spec.get("secrets", {}), ""),  # names, as the Hub tells them
            "flavor": self.spec["flavor"],
            "labels": self.spec.get("labels"),
            "status": {"stage": self.stage, "message": self.message},
            "durations": {"schedulingSecs": 0, "runningSecs": running, "totalSecs": 0},
            "owner": {"id": "1", "name": USER, "type": "user"},
        }


class JobsHub(WritableHub):
    """`folder` is where jobs run; `programs` comes first on their PATH."""

    def __init__(self, folder: Path, programs: Path | None = None, runner: Runner | None = None) -> None:
        super().__init__()
        self.RequestHandlerClass = Jobs
        self.folder, self.programs = folder, programs
        self.runner: Runner = runner or self.execute
        self.jobs: list[HubJob] = []
        self.plans: list[str | None] = []
        self.prices = dict(PRICES)
        self.scheduling = 0.0
        self.numbers = itertools.count(1)
        self.results: list[str] = []  # jobs that pushed one, where a runner says so
        self.twice = False  # a job was started while another one ran

    def execute(self, job: HubJob) -> int:
        """The job's command in an empty folder, with its variables and secrets and nothing else of ours."""
        place = self.folder / job.id
        place.mkdir(parents=True)
        path = os.pathsep.join([*([str(self.programs)] if self.programs else []), os.environ["PATH"]])
        seen = {"PATH": path, "HOME": str(place), "TMPDIR": str(place), "HF_HOME": str(place), "JOB_ID": job.id}
        seen |= {
            "HF_ENDPOINT": self.url,
            "HF_HUB_DISABLE_XET": "1",
            "OMP_NUM_THREADS": "1",
            "OMP_WAIT_POLICY": "PASSIVE",
        }
        seen |= {**job.spec["environment"], **job.spec.get("secrets", {})}
        job.process = subprocess.Popen(
            job.spec["command"], cwd=place, env=seen, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            start_new_session=True,
        )  # fmt: skip
        timer = threading.Timer(job.spec.get("timeoutSeconds", 1800), job.end, ("ERROR", "Job timeout"))
        timer.start()
        assert job.process.stdout
        for line in job.process.stdout:
            job.say(line.rstrip("\n"))
        timer.cancel()
        return job.process.wait()

    def start(self, spec: dict[str, Any]) -> HubJob:
        job = HubJob(self, spec, next(self.numbers))
        self.twice |= bool(self.alive())
        self.jobs.append(job)
        threading.Thread(target=job.run, daemon=True).start()
        return job

    def alive(self) -> list[HubJob]:
        return [job for job in self.jobs if job.stage not in ENDED]


class Jobs(Writable):
    server: JobsHub

    def routed(self, path: str, body: bytes, query: dict[str, list[str]]) -> bool:
        if path == "/api/jobs/hardware":
            self.say([self.hardware(name, price) for name, price in self.server.prices.items()])
        elif match := re.fullmatch(r"/api/jobs/([^/]+)", path):
            if self.command == "POST":
                self.say(self.server.start(json.loads(body)).told())
            else:
                self.say([job.told() for job in self.server.jobs])
        elif match := re.fullmatch(r"/api/jobs/[^/]+/([^/]+)(?:/(logs|cancel))?", path):
            job = next((job for job in self.server.jobs if job.id == match[1]), None)
            if job is None:
                self.missing("JobNotFound")
            elif match[2] == "cancel":
                job.end("CANCELED")
                self.say(job.told())
            elif match[2] == "logs":
                self.streamed = job  # outside the lock
            else:
                self.say(job.told())
        else:
            return super().routed(path, body, query)
        return True

    streamed: HubJob | None = None

    def dispatch(self) -> None:
        self.streamed = None
        super().dispatch()
        if self.streamed is not None:
            self.stream(self.streamed)

    do_GET = do_HEAD = do_POST = do_DELETE = dispatch

    def stream(self, job: HubJob) -> None:
        """Events from the first line on until the job has ended; `break` among the faults cuts it after two lines."""
        cut = self.server.fault("STREAM", self.path) is not None
        self.close_connection = True
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        sent = 0
        while True:
            over = job.stage in ENDED
            for line in job.lines[sent:]:
                event = json.dumps({"data": line, "timestamp": "2026-01-01T00:00:00Z"})
                self.wfile.write(f"data: {event}\n\n".encode())
                sent += 1
                if cut and sent > 2:
                    return
            self.wfile.flush()
            if over:
                return
            time.sleep(0.01)

    def hardware(self, name: str, price: float) -> dict[str, Any]:
        card = None
        if not name.startswith("cpu"):
            model = name.split("-")[0].split("x")[0].upper()
            card = {"type": "gpu", "model": model, "quantity": "1", "vram": "24 GB", "manufacturer": "Nvidia"}
        return {
            "name": name,
            "prettyName": name,
            "cpu": "2 vCPU",
            "ram": "16 GB",
            "ephemeralStorage": "20 GB",
            "accelerator": card,
            "unitCostMicroUSD": round(price * 1e6),
            "unitCostUSD": price,
            "unitLabel": "minute",
        }
