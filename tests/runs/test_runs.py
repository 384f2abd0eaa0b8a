"""`bashgym runs`, over real run folders made by `run --until dataset`."""

import fcntl
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec
import orjson
import pytest

from bashgym import choices, processes
from bashgym.records import ModelVersion, Score
from bashgym.runs import listed, pruned

SHIPPED = Path(__file__).resolve().parent.parent.parent / "examples" / "projects"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with the two data-only runs of a sweep over a few example sessions."""
    from bashgym import cli

    folder = tmp_path_factory.mktemp("sweep")
    sessions = folder / "sessions"
    for file in sorted(SHIPPED.glob("*/*.jsonl"))[:6]:
        (sessions / file.parent.name).mkdir(parents=True, exist_ok=True)
        shutil.copy(file, sessions / file.parent.name)
    words = [
        "run",
        "-m",
        "recipe=quickstart",
        f"source.examples.path={sessions}",
        "dataset.classes=[gold,silver,unverified]",
        "training.learning_rate=1e-4,2e-4",
        "--until",
        "dataset",
    ]
    env = {**os.environ, "BASHGYM_HOME": str(folder / "home"), "COLUMNS": "200"}
    env["PYTHONPATH"] = str(Path(cli.__file__).resolve().parent.parent)
    done = subprocess.run(
        [sys.executable, "-m", "bashgym", *words], cwd=folder, env=env, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    (folder / "stdout").write_text(done.stdout)
    return folder


@pytest.fixture
def home(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of that home, to be changed."""
    copy = tmp_path / "home"
    shutil.copytree(made / "home", copy)
    monkeypatch.setenv("BASHGYM_HOME", str(copy))
    return copy


def test_a_sweep_works_on_the_data_once(made: Path):
    contents = [orjson.loads(path.read_bytes()) for path in (made / "home" / "runs").glob("*/manifest.json")]
    assert len(contents) == 2
    reused = sorted(content["sessions"]["reused"] for content in contents)
    sessions = contents[0]["stages"][0]["in"]
    assert reused == [0, sessions], "the second run took every session from the store"
    assert len({content["dataset"]["sha256"] for content in contents}) == 1


def test_a_sweep_ends_with_a_comparison(made: Path):
    text = (made / "stdout").read_text()
    line = next(line for line in text.splitlines() if line.startswith("training.learning_rate "))
    assert "0.0001" in line and "0.0002" in line
    rows = next(line for line in text.splitlines() if line.startswith("train rows"))
    assert rows.count("(measured)") == 2


def test_list_and_show(bashgym: Callable, home: Path):
    rows = json.loads(bashgym("runs", "list", "--json").stdout)
    assert len(rows) == 2 and all(row["state"] == "dataset written" and not row["alive"] for row in rows)
    total = sum(path.stat().st_size for path in Path(rows[0]["folder"]).rglob("*") if path.is_file())
    assert rows[0]["bytes"] == total > 0
    shown = bashgym("runs", "show", rows[0]["run"])
    assert "sanitize" in shown.stdout and "measured" in shown.stdout
    done = bashgym("runs", "show", "quickstart")
    assert done.returncode == 2 and "2 runs begin so" in done.stderr
    assert "did you mean" in bashgym("runs", "show", rows[0]["run"][:-1] + "zz").stderr


def test_compare_tells_only_what_differs(bashgym: Callable, home: Path):
    names = [row["run"] for row in json.loads(bashgym("runs", "list", "--json").stdout)]
    found = json.loads(bashgym("runs", "compare", *names, "--json").stdout)
    # the hash of our own code is told too, where somebody edits it between the two runs
    assert set(found["keys"]) - {"code"} == {"training.learning_rate"}
    assert found["figures"]["train rows"][0][1] == "measured"
    diff = bashgym("recipes", "diff", *names)
    assert diff.returncode == 1 and "training.learning_rate" in diff.stdout
    run = home / "runs" / names[0]
    own = bashgym("recipes", "diff", str(run), str(run / "recipe.lock.yaml"))
    assert own.stdout == "the same in meaning\n", "a run and its own lock file"


