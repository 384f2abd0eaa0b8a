"""A sweep: every combination of a recipe's values, or a search among them, one run after the other, within one cap."""

from collections.abc import Callable, Sequence
from typing import Any

from bashgym import overrides, recipe, searching
from bashgym.display import Terminal
from bashgym.errors import RecipeError
from bashgym.records import Axis
from bashgym.rented.budget import Budget
from bashgym.run import run_recipe


def sweep(
    argv: Sequence[str], fresh: bool, until: str | None, screen: Terminal, each: Callable[[dict[str, Any]], None]
) -> None:
    """Runs them all; `each` gets the manifest of every run that came to its end. Its user is asked once for the cap of
    all, cloud.limits.max_usd. Raises RecipeError when that is taken."""
    fixed, space = overrides.axes(argv)
    chosen = recipe.load([*fixed, *first_of(space)])
    budget = Budget()

    def run(one: list[str]) -> dict[str, Any]:
        made = recipe.load(one)
        budget.limit = searching.budget(made)
        if gone := searching.gone(budget):
            raise RecipeError(f"{gone}; raise it and run again: finished runs are not done again")
        before = budget.taken
        content = run_recipe(one, fresh, until, screen, budget)
        if budget.taken == before:  # a cloud that keeps no account of its own
            budget.taken += searching.estimated_usd(content, made)
        return content

    if chosen.all("search"):
        searching.search(chosen, fixed, space, until, run, screen, each, budget)
        return
    combinations = list(overrides.expand(argv, multirun=True))
    for number, one in enumerate(combinations, 1):
        screen.say(f"run {number} of {len(combinations)}: {' '.join(one)}")
        each(run(one))


def first_of(space: dict[str, Axis]) -> list[str]:
    """One value of every key, to check a sweep by before it begins."""
    return [f"{key}={axis.choices[0] if axis.choices else axis.low}" for key, axis in space.items()]
