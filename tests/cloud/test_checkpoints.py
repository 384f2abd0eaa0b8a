"""Checkpoints on the Hub: what is torn does not count, what is whole comes back byte by byte, what is old goes."""

import importlib.util
import itertools
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from bashgym import environment, paths
from bashgym.errors import RecipeError
from bashgym.records import Job
from bashgym.rented import checkpoints, pushed
from tests.fakes.hub_client import client_of
from tests.fakes.hub_writable import TOKEN, Fault, WritableHub

REPOSITORY = "ada/checkpoints"


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[WritableHub]:
    monkeypatch.setattr(pushed, "PAUSES", (0.0, 0.0))
    with client_of(WritableHub(), monkeypatch, tmp_path) as server:
        yield server


@pytest.fixture(scope="module")
def push() -> ModuleType:
    spec = importlib.util.spec_from_file_location("push", paths.HERE / "inside" / "push.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def at(push: ModuleType, hub: WritableHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A job's folder with a repository to push to."""
    (tmp_path / "job").mkdir()
    monkeypatch.chdir(tmp_path / "job")
    push.hub().create_repo(REPOSITORY, private=True)
    return push.Place(REPOSITORY, "run", Path("checkpoint"), 900.0)


def saved(step: int, text: str = "weights") -> Path:
    """As the trainer does: its state comes last."""
    folder = Path("checkpoint", f"checkpoint-{step}")
    (folder / "deep").mkdir(parents=True)
    (folder / "model.safetensors").write_text(f"{text} of step {step}")
    (folder / "deep" / "optimizer.pt").write_bytes(bytes(range(step % 256)))
    (folder / "trainer_state.json").write_text(json.dumps({"global_step": step}))
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Another machine, whose disk is empty."""
    (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path / name)


def test_there_and_back(push: ModuleType, hub: WritableHub, at, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    Path("metrics.jsonl").write_text('{"step": 1}\n{"step": 2}\n{"st')
    api, wanted = push.hub(), {}
    for step in (10, 20, 30):
        wanted = contents(saved(step))
        assert push.push(api, at, 0) == step
    assert push.there(api, at) == {20: True, 30: True}, "the oldest is taken away"
    assert len(hub.commits[REPOSITORY]) < 9 and not any("checkpoint-10" in str(files) for files in hub.commits.values())
    writes = len([one for one in hub.requests if one[0] == "POST"])
    assert push.push(api, at, 0) == 30
    assert len([one for one in hub.requests if one[0] == "POST"]) == writes, "what is there is not pushed again"
    elsewhere(tmp_path, monkeypatch, "other")
    assert push.fetch(api, at) == 30
    assert contents(Path("checkpoint/checkpoint-30")) == wanted
    assert Path("metrics.jsonl").read_text() == '{"step": 1}\n{"step": 2}\n', "whole lines come along"
    assert push.fetch(api, at) is None, "a machine that has it fetches nothing"


def test_cut_at_every_step(push: ModuleType, hub: WritableHub, at, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Whatever write is the last one that gets through, the newest complete checkpoint is found, never half a one."""
    api, names = push.hub(), itertools.count()
    before = contents(saved(10))
    push.push(api, at, 0)
    after = contents(saved(20))
    seen = set()
    for allowed in range(12):
        monkeypatch.chdir(tmp_path / "job")
        hub.writes_left = allowed
        done = push.attempt(api, at, 0)
        hub.writes_left = None
        elsewhere(tmp_path, monkeypatch, f"machine-{next(names)}")
        step = push.fetch(api, at)
        assert contents(Path("checkpoint", f"checkpoint-{step}")) == (before if step == 10 else after)
        seen.add(step)
        if done:
            break
    assert done and seen == {10, 20} and allowed >= 3


def test_what_was_changed_on_the_hub_is_passed_over(push: ModuleType, hub: WritableHub, at):
    api = push.hub()
    for step in (10, 20):
        saved(step)
        push.push(api, at, 0)
    files = hub.files(REPOSITORY)
    name = "run/checkpoint-20/model.safetensors"
    hub.store(REPOSITORY, {**files, name: files[name].upper()})  # as long as before
    elsewhere_now = Path("checkpoint").rename("gone")
    assert push.fetch(api, at) == 10
    note = json.dumps({"files": {"../../evil": {"size": 1, "sha256": ""}}}).encode()
    hub.store(REPOSITORY, {**files, "run/checkpoint-30/complete.json": note, "run/checkpoint-40/model": b"half"})
    assert elsewhere_now.exists() and push.fetch(api, at) == 20, "no note that leads out of its folder is followed"


@pytest.mark.parametrize("how", ["500", "429", "drop", "lost"])
def test_a_hub_that_stumbles_once(push: ModuleType, hub: WritableHub, at, how: str):
    saved(10)
    hub.faults = [Fault("POST", "/commit/", how), Fault("GET", "/tree/", how)]
    assert push.push(push.hub(), at, 0) == 10
    assert push.there(push.hub(), at) == {10: True} and not any(fault.times for fault in hub.faults)


def test_a_checkpoint_being_written_is_left_alone(push: ModuleType, hub: WritableHub, at):
    (saved(10) / "trainer_state.json").unlink()
    assert push.push(push.hub(), at, 0) is None, "the trainer has not said that it is whole"
    saved(20)
    assert push.push(push.hub(), at, push.SETTLED) is None, "its files changed just now"
    old = time.time() - 60
    for path in Path("checkpoint").rglob("*"):
        os.utime(path, (old, old))
    assert push.push(push.hub(), at, push.SETTLED) == 20


def test_the_program_beside_a_training(hub: WritableHub, at, tmp_path: Path):
    """As a run script starts it, from what travels with a job; the last checkpoint is pushed when it is told to end."""
    environment.place(Path())
    settings = checkpoints.CheckpointSettings(to=f"hub:{REPOSITORY}", every_minutes=60)
    job = Job(name="n", folder=".", command=("x",), env={}, output="checkpoint", config={"seed": 1}, gpu={})
    seen = {name: os.environ[name] for name in ("PATH", "HF_ENDPOINT", "HF_TOKEN")}
    seen |= {"HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path / "hf"), "HF_HUB_DISABLE_XET": "1"}
    seen |= checkpoints.variables(job, settings)
    command = [sys.executable, checkpoints.PROGRAM]
    assert subprocess.run([*command, "fetch"], env=seen, timeout=60, check=True).returncode == 0
    running = subprocess.Popen([*command, "watch"], env=seen, stdout=subprocess.PIPE, text=True)
    try:
        saved(7)
        assert f"checkpoints go to {REPOSITORY} every 3600 seconds" in running.stdout.readline()
        running.terminate()
        said, _ = running.communicate(timeout=30)
    finally:
        running.kill()
    assert running.returncode == 0 and "step 7 is on the Hub" in said
    assert f"{checkpoints.prefix(job)}/checkpoint-7/complete.json" in hub.files(REPOSITORY)
    from huggingface_hub import HfApi

    checkpoints.forget(HfApi(), settings, checkpoints.prefix(job))
    assert not [name for name in hub.files(REPOSITORY) if "checkpoint-7" in name]


def test_where_they_may_go(hub: WritableHub, monkeypatch: pytest.MonkeyPatch):
    from huggingface_hub import HfApi

    settings = checkpoints.CheckpointSettings(to="hub:ada/new")
    checkpoints.ready(HfApi(), settings)
    assert "ada/new" in hub.private
    hub.private.clear()
    with pytest.raises(RecipeError, match="public"):
        checkpoints.ready(HfApi(), settings)
    assert not list(checkpoints.findings(settings)) and checkpoints.secrets(settings) == ("HF_TOKEN",)
    monkeypatch.delenv("HF_TOKEN")
    assert [one.level for one in checkpoints.findings(settings)] == ["error"]
    with pytest.raises(ValueError, match="hub:NAME/REPOSITORY"):
        checkpoints.CheckpointSettings(to="s3://bucket")
    assert TOKEN not in b"".join(hub.bodies).decode()
