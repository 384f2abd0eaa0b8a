"""Beside a training on a rented machine: checkpoints go to a private repository of the Hub, and come back from there.

    python inside/push.py fetch    brings the newest complete checkpoint into the output folder, where there is one
    python inside/push.py watch    pushes the newest one at intervals; at SIGTERM the last one, then it ends

Both run in the job's folder. Environment: BASHGYM_PUSH_REPOSITORY (org/name), BASHGYM_PUSH_PREFIX (the training's
folder there), BASHGYM_PUSH_OUTPUT (where the trainer saves), BASHGYM_PUSH_SECONDS (between pushes), HF_TOKEN.
A training of Axolotl goes on from the newest checkpoint of its output folder by itself."""

import json
import os
import re
import shutil
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any, NamedTuple

from bashgym.rented import pushed

STATE = "trainer_state.json"  # the trainer writes it last
METRICS = "metrics.jsonl"
BESIDE = "bashgym-metrics.jsonl"  # the metrics up to a checkpoint, pushed with it
SETTLED = 2.0  # seconds since the last change of a file after which a checkpoint is taken to be written
KEEP = 2  # complete checkpoints that stay on the Hub
NAME = re.compile(r"checkpoint-(\d+)")


class Place(NamedTuple):
    """Where checkpoints lie here and there."""

    repository: str
    prefix: str
    output: Path
    seconds: float


def place(environment: dict[str, str]) -> Place:
    return Place(
        environment["BASHGYM_PUSH_REPOSITORY"],
        environment["BASHGYM_PUSH_PREFIX"],
        Path(environment["BASHGYM_PUSH_OUTPUT"]),
        float(environment["BASHGYM_PUSH_SECONDS"]),
    )


def hub() -> Any:
    """The Hub's client; a job that trains offline still pushes."""
    os.environ.pop("HF_HUB_OFFLINE", None)
    os.environ["HF_HUB_DISABLE_PROGRESS_BARS"] = "1"
    from huggingface_hub import HfApi

    return HfApi()


def number(name: str) -> int:
    match = NAME.fullmatch(name)
    return int(match[1]) if match else -1


def here(output: Path, settled: float) -> list[Path]:
    """Checkpoints that the trainer has written to their end, newest first."""
    found = [path for path in output.glob("checkpoint-*") if number(path.name) >= 0 and whole(path, settled)]
    return sorted(found, key=lambda path: number(path.name), reverse=True)


def whole(folder: Path, settled: float) -> bool:
    try:
        json.loads((folder / STATE).read_bytes())
        changed = max(path.stat().st_mtime for path in folder.rglob("*"))
    except (OSError, ValueError):  # not there yet, or deleted while we look
        return False
    return time.time() - changed >= settled


def there(api: Any, at: Place) -> dict[int, bool]:
    """Step -> whether it was pushed to its end."""
    names = pushed.sizes(api, at.repository, at.prefix)
    steps = {number(name.split("/")[0]) for name in names} - {-1}
    return {step: f"checkpoint-{step}/{pushed.MARK}" in names for step in steps}


def push(api: Any, at: Place, settled: float) -> int | None:
    """Pushes the newest checkpoint unless it is on the Hub already, and takes old ones away; its step, None if none."""
    newest = next(iter(here(at.output, settled)), None)
    if newest is None:
        return None
    step, on_hub = number(newest.name), there(api, at)
    if not on_hub.get(step):
        copy = at.output / ".pushing" / newest.name
        try:
            frozen(newest, copy)
            pushed.put(api, at.repository, f"{at.prefix}/{newest.name}", copy, {"step": step, "time": time.time()})
        finally:
            shutil.rmtree(copy.parent, ignore_errors=True)
        print(f"bashgym: checkpoint of step {step} is on the Hub", flush=True)
    complete = sorted({one for one, is_whole in on_hub.items() if is_whole} | {step})
    old = set(on_hub) - set(complete[-KEEP:])
    pushed.remove(api, at.repository, (f"{at.prefix}/checkpoint-{one}" for one in sorted(old) if one < step))
    return step


def frozen(folder: Path, copy: Path) -> None:
    """A second name for every file, because the trainer deletes its old checkpoints while they are pushed."""
    shutil.rmtree(copy, ignore_errors=True)
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            target = copy / path.relative_to(folder)
            target.parent.mkdir(parents=True, exist_ok=True)
            os.link(path, target)
    lines = Path(METRICS).read_bytes() if Path(METRICS).exists() else b""
    (copy / BESIDE).write_bytes(lines[: lines.rfind(b"\n") + 1])


def fetch(api: Any, at: Place) -> int | None:
    """Brings back the newest complete checkpoint unless a newer one is here; its step, None where there is none.

    One that is torn, or is not what was pushed, is passed over for the one before it."""
    have = max((number(path.name) for path in here(at.output, 0)), default=-1)
    for step in sorted((step for step, is_whole in there(api, at).items() if is_whole and step > have), reverse=True):
        folder = at.output / f"checkpoint-{step}"
        try:
            pushed.take(api, at.repository, f"{at.prefix}/{folder.name}", folder)
        except pushed.Torn as torn:
            print(f"bashgym: {torn}; the one before it is taken", file=sys.stderr, flush=True)
            continue
        if (folder / BESIDE).exists():
            if Path(METRICS).exists():
                (folder / BESIDE).unlink()
            else:
                (folder / BESIDE).rename(METRICS)
        print(f"bashgym: the training goes on from step {step}", flush=True)
        return step
    return None


def attempt(api: Any, at: Place, settled: float) -> bool:
    """Whether all there is to push is on the Hub; a failure is told, and the training goes on."""
    import httpx

    try:
        push(api, at, settled)
    except (httpx.HTTPError, OSError) as error:
        told = " ".join(str(error).split())[:300]
        print(f"bashgym: no checkpoint pushed ({type(error).__name__}: {told})", file=sys.stderr, flush=True)
        return False
    return True


def watch(at: Place) -> bool:
    stop = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: stop.set())
    print(f"bashgym: checkpoints go to {at.repository} every {at.seconds:g} seconds", flush=True)
    api = hub()
    while not stop.wait(at.seconds):
        attempt(api, at, SETTLED)
    return attempt(api, at, 0)


def main() -> int:
    at = place(dict(os.environ))
    if sys.argv[1:] == ["fetch"]:
        fetch(hub(), at)
        return 0
    if sys.argv[1:] == ["watch"]:
        return 0 if watch(at) else 1
    print("usage: python inside/push.py fetch|watch", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
