"""A search over a recipe's values: each try a run of its own, all within one budget, taken up after a kill."""

import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson

from bashgym import jsonl, paths
from bashgym.choices import Recipe
from bashgym.display import Terminal
from bashgym.errors import RecipeError, RunFailed, did_you_mean
from bashgym.records import Axis, Trial
from bashgym.rented.budget import Budget
from bashgym.runs.compared import figures_of

TOLD = "spent.json"
LIMITS = ("max_hours", "max_usd")
HOW_LONG = {"trials", *LIMITS}


def search(
    chosen: Recipe,
    fixed: Sequence[str],
    space: Mapping[str, Axis],
    until: str | None,
    run: Callable[[list[str]], dict[str, Any]],
    screen: Terminal,
    each: Callable[[dict[str, Any]], None],
    budget: Budget,
) -> None:
    """Tries values until the search's own number of tries, or the budget, is reached; says the best."""
    choice = chosen.one("search")
    settings: Any = choice.config
    if not space:
        raise RecipeError("search: nothing to look for; give a key several values, as training.epochs=1,2")
    folder = place(chosen, fixed, space, until)
    spent = Spent(folder / TOLD, settings)
    budget.taken += spent.taken("max_usd")

    def measure(values: dict[str, Any]) -> float | None:
        """The figure of one run; None where the run failed. Raises RecipeError for a figure there is none of."""
        argv = [*fixed, *(f"{key}={written(value)}" for key, value in values.items())]
        screen.say(f"try: {' '.join(argv[len(fixed) :])}")
        began, before = time.time(), budget.taken
        try:
            content = run(argv)
        except RunFailed as error:
            screen.say(f"failed: {error}")
            spent.add(f"failed {began:.3f}", (time.time() - began) / 3600, budget.taken - before)
            return None
        spent.add(content["run"], hours(content), budget.taken - before)
        each(content)
        return figure(content, settings.objective)

    best: Trial | None = None
    for trial in choice.build().explore(space, folder, measure):
        best = trial if trial.best else best
        if told := spent.all_gone() or gone(budget):
            screen.say(f"the search stops here: {told}; raise it and run again to go on")
            break
    if best is None:
        raise RunFailed(f"search: no try came to its end; see the runs: bashgym runs list ({folder})")
    values = " ".join(f"{key}={written(value)}" for key, value in best.values.items())
    screen.say(f"best: {values} with {settings.objective} {best.figure} ({folder})")


def written(value: Any) -> str:
    """A value as an override has it."""
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def place(chosen: Recipe, fixed: Sequence[str], space: Mapping[str, Axis], until: str | None) -> Path:
    """A search is the same where recipe, values and objective are; how long it may go on is no part of it."""
    settings = {key: value for key, value in chosen.one("search").values().items() if key not in HOW_LONG}
    names = sorted((key, repr(axis)) for key, axis in space.items())
    typed = sorted(text for text in fixed if not text.startswith("search."))
    key = orjson.dumps([chosen.name, typed, settings, names, until])
    folder = paths.home() / "searches" / f"{chosen.name}-{hashlib.sha256(key).hexdigest()[:12]}"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder


def figure(content: dict[str, Any], objective: str) -> float | None:
    figures = figures_of(content)
    if objective not in figures:
        raise RecipeError(f"search.objective: no figure '{objective}' of these runs{did_you_mean(objective, figures)}")
    value, _ = figures[objective]
    return None if value is None else float(value)


def budget(chosen: Recipe) -> float | None:
    """What all runs of a sweep may cost together: the limit of its cloud; None where nothing costs."""
    limits = getattr(chosen.one("cloud").config, "limits", None)
    return getattr(limits, "max_usd", None)


def gone(budget: Budget) -> str:
    """That nothing is left of a sweep's cap; empty while there is."""
    if budget.limit is None or budget.taken < budget.limit:
        return ""
    return f"cloud.limits.max_usd: ${budget.taken:.2f} (estimated) of ${budget.limit:.2f} for all runs are taken"


def hours(content: dict[str, Any]) -> float:
    return float(sum(stage.get("seconds") or 0.0 for stage in content.get("stages", []))) / 3600


def estimated_usd(content: dict[str, Any], chosen: Recipe) -> float:
    """What its machines took by their price; else, at most, its training's hours at the highest price allowed."""
    if content.get("rented") and not content.get("reused"):
        return float(content["rented"]["usd"])
    limits = getattr(chosen.one("cloud").config, "limits", None)
    hours = (content.get("training", {}).get("seconds") or 0.0) / 3600
    return 0.0 if content.get("reused") else hours * getattr(limits, "max_hourly_usd", 0.0)


class Spent:
    """What a search's runs have taken so far, failed ones too, kept in its folder; [hours, dollars] of each.

    `max_usd` and `max_hours` of 0 are no limit."""

    def __init__(self, file: Path, settings: Any) -> None:
        self.file, self.settings = file, settings
        self.runs: dict[str, list[float]] = orjson.loads(file.read_bytes()) if file.exists() else {}

    def add(self, run: str, hours: float, usd: float) -> None:
        self.runs.setdefault(run, [hours, usd])
        jsonl.replace(self.file, orjson.dumps(self.runs))

    def taken(self, key: str) -> float:
        return sum(one[LIMITS.index(key)] for one in self.runs.values())

    def all_gone(self) -> str:
        """The limit that is reached, empty while there is none."""
        for key in LIMITS:
            taken, limit = self.taken(key), getattr(self.settings, key)
            if limit and taken >= limit:
                return f"search.{key}: {taken:.3g} of {limit:g} are taken"
        return ""
