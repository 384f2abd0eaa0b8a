"""Every strategy of preferences really trains: its tiny recipe, from the example sessions to the model registry.

Two at a time, as each is one thread; the sessions are read once for all."""

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from bashgym import checkpoint, registry
from tests.fixed_key import keyed

pytestmark = [pytest.mark.training, pytest.mark.slow, pytest.mark.timeout(1500)]
ROOT = Path(__file__).resolve().parents[2]
RECIPES = ("tiny_dpo", "tiny_simpo", "tiny_kto", "tiny_orpo", "tiny_reward_model")
Scores = dict[tuple[str, str], dict[str, Any]]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return keyed(tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="module")
def manifests(home: Path, training_python: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    env = {**os.environ, "BASHGYM_HOME": str(home), "PYTHONPATH": str(ROOT)}

    def run(recipe: str, *more: str) -> dict[str, Any]:
        command = [sys.executable, "-m", "bashgym", "train", "--tiny", "--strategy", recipe.removeprefix("tiny_")]
        done = subprocess.run([*command, "--json", *more], env=env, cwd=elsewhere, capture_output=True, text=True)
        assert done.returncode == 0, f"{recipe}: {done.stderr[-3000:]}"
        return {**json.loads(done.stdout), "printed": done.stderr}

    run("tiny_dpo", "--until", "dataset")
    with ThreadPoolExecutor(2) as pool:
        return dict(zip(RECIPES, pool.map(run, RECIPES), strict=True))


def scores(manifest: dict[str, Any]) -> Scores:
    found = {(one["role"], one["metric"]): one for one in manifest["scores"]}
    assert all(one["evidence"] == "measured" and one["n"] >= 30 for one in found.values())
    return found


def held_out(manifest: dict[str, Any]) -> list[dict[str, float]]:
    """What the trainer measured on the validation rows, before the first step, on the way, and at the end."""
    events = [json.loads(line) for line in (Path(manifest["folder"]) / "metrics.jsonl").open()]
    return [event["metrics"] for event in events if event["event"] == "eval"]


@pytest.mark.parametrize("name", RECIPES)
def test_it_ends_in_the_model_registry_with_curves(manifests: dict[str, Any], home: Path, name: str):
    manifest = manifests[name]
    assert manifest["state"] == "finished" and manifest["training"]["evidence"] == "measured"
    before, *_, after = held_out(manifest)
    assert after["eval_loss"] < 0.8 * before["eval_loss"]
    memory = manifest["training"]["memory"]
    assert memory["estimated_gb"] == pytest.approx(memory["peak_gb"], rel=0.3)
    assert checkpoint.lacks(Path(manifest["model"]["path"])) is None
    kept = registry.load("model_registry", "mlflow")
    models = kept(kept.Config(uri=f"sqlite:///{next(home.rglob('*.db'))}"))
    version = models.get(name, "latest")
    assert version is not None and version.lineage["dataset_sha256"] == manifest["dataset"]["sha256"]
    run_id = models.client.get_model_version(name, version.version).run_id
    assert len(models.client.get_metric_history(run_id, "loss")) >= manifest["training"]["steps"] - 1
    for said in ("verified traces: 80 of 134", "epoch ", "loss ", "score pair_accuracy of trained"):
        assert said in manifest["printed"], said


def test_no_prompt_of_the_test_rows_was_trained_on(manifests: dict[str, Any]):
    folder = Path(manifests["tiny_dpo"]["folder"]) / "dataset"
    train, test = (
        {json.loads(line)["prompt"] for line in (folder / f"{split}.jsonl").open()} for split in ("train", "test")
    )
    assert train and test and not train & test


@pytest.mark.parametrize("name", ["tiny_dpo", "tiny_simpo", "tiny_kto"])
def test_the_margin_of_pairs_never_seen_rises(manifests: dict[str, Any], name: str):
    """By more than twice its standard error, and on most pairs; measured on the model, not told by the trainer."""
    found = scores(manifests[name])
    margin = found["trained", "reward_margin"]
    assert margin["value"] > 2 * margin["stderr"] > 0
    assert found["trained", "reward_accuracy"]["value"] > 0.5
    accuracy = found["trained", "pair_accuracy"]
    assert accuracy["value"] - 2 * accuracy["stderr"] > 0.5


def test_orpo_prefers_the_better_reply_per_token(manifests: dict[str, Any]):
    """Its odds are of tokens, not of whole replies, which all become likelier as it fine-tunes."""
    before, *_, after = held_out(manifests["tiny_orpo"])
    assert after["eval_log_odds_chosen"] > before["eval_log_odds_chosen"] + 0.1
    accuracy = scores(manifests["tiny_orpo"])["trained", "pair_accuracy"]
    assert accuracy["value"] - 2 * accuracy["stderr"] > 0.5


def test_a_reward_model_tells_better_from_worse(manifests: dict[str, Any]):
    found = scores(manifests["tiny_reward_model"])
    before, after = found["base", "margin"], found["trained", "margin"]
    assert after["value"] - 2 * after["stderr"] > before["value"] + 2 * before["stderr"]
    accuracy = found["trained", "pair_accuracy"]
    assert accuracy["value"] - 2 * accuracy["stderr"] > 0.5