def test_prune_asks_first(bashgym: Callable, home: Path):
    done = bashgym("runs", "prune")
    assert done.returncode == 2 and "--yes" in done.stderr and len(listed.past_runs()) == 2
    assert bashgym("runs", "prune", "--older-than", "1", "--yes").returncode == 0
    assert len(listed.past_runs()) == 2, "they are younger than a day"
    assert bashgym("runs", "prune", "--yes").returncode == 0 and listed.past_runs() == []


def registers(run: listed.Past) -> None:
    """Puts a model of this run into the real model registry, as the last stage of a run does."""
    checkpoint = run.folder / "checkpoint"
    checkpoint.mkdir()
    (checkpoint / "config.json").write_text("{}")
    score = Score(benchmark="b", metric="m", value=0.5, evidence="measured", n=1, role="trained", higher_is_better=True)
    version = ModelVersion(
        name="quickstart",
        path=str(checkpoint),
        lineage={"run": run.name, "run_folder": str(run.folder)},
        scores=(score,),
        created="2026-11-21T00:00:00Z",
    )
    choices.preset_plugin("model_registry", "mlflow").add(version)


def test_prune_keeps_what_is_registered(bashgym: Callable, home: Path):
    kept, gone = listed.past_runs()
    registers(kept)
    found = {one.run.name: one.stays for one in pruned.judged(listed.past_runs(), 0)}
    assert found == {kept.name: "its model is registered", gone.name: ""}
    assert bashgym("runs", "prune", "--yes").returncode == 0
    assert [run.name for run in listed.past_runs()] == [kept.name]


def test_prune_keeps_what_cannot_be_judged(bashgym: Callable, home: Path, monkeypatch: pytest.MonkeyPatch):
    run, other = listed.past_runs()
    content = {**run.content, "model": {"name": "m", "version": "1"}}
    (run.folder / "manifest.json").write_bytes(orjson.dumps(content))
    (other.folder / "manifest.json").write_text("{ torn")
    (home / "conf").mkdir()
    monkeypatch.chdir(home)
    (home / "conf" / "model_registry").mkdir()
    (home / "conf" / "model_registry" / "gone.yaml").write_text("plugin: gone\n")
    found = {one.run.name: one.stays for one in pruned.judged(listed.past_runs(), 0)}
    assert "cannot be asked" in found[run.name] and "cannot be read" in found[other.name]


def test_prune_keeps_what_is_alive(bashgym: Callable, home: Path):
    first, second = listed.past_runs()
    sleeper = subprocess.Popen(["sleep", "60"])
    try:
        job = {"pid": sleeper.pid, "start": processes.start_of(sleeper.pid)}
        (second.folder / "job.json").write_bytes(orjson.dumps(job))
        with (first.folder / "run.lock").open("a+") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            rows = json.loads(bashgym("runs", "list", "--json").stdout)
            assert all(row["alive"] for row in rows)
            done = bashgym("runs", "prune", "--yes")
            assert "nothing to remove" in done.stderr and len(listed.past_runs()) == 2
    finally:
        sleeper.kill()
        sleeper.wait()
    assert not listed.past_runs()[0].alive, "a pid whose process is gone is nobody's"


def test_a_job_on_another_machine_keeps_its_run(home: Path):
    run, _ = listed.past_runs()
    (run.folder / "submission.json").write_bytes(msgspec.json.encode({"id": "x"}))
    found = {one.run.name: one.stays for one in pruned.judged(listed.past_runs(), 0)}
    assert "another machine" in found[run.name]


def test_a_killed_run_is_called_interrupted(home: Path):
    run, _ = listed.past_runs()
    (run.folder / "manifest.json").write_bytes(orjson.dumps({**run.content, "state": "running"}))
    assert listed.named(run.name).state == "interrupted"
