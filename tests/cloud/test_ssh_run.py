"""`bashgym run cloud=ssh` from sessions to a model over a real sshd; the training environment there is the one here."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cloud.whole_run import SMALL, sessions
from tests.fakes.sshd import Sshd


@pytest.mark.training
@pytest.mark.slow
def test_a_model_is_trained_there_and_registered_here(bashgym: Callable, training_python: Path, tmp_path: Path):
    with Sshd(tmp_path / "my box") as box:
        words = ["cloud=ssh", "cloud.host=box", f"cloud.config_file='{box.config}'", f"run_dir={tmp_path / 'run'}"]
        words += [f"cloud.remote_folder='{tmp_path / 'its jobs'}'", f"cloud.remote_python={training_python}"]
        words += sessions(tmp_path / "sessions")
        done = bashgym("run", "recipe=quickstart", *SMALL, *words, "name=there", "--json")
    assert done.returncode == 0, done.stderr[-3000:]
    manifest = json.loads(done.stdout)
    assert manifest["training"]["steps"] == 6 and manifest["training"]["evidence"] == "measured"
    assert manifest["model"]["name"] == "there" and Path(manifest["model"]["path"], "model.safetensors").is_file()
    noted = json.loads((tmp_path / "run" / "remote.json").read_text())
    assert "step 6/6" in done.stderr and Path(noted["there"]).parent == tmp_path / "its jobs" and noted["fetched"]
    assert list((tmp_path / "its jobs").iterdir()) == [], "its folder there is removed once the model is here"


def test_a_machine_that_is_not_there_ends_the_run_before_any_work(bashgym: Callable, tmp_path: Path):
    words = ["cloud=ssh", f"cloud.remote_python={sys.executable}", f"run_dir={tmp_path / 'run'}"]
    for host in ("", "cloud.host=no-such-host.invalid"):
        done = bashgym("run", "recipe=quickstart", *SMALL, *words, *filter(None, [host]))
        assert done.returncode == 2 and not (tmp_path / "run").exists()
        said = [line for line in done.stderr.splitlines() if line and not line.startswith("notice:")]
        assert len(said) == 1 and "cloud.host" in said[0], done.stderr
