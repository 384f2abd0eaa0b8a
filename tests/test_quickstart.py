"""The two promises of the README, for real: the quickstart to its end, the same on real session files, and an
adapter on the quickstart's rows.

Slow: four trainings with Axolotl on the CPU, and lm-eval on six models."""

import ast
import json
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.fixed_key import keyed
from tests.nothing_left import left

pytestmark = [pytest.mark.training, pytest.mark.slow, pytest.mark.timeout(1500)]


def score(manifest: dict, metric: str, role: str) -> float:
    (found,) = [one for one in manifest["scores"] if one["metric"] == metric and one["role"] == role]
    assert found["evidence"] == "measured" and found["n"] > 0
    return found["value"]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, training_python: Path) -> Path:
    """One for this module."""
    return keyed(tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, home: Path) -> Callable[..., subprocess.CompletedProcess]:
    """The command line, in that home."""
    import os
    import sys

    folder = tmp_path_factory.mktemp("elsewhere")
    root = Path(__file__).resolve().parent.parent
    env = {**os.environ, "BASHGYM_HOME": str(home), "PYTHONPATH": str(root), "COLUMNS": "200"}

    def call(*words: str) -> subprocess.CompletedProcess:
        command = [sys.executable, "-m", "bashgym", *words]
        return subprocess.run(command, env=env, cwd=folder, capture_output=True, text=True)

    return call


@pytest.fixture(scope="module")
def quickstart(run: Callable) -> tuple[dict, str]:
    """The manifest and what was printed on the way, of one whole run."""
    done = run("run", "recipe=quickstart", "--json")
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout), done.stderr


def test_the_loss_fell_and_the_model_beats_base_and_controls(quickstart):
    """Also the tool that most often follows the last one, on requests in words that were never trained on."""
    manifest, _ = quickstart
    assert manifest["state"] == "finished"
    assert manifest["training"]["evidence"] == "measured"
    assert manifest["training"]["last_loss"] < 0.6 * manifest["training"]["first_loss"]
    beats_what_needs_no_model(manifest)


def beats_what_needs_no_model(manifest: dict) -> None:
    """By the tools it names all of them. So small a model spoils many a call on the way to its end, so that by whole
    calls it beats its base and the most frequent tool, and not the tool that most often follows the last one."""
    memory = manifest["training"]["memory"]
    assert memory["estimated_gb"] == pytest.approx(memory["peak_gb"], rel=0.3)
    named, called = (score(manifest, metric, "trained") for metric in ("tool_named", "tool_accuracy"))
    for other in ("base", "most_frequent_tool", "bigram_tool"):
        assert named > score(manifest, "tool_named", other) + 0.05, other
    for other in ("base", "most_frequent_tool"):
        assert called > score(manifest, "tool_accuracy", other) + 0.05, other
    assert score(manifest, "byte_perplexity", "trained") < score(manifest, "byte_perplexity", "base")


def test_no_prompt_template_of_the_test_rows_was_trained_on(quickstart):
    """The templates are those that the examples' generator words its requests with."""
    templates = [re.compile(text, re.DOTALL) for text in phrasings()]
    assert len(templates) > 40
    folder = Path(quickstart[0]["folder"]) / "dataset"
    used: dict[str, set[str]] = {}
    for split in ("train", "validation", "test"):
        rows = [json.loads(line) for line in (folder / f"{split}.jsonl").open()]
        asked = [one["content"] for row in rows for one in row["messages"] if one["role"] == "user"]
        fits = [{one.pattern for one in templates if one.fullmatch(text)} for text in asked]
        assert sum(map(bool, fits)) >= len(rows)
        used[split] = set().union(*fits)
    assert len(used["test"]) >= 4
    assert not used["test"] & used["train"] and not used["validation"] & used["train"]


