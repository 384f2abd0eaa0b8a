"""What every stage of a run may use."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, TypeVar

from bashgym.choices import Choice, Recipe
from bashgym.manifest import Manifest
from bashgym.records import PluginSpec
from bashgym.rented.budget import Budget
from bashgym.store import Store

T = TypeVar("T")


class Screen(Protocol):
    """Where a run tells its user what it does."""

    def say(self, line: str) -> None: ...

    def step(self, line: str) -> None:
        """A line of an installation, of which there are many."""

    def progress(self, title: str, items: Iterable[T], total: int) -> Iterator[T]:
        """`items`, with a bar that moves."""

    def training(self, event: dict[str, Any]) -> None:
        """One line of the training's metrics."""

    def answers(self) -> bool:
        """Whether somebody will answer a question: a person, or what was typed beforehand."""

    def agrees(self, question: str) -> bool:
        """The answer; no, where nobody answers."""

    def close(self) -> None:
        """Takes away what moves."""


@dataclass
class Told:
    """What the stages tell of single traces and sessions, for the run's lock file."""

    dropped: dict[str, str] = field(default_factory=dict)  # trace -> why the curators left it out
    rows: Counter[str] = field(default_factory=Counter)  # trace -> rows of the dataset
    drops: dict[str, dict[str, int]] = field(default_factory=dict)  # key of a session -> what its rows lack, by reason


@dataclass
class Run:
    """One run: its recipe, its folder, what it has noted so far."""

    recipe: Recipe
    folder: Path
    manifest: Manifest
    store: Store
    screen: Screen
    built: dict[str, Any] = field(default_factory=dict)
    told: Told = field(default_factory=Told)
    budget: Budget | None = None  # where several runs share one cap

    def plugin(self, choice: Choice) -> Any:
        """The plugin of a choice, built once."""
        if choice.key not in self.built:
            self.built[choice.key] = choice.build()
        return self.built[choice.key]

    def plugins(self, kind: str) -> list[tuple[str, Any]]:
        """(label, plugin) of a kind, in the order of the recipe."""
        return [(choice.label, self.plugin(choice)) for choice in self.recipe.all(kind)]


def carry_out(run: Run, title: str, function: Callable[[Any], Any], tasks: Sequence[Any]) -> None:
    """`function` of every task by the run's executor; one alone (the canaries, where nothing changed) right here."""
    if len(tasks) == 1:
        function(tasks[0])
    elif tasks:
        executor = run.plugin(run.recipe.one("executor"))
        for _ in run.screen.progress(title, executor.map(function, tasks), len(tasks)):
            pass


def spec(choice: Choice) -> PluginSpec:
    """A choice as plain data for a worker."""
    plugin = choice.plugin
    return PluginSpec(
        kind=choice.kind,
        name=plugin.name,
        path=str(plugin.path),
        origin=plugin.origin,
        sha256=plugin.sha256,
        where=choice.key,
        config=choice.values(),
    )
