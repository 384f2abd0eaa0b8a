"""Odds ratio preference optimization with Axolotl: fine-tuning and preferences in one, without a reference model."""

from pathlib import Path

from pydantic import Field

from bashgym.records import Dataset, Job, Model
from bashgym.training import job
from bashgym.training.settings import TrainingConfig


class Training:
    schema = "preference"

    class Config(TrainingConfig):
        alpha: float = Field(default=0.1, gt=0)
        """Weight of the preference beside the likelihood of the chosen reply (lambda in the paper)."""

    def __init__(self, config: Config) -> None:
        self.config = config

    def plan(self, dataset: Dataset, model: Model, folder: Path) -> Job:
        """Raises RecipeError, see bashgym/training/job.py."""
        keys = {"rl": "orpo", "orpo_alpha": self.config.alpha, "remove_unused_columns": False}
        strategy = job.Strategy("Odds ratio preference optimization", keys)
        return job.plan(dataset, model, folder, self.config, strategy)
