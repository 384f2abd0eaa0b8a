"""`bashgym train`: the recipes that strategies name, what is passed on, what is refused."""

import json

import pytest

from bashgym import recipe
from bashgym.stages import fit
from bashgym.verbs.train import known


@pytest.mark.parametrize(("strategy", "which"), [(name, which) for name in known() for which in ("recipe", "tiny")])
def test_every_strategy_names_recipes_that_fit(strategy: str, which: str):
    made = recipe.load([f"recipe={known()[strategy][which]}"])
    fit.require(made)
    if which == "tiny":  # from data that ships, on this machine
        assert made.settings.model.base == "scratch" and made.one("training").config.device == "cpu"


def test_a_plan_by_strategy(bashgym):
    done = bashgym("train", "--strategy", "dpo", "--tiny", "training.max_steps=3", "--plan", "--json")
    assert done.returncode == 0, done.stderr
    plan = json.loads(done.stdout)
    assert plan["recipe"] == "tiny_dpo" and plan["training"]["config"]["max_steps"] == 3


def test_what_is_no_strategy(bashgym):
    done = bashgym("train", "--strategy", "dop")
    assert done.returncode == 2 and "--strategy dop: no such strategy; did you mean 'dpo'?" in done.stderr
    done = bashgym("train", "recipe=quickstart")
    assert done.returncode == 2 and "bashgym run recipe=quickstart" in done.stderr
