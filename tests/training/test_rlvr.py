"""Reinforcement learning with verifiable rewards alone."""

import importlib.util
import sys
from pathlib import Path
from typing import Any

import pytest

from bashgym import recipe
from bashgym.errors import RecipeError
from bashgym.stages.context import spec
from bashgym.training.rewards import Chosen

_spec = importlib.util.spec_from_file_location("rl_recipe", Path(__file__).with_name("rl_recipe.py"))
assert _spec and _spec.loader
rl_recipe: Any = importlib.util.module_from_spec(_spec)
sys.modules["rl_recipe"] = rl_recipe
_spec.loader.exec_module(rl_recipe)


def handed(*words: str) -> Any:
    made = recipe.load(["recipe=tiny_rlvr", *words])
    training = made.one("training").build()
    training.rewarded([Chosen(spec(one), one.build()) for one in made.all("reward")])
    return training


def test_only_what_was_verified_is_paid():
    with pytest.raises(RecipeError, match=r"^reward.format.weight: rlvr pays only for what was verified"):
        handed("reward=[unit_tests,format]")
    assert len(handed("reward=[unit_tests,format]", "reward.format.weight=0").chosen) == 2
    assert handed("reward=[spurious]").chosen[0].control


@pytest.mark.training
@pytest.mark.timeout(900)
@pytest.mark.xdist_group("training")
def test_it_learns(training_python: Path, tmp_path: Path):
    manifest = rl_recipe.finished(tmp_path, "recipe=tiny_rlvr")
    rl_recipe.learnt(tmp_path, manifest, ["unit_tests"])
