"""Data runs through the real command line: what comes out, what is reused, what a kill leaves."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
KEY = bytes(range(32))  # a pseudonym key of the tests' own, so that two homes give the same bytes


def some_sessions(target: Path, at_most: int) -> Path:
    """The first example sessions of every repository, with their sub-agents' folders."""
    taken = 0
    for slug in sorted((ROOT / "examples" / "projects").iterdir()):
        for file in sorted(slug.glob("*.jsonl"))[:2]:
            if taken < at_most:
                taken += 1
                (target / slug.name).mkdir(parents=True, exist_ok=True)
                shutil.copy(file, target / slug.name)
                if file.with_suffix("").is_dir():
                    shutil.copytree(file.with_suffix(""), target / slug.name / file.stem)
    return target


def new_home(folder: Path) -> Path:
    (folder / "keys").mkdir(parents=True, mode=0o700)
    (folder / "keys" / "pseudonym.key").write_bytes(KEY)
    (folder / "keys" / "pseudonym.key").chmod(0o600)
    return folder


def words(projects: Path, run_dir: Path | None = None, *more: str) -> list[str]:
    place = [f"run_dir={run_dir}"] if run_dir else []
    classes = "dataset.classes=[gold,silver,unverified]"
    return [
        "run",
        "recipe=quickstart",
        f"source.examples.path={projects}",
        classes,
        "--until",
        "dataset",
        *place,
        *more,
    ]


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted((folder / "dataset").iterdir())}


