"""huggingface_hub's own client spoken to by a Hub on loopback, and a job small enough to run on it for real."""

import json
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import TypeVar

import pytest

from bashgym import environment
from bashgym.gate import report
from bashgym.records import Job
from tests.fakes.hub_writable import TOKEN, WritableHub

H = TypeVar("H", bound=WritableHub)

# A trainer: five steps, each with a metric line and, every second one, a checkpoint; goes on from the newest there is
TRAINER = """
import json, os, pathlib, sys, time
out, tell = pathlib.Path("checkpoint"), open("metrics.jsonl", "a", buffering=1)
out.mkdir(exist_ok=True)
first = max([int(one.name.split("-")[1]) for one in out.glob("checkpoint-*")], default=0)
print("begins after", first, "sees", sorted(name for name in os.environ if name.startswith("CANARY")), flush=True)
for step in range(first + 1, 6):
    tell.write(json.dumps({"event": "log", "step": step, "time": time.time(), "loss": 1 / step}) + "\\n")
    time.sleep(float(sys.argv[1]))
    if step % 2 == 0:
        saved = out / f"checkpoint-{step}"
        saved.mkdir()
        (saved / "weights").write_text(str(step))
        (saved / "trainer_state.json").write_text("{}")
        os.utime(saved / "weights", (1, 1)), os.utime(saved / "trainer_state.json", (1, 1)), os.utime(saved, (1, 1))
    if os.path.exists(sys.argv[2]) and step == 3 and not first:
        code = int(open(sys.argv[2]).read())
        time.sleep(600 if code < 0 else 0)
        sys.exit(code)
(out / "config.json").write_text("{}")
(out / "model.safetensors").write_bytes(bytes.fromhex("WEIGHTS"))
"""
WEIGHTS = struct.pack("<Q", 2) + b"{}"


@contextmanager
def client_of(server: H, patch: pytest.MonkeyPatch, folder: Path) -> Iterator[H]:
    """The package reads its endpoint and token once, at its import."""
    from huggingface_hub import constants, hf_api
    from huggingface_hub.utils import _http

    hasty = SimpleNamespace(**{**vars(time), "sleep": lambda seconds: time.sleep(seconds / 100)})
    with server:
        patch.setattr(_http, "time", hasty)  # its own patience with a Hub that stumbles
        patch.setattr(hf_api, "time", hasty)
        patch.setattr(constants, "ENDPOINT", server.url)
        patch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", server.url + "/{repo_id}/resolve/{revision}/{filename}")
        patch.setattr(constants, "HF_HUB_CACHE", str(folder / "hub-cache"))
        patch.setattr(constants, "HF_HUB_DISABLE_XET", True)
        patch.setattr(constants, "HF_HUB_OFFLINE", False)
        patch.setenv("HF_TOKEN", TOKEN)
        patch.setenv("HF_ENDPOINT", server.url)
        yield server


def small_job(folder: Path, pause: float = 0.0, code: int | None = None, light: bool = False) -> Job:
    """A run's folder with a dataset that passed the gate, and a job that needs no GPU; `code` it ends with at
    step 3, a negative one: it hangs there, unless it went on from a checkpoint; a `light` one only looks like a job."""
    (folder / "dataset").mkdir(parents=True)
    for split in report.SPLITS:
        (folder / "dataset" / f"{split}.jsonl").write_text('{"id": "1"}\n')
    told = {"rows": 3, "values": 0, "skipped": {}, "repaired": 0, "canaries": 1, "engines": {}, "sessions": []}
    report.write(folder, report.GateReport(dataset=report.dataset_hash(folder / "dataset"), passed=True, **told))
    if light:  # enough where nothing runs it
        (folder / "inside").mkdir()
        (folder / "inside" / "hosted.py").write_text("")
    else:
        environment.place(folder)
    (folder / "trainer.py").write_text(TRAINER.replace("WEIGHTS", WEIGHTS.hex()))
    (folder / "axolotl.yaml").write_text("base_model: model\n")
    if code is not None:
        (folder / "ends").write_text(str(code))
    return Job(
        name=folder.name,
        folder=str(folder),
        command=("python", str(folder / "trainer.py"), str(pause), "ends"),
        env={"PYTHONPATH": "inside", "HF_HUB_OFFLINE": "1"},
        output="checkpoint",
        config={"seed": 1},
        gpu={},
        uploads=("axolotl.yaml", "inside", "trainer.py", *(("ends",) if code is not None else ())),
    )


def steps(folder: Path) -> list[int]:
    """Of a run's metrics, as they stand in the file."""
    return [json.loads(line)["step"] for line in (folder / "metrics.jsonl").read_text().splitlines()]