def phrasings() -> Iterator[str]:
    """Every wording of a request in examples/stories, with anything for what is put into it."""
    for file in sorted((Path(__file__).resolve().parent.parent / "examples" / "stories").glob("*.py")):
        for node in ast.walk(ast.parse(file.read_text())):
            for said in node.args if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "ask" else ():
                parts = said.values if isinstance(said, ast.JoinedStr) else [said]
                fixed = [part for part in parts if isinstance(part, ast.Constant)]
                if fixed:
                    yield "".join(re.escape(one.value) if one in fixed else ".+?" for one in parts)


def test_everything_is_where_the_manifest_says(quickstart):
    manifest, _ = quickstart
    folder = Path(manifest["folder"])
    for name in ("recipe.lock.yaml", "manifest.json", "axolotl.yaml", "report.html", "metrics.jsonl", "logs/train.log"):
        assert (folder / name).is_file(), name
    assert (Path(manifest["model"]["path"]) / "config.json").is_file()
    names = [stage["name"] for stage in manifest["stages"]]
    wanted = ["source", "sanitize", "judge", "synthesize", "curate", "format", "gate", "lint", "model", "training"]
    wanted += ["benchmark lm_eval", "register"]
    assert [name for name in names if name != "environment"] == wanted


def test_nothing_planted_is_left_in_anything_kept(quickstart):
    """The invented secrets and people of the example sessions, in every file of the data home: the run with its report,
    logs and metrics, the store, the model, the registry's database. Where the sessions lie is known to two files."""
    home = Path(quickstart[0]["folder"]).parent.parent
    root = Path(__file__).resolve().parent.parent
    planted = json.loads((root / "examples" / "planted.json").read_text())
    assert len(planted) > 20
    users = frozenset(one["value"] for one in planted if one["kind"] == "user")
    assert (home / "models" / "registry.db").is_file()
    raw = {"ledger.jsonl": users, "cache/history.sqlite": users}
    assert left(home, [one["value"] for one in planted], raw) == set()


def test_a_second_run_redoes_nothing_and_says_so(quickstart, run):
    manifest, _ = quickstart
    done = run("run", "recipe=quickstart")
    assert done.returncode == 0
    assert "nothing changed" in done.stderr and "training:" not in done.stderr
    assert manifest["model"]["path"] in done.stdout
    runs = list(Path(manifest["folder"]).parent.iterdir())
    assert len(runs) == 1


def test_the_model_is_registered_with_its_lineage(quickstart, run):
    manifest, _ = quickstart
    (listed,) = json.loads(run("models", "list", "--json").stdout)
    assert listed["name"] == "quickstart" and "latest" in listed["aliases"]
    shown = json.loads(run("models", "show", "quickstart@latest", "--json").stdout)
    assert shown["lineage"]["dataset_sha256"] == manifest["dataset"]["sha256"]
    assert shown["lineage"]["lock_sha256"] == manifest["lock_sha256"]
    assert len(shown["lineage"]["checkpoint_sha256"]) == 64
    assert shown["scores"] == manifest["scores"]
    missing = run("models", "show", "quickstrat")
    assert missing.returncode == 2 and "did you mean 'quickstart'?" in missing.stderr