@pytest.fixture(scope="module")
def projects(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return some_sessions(tmp_path_factory.mktemp("sessions"), 16)


def test_a_data_run_accounts_for_everything(bashgym: Callable, projects: Path, tmp_path: Path):
    home = new_home(tmp_path / "home")
    done = bashgym(*words(projects, tmp_path / "run"), "--json", BASHGYM_HOME=str(home))
    assert done.returncode == 0, done.stderr
    manifest = json.loads(done.stdout)
    stages = {stage["name"]: stage for stage in manifest["stages"]}
    assert list(stages) == ["source", "sanitize", "judge", "synthesize", "curate", "format", "gate"]
    assert stages["source"]["in"] == len(list(projects.glob("*/*.jsonl")))
    assert stages["judge"]["in"] == stages["judge"]["out"] == sum(stages["judge"]["classes"].values())
    assert stages["curate"]["in"] - stages["curate"]["out"] == sum(stages["curate"]["dropped"].values())
    assert all(stage["evidence"] == "measured" for stage in manifest["stages"])
    rows = {path.stem: path.read_text().splitlines() for path in (tmp_path / "run" / "dataset").glob("*.jsonl")}
    assert {split: len(lines) for split, lines in rows.items()} == manifest["dataset"]["rows"]
    for line in (line for lines in rows.values() for line in lines):
        row = json.loads(line)
        declared = {tool["function"]["name"] for tool in row["tools"]}
        calls = [call for message in row["messages"] for call in message.get("tool_calls", [])]
        assert {call["function"]["name"] for call in calls} <= declared
        assert all(isinstance(call["function"]["arguments"], dict) for call in calls)
        answered = {message["tool_call_id"] for message in row["messages"] if message["role"] == "tool"}
        assert answered == {call["id"] for call in calls}
    lock = (tmp_path / "run" / "recipe.lock.yaml").read_text()
    assert KEY.hex() not in lock and "pseudonym_key" in lock


def test_a_second_run_redoes_nothing_and_a_changed_split_no_session(bashgym: Callable, projects: Path, tmp_path: Path):
    home = str(new_home(tmp_path / "home"))
    first = bashgym(*words(projects, tmp_path / "a"), BASHGYM_HOME=home)
    assert first.returncode == 0 and "reused" not in first.stderr
    second = bashgym(*words(projects, tmp_path / "b"), BASHGYM_HOME=home)
    sessions = len(list(projects.glob("*/*.jsonl")))
    assert f"{sessions} of {sessions} sessions unchanged" in second.stderr
    assert "read, sanitize, judge" not in second.stderr and "render rows" not in second.stderr
    assert content(tmp_path / "a") == content(tmp_path / "b")
    third = bashgym(*words(projects, tmp_path / "c", "seed=7", "training.learning_rate=0.5"), BASHGYM_HOME=home)
    assert "read, sanitize, judge" not in third.stderr
    assert content(tmp_path / "a") != content(tmp_path / "c")


def test_workers_or_none_another_home_the_same_bytes(bashgym: Callable, projects: Path, tmp_path: Path):
    for name, more in (("a", ()), ("b", ("executor.workers=2", "executor.sessions_per_worker=5"))):
        home = str(new_home(tmp_path / f"home-{name}"))
        assert bashgym(*words(projects, tmp_path / name, *more), BASHGYM_HOME=home).returncode == 0
    assert content(tmp_path / "a") == content(tmp_path / "b")


def test_another_key_gives_other_pseudonyms_and_no_old_result(bashgym: Callable, projects: Path, tmp_path: Path):
    home = new_home(tmp_path / "home")
    assert bashgym(*words(projects, tmp_path / "a"), BASHGYM_HOME=str(home)).returncode == 0
    (home / "keys" / "pseudonym.key").write_bytes(bytes(32))
    again = bashgym(*words(projects, tmp_path / "b"), BASHGYM_HOME=str(home))
    assert "unchanged" not in again.stderr
    assert content(tmp_path / "a") != content(tmp_path / "b")


def test_a_folder_without_sessions_is_one_line(bashgym: Callable, tmp_path: Path):
    done = bashgym("run", "recipe=quickstart", "source=claude_code", "--until", "dataset")
    assert done.returncode == 2 and len(done.stderr.strip().splitlines()) <= 2
    assert "source.claude_code.path" in done.stderr and "Traceback" not in done.stderr
    (tmp_path / "empty").mkdir()
    done = bashgym("run", "recipe=quickstart", f"source.examples.path={tmp_path / 'empty'}", "--until", "dataset")
    assert done.returncode == 2 and "no sessions" in done.stderr


NOTHING_LEFT = {
    "classes": (("dataset.classes=[silver]",), "dataset.classes=[silver,gold"),
    "length": (("model.sequence_len=64",), "model.sequence_len"),
}


@pytest.mark.parametrize("case", NOTHING_LEFT)
def test_a_dataset_without_rows_says_why_and_the_way_out(case, bashgym: Callable, projects: Path, tmp_path: Path):
    more, way_out = NOTHING_LEFT[case]
    done = bashgym(*[word for word in words(projects, tmp_path / "run") if not word.startswith("dataset.")], *more)
    assert done.returncode == 1 and "no rows to train on" in done.stderr and way_out in done.stderr
    assert "Traceback" not in done.stderr
    manifest = json.loads((tmp_path / "run" / "manifest.json").read_text())
    assert manifest["state"] == "failed" and (tmp_path / "run" / "report.html").exists()


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_killed_at_twenty_instants_the_dataset_is_the_same(projects: Path, tmp_path: Path):
    """kill -9 of the whole run at random instants; then again, to the end: the bytes of an undisturbed run."""

    def start(home: Path, run_dir: Path, workers: int) -> subprocess.Popen:
        env = {**os.environ, "BASHGYM_HOME": str(home), "PYTHONPATH": str(ROOT)}
        command = [sys.executable, "-m", "bashgym", *words(projects, run_dir, f"executor.workers={workers}")]
        return subprocess.Popen(command, env=env, cwd=tmp_path, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL)

    whole = {}
    for workers in (0, 2):  # little work is done without workers, unless it is said
        began = time.monotonic()
        undisturbed = start(new_home(tmp_path / f"home with {workers}"), tmp_path / f"run{workers}", workers)
        assert undisturbed.wait() == 0, undisturbed.stderr.read()
        whole[workers] = time.monotonic() - began
    chance = random.Random(20261121)
    for attempt, workers in enumerate((0, 2, 0, 2)):
        home, run_dir = new_home(tmp_path / f"home{attempt}"), tmp_path / f"again{attempt}"
        for _ in range(5):
            process = start(home, run_dir, workers)
            time.sleep(chance.uniform(0.1, 0.95) * whole[workers])
            process.send_signal(signal.SIGKILL)
            process.wait()
        last = start(home, run_dir, workers)
        assert last.wait() == 0, last.stderr.read()
        assert content(run_dir) == content(tmp_path / "run0") == content(tmp_path / "run2")
        assert not [path for path in (run_dir).iterdir() if path.name.startswith(".dataset")]
