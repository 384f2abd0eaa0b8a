"""Searches by Optuna: each try is chosen by what the earlier ones came to."""

import itertools
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from bashgym.config import Config as BaseConfig
from bashgym.errors import MissingPackage, RecipeError
from bashgym.records import Axis, Trial


class Search:
    class Config(BaseConfig):
        objective: str = Field(default="last loss", min_length=1)
        """The figure that is looked at, as `bashgym runs compare` names it: `last loss`, `train rows`, a score."""
        direction: Literal["minimize", "maximize"] = "minimize"
        """Whether less of it is better, or more."""
        trials: int = Field(default=20, ge=1)
        """How many tries, those of earlier calls included; a larger number goes on with the same search."""
        sampler: Literal["tpe", "random", "grid"] = "tpe"
        """How values are chosen: by what came out so far (tpe), by chance, or every combination of listed values."""
        max_hours: float = Field(default=0.0, ge=0)
        """Hours all runs together may take, checked after each; 0: no limit."""
        max_usd: float = Field(default=0.0, ge=0)
        """Dollars all runs together may cost, by the highest price allowed, checked after each; 0: no limit."""
        seed: int = 42
        """Seeds the choice of values."""

    def __init__(self, config: Config) -> None:
        self.config = config

    def explore(
        self, space: Mapping[str, Axis], folder: Path, measure: Callable[[dict[str, Any]], float | None]
    ) -> Iterator[Trial]:
        """Raises MissingPackage where Optuna is not installed. A try that a kill cut off is tried again first."""
        try:
            import optuna
        except ImportError:
            raise MissingPackage("optuna", "search") from None
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        study = self.study(optuna, space, folder)
        again(optuna, study)
        most = self.config.trials
        if self.config.sampler == "grid":
            combinations = grid(space)
            most = min(most, len(combinations))
            for values in combinations:
                study.enqueue_trial(values, skip_if_exists=True)
        yield from (told(one, study) for one in ended(optuna, study))
        while len(ended(optuna, study)) < most:
            trial = study.ask()
            figure = measure({key: suggested(trial, key, axis) for key, axis in space.items()})
            if figure is None:
                study.tell(trial, state=optuna.trial.TrialState.FAIL)
            else:
                study.tell(trial, figure)
            yield told(study.trials[trial.number], study)

    def study(self, optuna: Any, space: Mapping[str, Axis], folder: Path) -> Any:
        from optuna.storages import JournalStorage
        from optuna.storages.journal import JournalFileBackend

        done = folder / "study.log"
        samplers = {
            "tpe": lambda seed: optuna.samplers.TPESampler(seed=seed),
            "random": lambda seed: optuna.samplers.RandomSampler(seed=seed),
            "grid": lambda seed: optuna.samplers.RandomSampler(seed=seed),  # what it tries is put in line below
        }
        storage = JournalStorage(JournalFileBackend(str(done)))
        study = optuna.create_study(
            study_name=folder.name, storage=storage, direction=self.config.direction, load_if_exists=True
        )
        # a sampler begins anew in every process: a seed of its own for each, so that it repeats no values
        study.sampler = samplers[self.config.sampler](self.config.seed + len(study.trials))
        return study


def again(optuna: Any, study: Any) -> None:
    """Tries that were cut off are closed, and their values put first in line."""
    for one in study.get_trials(states=(optuna.trial.TrialState.RUNNING,)):
        study.tell(one.number, state=optuna.trial.TrialState.FAIL)
        if one.params:
            study.enqueue_trial(one.params, user_attrs={"again": one.number})
            study.set_user_attr(f"cut off {one.number}", True)


def ended(optuna: Any, study: Any) -> list[Any]:
    """Tries that came to an end, failed ones too; not those that were cut off."""
    states = (optuna.trial.TrialState.COMPLETE, optuna.trial.TrialState.FAIL)
    return [one for one in study.get_trials(states=states) if f"cut off {one.number}" not in study.user_attrs]


def suggested(trial: Any, key: str, axis: Axis) -> Any:
    """The value that Optuna chooses for a key."""
    if axis.choices:
        return trial.suggest_categorical(key, list(axis.choices))
    if isinstance(axis.low, int) and isinstance(axis.high, int):
        return trial.suggest_int(key, axis.low, axis.high, log=axis.log)
    return trial.suggest_float(key, float(axis.low), float(axis.high), log=axis.log)


def grid(space: Mapping[str, Axis]) -> list[dict[str, Any]]:
    """Every combination of listed values. Raises RecipeError for a key with none."""
    for key, axis in space.items():
        if not axis.choices:
            raise RecipeError(f"{key}: sampler grid needs values to choose from; list them, or take search.sampler=tpe")
    listed = itertools.product(*(axis.choices for axis in space.values()))
    return [dict(zip(space, values, strict=True)) for values in listed]


def told(one: Any, study: Any) -> Trial:
    try:
        best = study.best_trial.number == one.number
    except ValueError:  # none has come to a figure yet
        best = False
    return Trial(number=one.number, values=dict(one.params), figure=one.value, best=best)
