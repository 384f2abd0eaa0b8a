"""`bashgym run cloud=hf_jobs` from sessions to a model; the job runs here, the training environment being its image."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from bashgym import paths
from tests.cloud.whole_run import SMALL, sessions
from tests.fakes.hub_client import client_of
from tests.fakes.hub_jobs import JobsHub
from tests.fakes.hub_writable import TOKEN


@pytest.mark.training
@pytest.mark.slow
@pytest.mark.timeout(1500)
def test_a_model_is_trained_there_and_registered_here(
    bashgym: Callable, training_python: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """And nothing is left of it on the Hub, no secret anywhere."""
    words = ["recipe=quickstart", *SMALL, "cloud=hf_jobs", "cloud.secrets=[CANARY_KEY]", f"run_dir={tmp_path / 'run'}"]
    words += sessions(tmp_path / "sessions")
    canary = "canary-90b7c4e1d2aa85f3"
    with client_of(JobsHub(tmp_path / "machines", training_python.parent), monkeypatch, tmp_path) as hub:
        done = bashgym("run", *words, "name=there", "--yes", "--json", CANARY_KEY=canary, HF_HUB_DISABLE_XET="1")
        assert done.returncode == 0, done.stderr[-3000:]
        assert len(hub.jobs) == 1 and not hub.alive() and not hub.commits
    manifest = json.loads(done.stdout)
    assert manifest["training"]["steps"] == 6 and manifest["training"]["evidence"] == "measured"
    assert manifest["model"]["name"] == "there" and Path(manifest["model"]["path"], "model.safetensors").is_file()
    assert manifest["rented"]["hours"] > 0 and manifest["rented"]["fetched"] and "step 6/6" in done.stderr
    assert manifest["quote"]["instance"] == "cpu-basic" and "leaves this machine: axolotl.yaml, inside" in done.stderr
    kept = [path for place in (tmp_path / "run", paths.home()) for path in place.rglob("*") if path.is_file()]
    for path in kept:
        content = path.read_bytes()
        assert canary.encode() not in content and TOKEN.encode() not in content, path