def test_killed_at_five_random_moments_it_reaches_the_same_end(tmp_path, training_python, home):
    """kill -9 of the program alone, whose training is followed then; of both while they start; of both at steps drawn
    anew each time: the same last step, nothing trained from the start again, and a model that loads."""
    import contextlib
    import os
    import random
    import shutil
    import signal
    import sys
    import time

    place, steps, draw = tmp_path / "run", 260, random.Random()  # in the others' home, where the sessions are read
    words = ["recipe=quickstart", f"run_dir={place}", "benchmark=[]", "model.sequence_len=512", "name=killed"]
    words += ["model.scratch.hidden_size=32", "model.scratch.layers=1", "model.scratch.heads=2"]
    words += ["model.scratch.vocab_size=600", f"training.max_steps={steps}", "training.save_steps=20"]
    root = Path(__file__).resolve().parent.parent
    env = {**os.environ, "BASHGYM_HOME": str(home), "PYTHONPATH": str(root)}
    command = [sys.executable, "-m", "bashgym", "run", *words]

    def events() -> list[dict]:
        file = place / "metrics.jsonl"
        return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []

    def started(ready: Callable[[], bool]) -> None:
        """Runs until `ready`, then kills the program."""
        process = subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 600
        while time.monotonic() < deadline and process.poll() is None and not ready():
            time.sleep(0.1)
        assert process.poll() is None, "it ended before it was killed"
        process.send_signal(signal.SIGKILL)
        process.wait()

    def at(step: int) -> Callable[[], bool]:
        return lambda: any(one["step"] >= step and one["event"] == "log" for one in events())

    def job() -> dict:
        return json.loads((place / "job.json").read_text())

    def kill_training() -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(job()["pid"], signal.SIGKILL)

    moments = sorted(draw.sample(range(25, steps - 40), 3))
    print("killed at", moments)
    started(at(moments[0]))
    first = job()["id"]
    started(at(moments[1]))
    assert job()["id"] == first  # the one that survived was followed
    kill_training()
    seconds = time.monotonic() + draw.uniform(0, 8)
    started(lambda: time.monotonic() > seconds)
    if job()["id"] != first:
        kill_training()
    before = len([one for one in events() if one["event"] == "begin"])
    started(lambda: len([one for one in events() if one["event"] == "begin"]) > before)
    kill_training()
    started(at(moments[2]))
    kill_training()
    newest = max((place / "checkpoint").glob("checkpoint-*/trainer_state.json"), key=lambda file: file.stat().st_mtime)
    cut = place / "checkpoint" / f"checkpoint-{steps - 1}"  # as a kill leaves what was just being saved
    shutil.copytree(newest.parent, cut, ignore=shutil.ignore_patterns(newest.name))
    done = subprocess.run([*command, "--json"], env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    manifest = json.loads(done.stdout)
    assert manifest["training"]["steps"] == steps
    begun = [one["step"] for one in events() if one["event"] == "begin"]
    assert len(begun) >= 4 and begun == sorted(begun) and min(begun[1:]) >= 20  # from saved steps on
    assert begun[-1] >= moments[2] - 41  # the newest saved step may have been cut short
    load = "import sys, sparing; from transformers import AutoModelForCausalLM as M; M.from_pretrained(sys.argv[1])"
    alone = {**env, "PYTHONPATH": str(place / "inside")}
    subprocess.run([str(training_python), "-c", load, manifest["model"]["path"]], check=True, env=alone)


def test_an_adapter_beats_base_and_controls_too(run, quickstart):
    """LoRA on a model made from scratch: the checkpoint is an adapter, measured on top of its base, and registered. The
    base is the quickstart's own, whose scores are taken up."""
    done = run("run", "recipe=tiny_lora", "--json")
    assert done.returncode == 0, done.stderr[-3000:]
    manifest = json.loads(done.stdout)
    assert (Path(manifest["model"]["path"]) / "adapter_config.json").is_file()
    earlier, _ = quickstart
    assert score(manifest, "byte_perplexity", "base") == score(earlier, "byte_perplexity", "base")
    notes = [one["note"] for one in manifest["scores"] if one["role"] == "base"]
    assert notes and all(f"measured in run {earlier['run']}" in one for one in notes)
    beats_what_needs_no_model(manifest)


def test_real_sessions_train_and_register_a_model(run, samples):
    """`source=claude_code` on real session files; few steps, which is enough to see the loss fall."""
    words = ("recipe=quickstart", "source=claude_code", f"source.claude_code.path={samples / 'claude-code-entire'}")
    words += ("model.sequence_len=2048", "training.max_steps=12", "benchmark.lm_eval.max_docs=6", "name=real")
    done = run("run", *words, "--json")
    assert done.returncode == 0, done.stderr[-3000:]
    manifest = json.loads(done.stdout)
    assert manifest["training"]["last_loss"] < manifest["training"]["first_loss"]
    assert manifest["model"]["name"] == "real" and manifest["dataset"]["rows"]["train"] > 20
    assert manifest["model"]["lineage"]["overrides"] == " ".join(words[1:])
    assert {one["role"] for one in manifest["scores"]} >= {"base", "trained", "most_frequent_tool"}
