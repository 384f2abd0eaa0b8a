"""A whole run of a tiny recipe on rewards, through the command line, and what is asked of each."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]


def bashgym(home: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    env = {**os.environ, "BASHGYM_HOME": str(home), "PYTHONPATH": str(ROOT), "COLUMNS": "200", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "bashgym", *words]
    return subprocess.run(command, env=env, cwd=home, capture_output=True, text=True, check=False)


def finished(home: Path, *words: str) -> dict[str, Any]:
    done = bashgym(home, "run", *words, "--json")
    assert done.returncode == 0, done.stderr[-3000:]
    return dict(json.loads(done.stdout))


def score(manifest: dict[str, Any], metric: str, role: str) -> dict[str, Any]:
    (found,) = [one for one in manifest["scores"] if one["metric"] == metric and one["role"] == role]
    assert found["evidence"] == "measured" and found["n"] == 12
    return dict(found)


def learnt(home: Path, manifest: dict[str, Any], rewards: list[str]) -> None:
    """Solved at some 30 % before, clearly more after; self-tested; in the registry with the curves of its rewards."""
    assert manifest["state"] == "finished"
    memory = manifest["training"]["memory"]
    assert memory["estimated_gb"] == pytest.approx(memory["peak_gb"], rel=0.3)
    tried = manifest["selftest"]["tried"]
    assert tried["good"] == 48 and tried["bad"] == tried["exit"] == tried["skip"] == tried["equal"] == 4
    assert manifest["selftest"]["untried"] == [] and manifest["selftest"]["rewards"] == ["unit_tests"]
    before, after = (score(manifest, "held_out_reward", role) for role in ("base", "trained"))
    assert 0.1 <= before["value"] <= 0.5
    assert after["value"] > before["value"] + 2 * (before["stderr"] ** 2 + after["stderr"] ** 2) ** 0.5
    assert score(manifest, "held_out_reward", "known_bad_answer")["value"] == 0
    listed = json.loads(bashgym(home, "models", "list", "--json").stdout)
    assert [one["name"] for one in listed] == [manifest["model"]["name"]]
    logs = [json.loads(line) for line in (Path(manifest["folder"]) / "metrics.jsonl").open()]
    curves = [line["metrics"] for line in logs if line["event"] == "log" and "reward" in line["metrics"]]
    assert len(curves) == 16
    for name in rewards:
        assert all(f"rewards/{name}/mean" in one for one in curves)
    mean = [sum(one["rewards/unit_tests/mean"] for one in part) / 5 for part in (curves[:5], curves[-5:])]
    assert mean[1] > mean[0]
