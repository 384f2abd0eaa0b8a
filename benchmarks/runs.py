"""What the benchmarks of trainings share: one run of a recipe, and a score of it."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent


def run(home: Path, name: str, words: list[str]) -> dict[str, Any]:
    """The manifest of one run in `home`/`name`; one that is there already and finished is taken as it is."""
    folder = home / name
    if not finished(folder):
        env = {**os.environ, "BASHGYM_HOME": str(home), "PYTHONPATH": str(ROOT)}
        typed = ["run", *words, f"run_dir={folder}"]
        done = subprocess.run([sys.executable, "-m", "bashgym", *typed], env=env, capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(f"{' '.join(typed)}: {done.stderr[-2000:]}")
    return dict(json.loads((folder / "manifest.json").read_text()))


def finished(folder: Path) -> bool:
    manifest = folder / "manifest.json"
    return manifest.exists() and json.loads(manifest.read_text()).get("state") == "finished"


def score(manifest: dict[str, Any], metric: str, role: str) -> float:
    (found,) = [one for one in manifest["scores"] if (one["metric"], one["role"]) == (metric, role)]
    return float(found["value"])
