"""A hosted job, in the folder with its files: the training, watched; then its result pushed, and how it ended.

Reads `job.json` {command, env, output}. Environment: BASHGYM_REPOSITORY (where the result goes), BASHGYM_SECONDS (after
so many the platform ends us), HF_TOKEN; what bashgym/inside/push.py wants where checkpoints are pushed.
On standard output: the training's own lines, and every line of its metrics after `bashgym-metric `."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any, NamedTuple

import push

from bashgym.rented import pushed

BEGAN = time.monotonic()
METRIC = "bashgym-metric "
METRICS = Path("metrics.jsonl")
LOG = Path("logs/train.log")
RESULT = "out"
GRACE = 20.0  # seconds between SIGTERM and SIGKILL
LOOK = 0.2  # seconds between looks at the training
HERE = "{here}"


class Ended(NamedTuple):
    """How a training ended; `pushes` is false where the platform wants us gone at once."""

    code: int
    reason: str
    pushes: bool


class Lines:
    """Whole lines on standard output, from several threads."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.read = 0

    def say(self, text: str) -> None:
        with self.lock:
            sys.stdout.write(f"{text}\n")
            sys.stdout.flush()

    def output(self, pipe: Any) -> None:
        """The training's output: all of it into the log, what a progress bar has overwritten not to the outside."""
        with LOG.open("ab") as log:
            for raw in pipe:
                log.write(raw)
                log.flush()
                self.say(raw.decode(errors="replace").rstrip("\r\n").rsplit("\r", 1)[-1])

    def metrics(self) -> None:
        """Metric lines that are new and whole."""
        if not METRICS.exists():
            return
        with METRICS.open("rb") as file:
            file.seek(self.read)
            new = file.read()
        new = new[: new.rfind(b"\n") + 1]
        self.read += len(new)
        for raw in new.splitlines():
            self.say(METRIC + raw.decode(errors="replace"))


def placed(text: str) -> str:
    return text.replace(HERE, str(Path.cwd()))


def train(job: dict[str, Any], seconds: float, lines: Lines, wanted_gone: threading.Event) -> Ended:
    """Runs the command to its end, to the end of its time, or until the platform wants us gone."""
    LOG.parent.mkdir(exist_ok=True)
    first, *rest = (placed(part) for part in job["command"])
    command = [sys.executable if first in ("python", "python3") else first, *rest]
    seen = {**os.environ, **{name: placed(value) for name, value in job["env"].items()}}
    pipe = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    with subprocess.Popen(command, env=seen, start_new_session=True, **pipe) as training:
        reader = threading.Thread(target=lines.output, args=(training.stdout,), daemon=True)
        reader.start()
        late = False
        while training.poll() is None and not wanted_gone.is_set() and not late:
            lines.metrics()
            time.sleep(LOOK)
            late = time.monotonic() - BEGAN > seconds
        stopped = training.poll() is None
        end(training, wanted_gone)
        reader.join(timeout=5)
    lines.metrics()
    if wanted_gone.is_set():
        return Ended(143, "the platform ended it", False)
    if stopped:
        return Ended(124, f"stopped after {seconds:.0f} seconds (cloud.limits)", True)
    code = training.returncode
    return Ended(code if code >= 0 else 128 - code, "", True)


def end(training: "subprocess.Popen[bytes]", wanted_gone: threading.Event) -> None:
    """The whole process group: asked, then killed; whatever it left behind is killed too."""
    with contextlib.suppress(ProcessLookupError):
        if training.poll() is None:
            os.killpg(training.pid, signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                training.wait(5.0 if wanted_gone.is_set() else GRACE)
        os.killpg(training.pid, signal.SIGKILL)


def reserve(seconds: float) -> float:
    """Seconds kept for pushing what a training made before the platform ends us."""
    return min(600.0, 0.15 * seconds)


def result(output: Path, code: int) -> Path:
    """A folder of second names for what goes back: log and metrics, and the model where there is one."""
    folder = Path(".result")
    shutil.rmtree(folder, ignore_errors=True)
    found = {path.name: path for path in (METRICS, LOG) if path.exists()}
    for path in sorted(output.rglob("*")) if code == 0 else ():
        top = path.relative_to(output).parts[0]
        if path.is_file() and not top.startswith(("checkpoint-", ".")):
            found[f"output/{path.relative_to(output)}"] = path
    for name, path in found.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        os.link(path, folder / name)
    return folder


def returned(api: Any, job: dict[str, Any], ended: Ended, lines: Lines) -> None:
    """Pushes the result, again and again while the Hub does not take it and time is left."""
    import httpx

    folder = result(Path(job["output"]), ended.code)
    note = {"code": ended.code, "reason": ended.reason, "seconds": round(time.monotonic() - BEGAN, 1)}
    while True:
        try:
            pushed.put(api, os.environ["BASHGYM_REPOSITORY"], RESULT, folder, note)
            return
        except (httpx.HTTPError, OSError) as error:
            lines.say(f"bashgym: the result is not pushed yet ({type(error).__name__}: {str(error)[:200]})")
            if time.monotonic() - BEGAN > float(os.environ["BASHGYM_SECONDS"]) - 30:
                raise
            time.sleep(15)


def pushing(api: Any, at: push.Place, stop: threading.Event) -> None:
    while not stop.wait(at.seconds):
        push.attempt(api, at, push.SETTLED)


def main() -> int:
    wanted_gone, stop = threading.Event(), threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: wanted_gone.set())
    job, lines, api = json.loads(Path("job.json").read_bytes()), Lines(), push.hub()
    at = push.place(dict(os.environ)) if os.environ.get("BASHGYM_PUSH_REPOSITORY") else None
    beside = threading.Thread(target=pushing, args=(api, at, stop), daemon=True)
    if at:
        push.fetch(api, at)
        beside.start()
    whole = float(os.environ["BASHGYM_SECONDS"])
    ended = train(job, whole - reserve(whole), lines, wanted_gone)
    stop.set()
    if at:
        beside.join(timeout=reserve(whole) / 2)
    if at and ended.code and not beside.is_alive():
        push.attempt(api, at, 0)
    if ended.pushes:
        returned(api, job, ended, lines)
    return ended.code


if __name__ == "__main__":
    sys.exit(main())
