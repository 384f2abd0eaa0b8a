"""Policy optimization on weighted rewards: what is refused, what is written, and that it learns."""

import importlib.util
import json
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from bashgym import paths, recipe, registry
from bashgym.errors import RecipeError
from bashgym.records import Dataset, Model
from bashgym.stages.context import spec
from bashgym.training.rewards import Chosen

_spec = importlib.util.spec_from_file_location("rl_recipe", Path(__file__).with_name("rl_recipe.py"))
assert _spec and _spec.loader
rl_recipe: Any = importlib.util.module_from_spec(_spec)
sys.modules["rl_recipe"] = rl_recipe
_spec.loader.exec_module(rl_recipe)


def chosen(*words: str) -> tuple[Any, list[Chosen]]:
    """The training plugin and the rewards that a recipe means."""
    made = recipe.load(["recipe=tiny_grpo", *words])
    return made.one("training").build(), [Chosen(spec(one), one.build()) for one in made.all("reward")]


def planned(folder: Path, *words: str) -> dict[str, Any]:
    training, rewards = chosen(*words)
    training.rewarded(rewards)
    (folder / "dataset").mkdir(exist_ok=True)
    row = {"id": "1", "prompt": "p", "kind": "task", "answer": "a", "verifier": "{}", "meta": {}}
    (folder / "dataset" / "train.jsonl").write_text(json.dumps(row) + "\n")
    made = registry.load("format", "grpo")
    stanza = made(made.Config(sequence_len=128)).stanza()
    dataset = Dataset(folder=str(folder / "dataset"), sha256="", rows={"train": 1}, stanza=stanza, schema="prompts")
    job = training.plan(dataset, Model(base="a/b", chat_template="chatml_tools", sequence_len=128), folder)
    assert yaml.safe_load((folder / "axolotl.yaml").read_text()) == job.config
    return dict(job.config)


def test_what_is_written(tmp_path: Path):
    config = planned(tmp_path)
    assert config["rl"] == "grpo" and config["datasets"][0]["type"] == "rewards.rows"
    assert config["trl"]["reward_funcs"] == ["rewards.unit_tests", "rewards.format", "rewards.length"]
    assert config["trl"]["reward_weights"] == [1.0, 0.1, 0.1]
    inside = tmp_path / paths.INSIDE
    order = json.loads((inside / "rewards.json").read_text())
    assert [one["label"] for one in order["rewards"]] == ["unit_tests", "format", "length"]
    assert order["selftest"]["rewards"] == ["unit_tests"] and order["selftest"]["machine"] == ""
    assert all((inside / one["file"]).is_file() for one in order["rewards"])
    for room in ("tasks/verify.py", "tasks/guard.py", "sandbox/probe.py", "config.py", "errors.py"):
        assert (inside / "bashgym" / room).is_file()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["reward=[]"], "needs rewards"),
        (["reward=[format]"], "none of them verifies"),
        (["reward=[unit_tests,spurious]"], "a control must be the only reward"),
        (["reward.format.weight=0.95"], "verifies weighs 1 and all that does not 1.05"),
    ],
)
def test_rewards_that_cannot_be_trusted_together(words: list[str], said: str):
    if words == ["reward=[unit_tests,spurious]"] or words[0].startswith("reward=["):
        words = ["recipe=tiny_rlvr", "training=grpo", *words]
        made = recipe.load(words)
        training, rewards = made.one("training").build(), [Chosen(spec(one), one.build()) for one in made.all("reward")]
    else:
        training, rewards = chosen(*words)
    with pytest.raises(RecipeError, match=said):
        training.rewarded(rewards)


def test_settings_that_cannot_be(tmp_path: Path):
    with pytest.raises(RecipeError, match=r"must be a multiple of num_generations \(7\)"):
        planned(tmp_path, "training.num_generations=7")
    with pytest.raises(RecipeError, match=r"max_completion_length: 128 tokens of answer leave no room"):
        planned(tmp_path, "training.max_completion_length=128")


def test_a_reward_that_believes_exit_codes_is_refused(tmp_path: Path):
    """By the self-test, on this very task set, before a model is made."""
    some = (paths.shipped("examples") / "tasks" / "arithmetic.jsonl").read_text().splitlines(keepends=True)[:4]
    (tmp_path / "tasks.jsonl").write_text("".join(some))
    settings = ("training.selftest_tasks=1", f"run_dir={tmp_path}/run", f"source.tasks.path={tmp_path}/tasks.jsonl")
    words = ("run", "recipe=tiny_rlvr", "reward=[exit_code]", *settings)
    done = rl_recipe.bashgym(tmp_path, *words)
    assert done.returncode == 2
    last = done.stderr.strip().splitlines()[-1]
    assert "the self-test refuses these rewards: reward.exit_code gives 1 to an answer that cheats" in last
    assert not (tmp_path / "run" / "model").exists()


@pytest.mark.training
@pytest.mark.timeout(900)
@pytest.mark.xdist_group("training")
def test_it_learns(training_python: Path, tmp_path: Path):
    manifest = rl_recipe.finished(tmp_path, "recipe=tiny_grpo")
    rl_recipe.learnt(tmp_path, manifest, ["unit_tests", "format", "length"])
