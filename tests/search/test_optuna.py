"""Searches by Optuna: real studies, over a formula and over real runs of the data stages."""

import itertools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bashgym import overrides, recipe, registry
from bashgym.errors import RecipeError
from bashgym.kinds import Search
from bashgym.records import Axis, Trial

SPACE = {"x": Axis(low=-4.0, high=4.0), "n": Axis(low=1, high=8), "kind": Axis(choices=("a", "b"))}


def built(**values: Any) -> Search:
    cls = registry.load("search", "optuna")
    return cls(cls.Config(**values))


def formula(values: dict[str, Any]) -> float | None:
    """Least at x=1, n=3, kind=b."""
    return (values["x"] - 1) ** 2 + abs(values["n"] - 3) + (values["kind"] == "a")


def test_it_finds_the_minimum_and_chance_does_worse(tmp_path: Path):
    found = {}
    for sampler in ("tpe", "random"):
        (tmp_path / sampler).mkdir()
        trials = list(built(trials=40, sampler=sampler).explore(SPACE, tmp_path / sampler, formula))
        found[sampler] = min(one.figure for one in trials)
        assert [one.best for one in trials].count(True) >= 1 and isinstance(trials[0].values["n"], int)
    assert found["tpe"] < 0.5 and found["tpe"] <= found["random"]


def test_it_goes_on_where_it_was(tmp_path: Path):
    first = list(built(trials=4).explore(SPACE, tmp_path, formula))
    tried: list[dict[str, Any]] = []

    def noting(values: dict[str, Any]) -> float | None:
        tried.append(values)
        return formula(values)

    whole = list(built(trials=6).explore(SPACE, tmp_path, noting))
    assert [one.values for one in whole[:4]] == [one.values for one in first] and len(tried) == 2
    assert list(built(trials=6).explore(SPACE, tmp_path, noting)) and len(tried) == 2, "nothing is left to try"


def test_a_try_that_was_cut_off_is_tried_again(tmp_path: Path):
    tried: list[dict[str, Any]] = []

    def killed(values: dict[str, Any]) -> float | None:
        tried.append(values)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(built(trials=2).explore(SPACE, tmp_path, killed))
    trials = list(built(trials=2).explore(SPACE, tmp_path, formula))
    assert trials[0].values == tried[0] and len(trials) == 2


def test_failures_are_no_figures_and_a_grid_ends(tmp_path: Path):
    space = {"kind": Axis(choices=("a", "b")), "size": Axis(choices=("1", "2"))}

    def half(values: dict[str, Any]) -> float | None:
        return 1.0 if values["kind"] == "a" else None

    trials = list(built(trials=50, sampler="grid").explore(space, tmp_path, half))
    assert sorted((one.values["kind"], one.values["size"]) for one in trials) == [*itertools.product("ab", "12")]
    assert [one.figure for one in trials].count(None) == 2 and isinstance(trials[0], Trial)
    with pytest.raises(RecipeError, match="n: sampler grid"):
        list(built(sampler="grid").explore({"n": Axis(low=1, high=2)}, tmp_path, half))


@pytest.mark.slow
def test_a_search_over_real_runs_resumes_and_has_one_budget(bashgym: Callable, tmp_path: Path):
    """What is looked for: the threshold of gold that keeps most rows; data stages only, a few sessions."""
    import shutil

    shipped = Path(registry.__file__).resolve().parent.parent / "examples" / "projects"
    for file in sorted(shipped.glob("*/*.jsonl"))[:6]:
        (tmp_path / "sessions" / file.parent.name).mkdir(parents=True, exist_ok=True)
        shutil.copy(file, tmp_path / "sessions" / file.parent.name)
    words = ["run", "-m", "recipe=quickstart", f"source.examples.path={tmp_path / 'sessions'}", "search=optuna"]
    words += ["search.objective=train rows", "search.direction=maximize", "dataset.classes=[gold,silver,unverified]"]
    words += ["format.sequence_len=int(interval(256,2048))", "--until", "dataset"]
    done = bashgym(*words, "search.trials=2", "--json")
    assert done.returncode == 0, done.stderr
    assert len(json.loads(done.stdout)) == 2 and "best: format.sequence_len=" in done.stderr
    more = bashgym(*words, "search.trials=3", "--json")
    assert len(json.loads(more.stdout)) == 1, "the two that ran are remembered"
    stopped = bashgym(*words, "search.trials=9", "search.max_hours=0.0000001", "--json")
    assert stopped.returncode == 0 and "search.max_hours" in stopped.stderr
    wrong = bashgym(*words, "search.objective=train row", "search.trials=1")
    assert wrong.returncode == 2 and "did you mean 'train rows'" in wrong.stderr


def test_failed_tries_are_paid_for_and_all_have_one_cap(own_home: Path):
    from bashgym import searching
    from bashgym.display import Terminal
    from bashgym.errors import RunFailed
    from bashgym.rented.budget import Budget

    words = ["recipe=quickstart", "cloud=runpod", "search=optuna", "search.trials=9"]
    chosen, space = recipe.load(words), {"training.epochs": Axis(low=1, high=9)}
    tried: list[list[str]] = []
    for cap, tries in ((4.0, 3), (6.0, 4)):  # a search that is taken up knows what it has taken
        budget = Budget(limit=cap)

        def failing(argv: list[str], budget: Budget = budget) -> dict[str, Any]:
            tried.append(argv)
            budget.taken += 1.5
            raise RunFailed("no machine")

        with pytest.raises(RunFailed, match="no try came to its end"):
            searching.search(chosen, words, space, None, failing, Terminal(quiet=True), tried.append, budget)
        assert len(tried) == tries


def test_values_between_two_ends_need_a_search():
    with pytest.raises(RecipeError, match="search=optuna"):
        list(overrides.expand(["recipe=quickstart", "training.epochs=interval(1,3)"], multirun=True))
    rates = "training.learning_rate=tag(log,interval(1e-5,1e-3))"
    fixed, space = overrides.axes(["recipe=quickstart", rates, "cloud=local,runpod"])
    assert fixed == ["recipe=quickstart"] and space["cloud"].choices == ("local", "runpod")
    assert space["training.learning_rate"] == Axis(low=1e-5, high=1e-3, log=True)


def test_which_search_is_no_part_of_a_run():
    plain, searched = recipe.load(["recipe=quickstart"]), recipe.load(["recipe=quickstart", "search=optuna"])
    assert searched.lock_hash() == plain.lock_hash() and searched.all("search")
