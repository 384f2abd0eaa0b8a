"""SkyPilot at arm's length: a HOME of its own for each cloud, and its answers from a process of its own.

Importing sky writes into HOME and would upload every cloud's key file found there to the machine it rents, so it
only ever sees `home()/sky/<cloud>`, with that cloud's prices and nothing of the user's environment."""

import csv
import datetime
import importlib.util
import io
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

from bashgym import jsonl, paths
from bashgym.errors import MissingPackage, RunFailed
from bashgym.rented.gpus import MEMORY

PRICES = Path(".sky/catalogs/v8")  # v8: what skypilot 0.14.1 reads (sky/skylet/constants.py)
NAMES = {"runpod": "RunPod", "lambda": "Lambda", "vast": "Vast"}  # as the catalogue spells them
KEYS = {
    "runpod": ".runpod/config.toml",
    "lambda": ".lambda_cloud/lambda_keys",
    "vast": ".config/vastai/vast_api_key",
}
TIMEOUT = 120  # seconds; a quote takes two to four
NOWHERE = "http://127.0.0.1:9"  # a quote needs no network: an attempt fails at once instead of hanging


class Prices(NamedTuple):
    """A cloud's price list on this disk: the file it came from and when that was written."""

    source: Path
    date: str


def place(cloud: str) -> Path:
    """SkyPilot's HOME for one cloud."""
    folder = paths.home() / "sky" / cloud
    folder.mkdir(parents=True, exist_ok=True)
    for part in (folder.parent, folder):
        part.chmod(0o700)
    return folder


def prices(cloud: str) -> Prices | None:
    """The newest price list there is, put where SkyPilot will look; None when there is none on this machine.

    It is copied without SkyPilot's checksum beside it, which makes it a file that SkyPilot never fetches anew."""
    ours = place(cloud) / PRICES / cloud / "vms.csv"
    users = Path(os.environ.get("SKY_RUNTIME_DIR") or Path.home()) / PRICES / cloud / "vms.csv"
    there = [path for path in (ours, users) if path.is_file()]
    source = max(there, key=lambda path: path.stat().st_mtime, default=None)
    names = set(MEMORY[cloud])
    if source is not None:
        if source != ours:
            ours.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, ours)
        with ours.open(newline="", encoding="utf-8") as file:
            names |= {row.get("AcceleratorName") or "" for row in csv.DictReader(file)} - {""}
    index(cloud, names)
    if source is None:
        return None
    written = datetime.datetime.fromtimestamp(source.stat().st_mtime, tz=datetime.UTC)
    return Prices(source, written.date().isoformat())


def index(cloud: str, names: set[str]) -> None:
    """SkyPilot reads a list of all GPU names before it parses a task, and would fetch it from the network."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["AcceleratorName", "Clouds"])
    writer.writerows([name, f"['{NAMES[cloud]}']"] for name in sorted(names))
    jsonl.replace(place(cloud) / PRICES / "common" / "accelerators.csv", text.getvalue().encode())


def ask(cloud: str, task: Path, **question: Any) -> dict[str, Any]:
    """What SkyPilot says to a task file (see bashgym/rented/answer.py for the shapes).

    Raises MissingPackage without skypilot, RunFailed when it breaks or does not answer in time."""
    if importlib.util.find_spec("sky") is None:
        raise MissingPackage("skypilot", "cloud")
    folder = place(cloud)
    question = {"cloud": cloud, "task": str(task), "prices": str(folder / PRICES / cloud / "vms.csv"), **question}
    try:
        done = subprocess.run(
            [sys.executable, "-m", "bashgym.rented.answer"],
            input=json.dumps(question).encode(),
            capture_output=True,
            cwd=folder,
            env=variables(folder),
            timeout=TIMEOUT,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise RunFailed(f"SkyPilot did not answer within {TIMEOUT} seconds about {task}; try again") from None
    if done.returncode != 0:
        lines = done.stderr.decode(errors="replace").strip().splitlines() or [f"exit code {done.returncode}"]
        raise RunFailed(f"SkyPilot could not judge {task}: {lines[-1][:300]}")
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def variables(folder: Path) -> dict[str, str]:
    """Nothing of the user's environment but where programs are: what is not passed on cannot be written down."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "LC_ALL", "TMPDIR") if name in os.environ}
    return kept | {
        "HOME": str(folder),
        "PYTHONPATH": str(paths.HERE.parent),
        "SKYPILOT_DISABLE_USAGE_COLLECTION": "1",
        "HTTP_PROXY": NOWHERE,
        "HTTPS_PROXY": NOWHERE,
        "http_proxy": NOWHERE,
        "https_proxy": NOWHERE,
    }
