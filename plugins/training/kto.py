"""Kahneman-Tversky optimization with Axolotl: replies that were good and replies that were not, without pairs."""

from pathlib import Path

from pydantic import Field

from bashgym.errors import RecipeError
from bashgym.records import Dataset, Job, Model
from bashgym.training import job
from bashgym.training.settings import TrainingConfig


class Training:
    schema = "feedback"

    class Config(TrainingConfig):
        beta: float = Field(default=0.1, gt=0)
        """How closely it stays to the model it started from: higher is closer."""
        good_weight: float = Field(default=1.0, gt=0)
        """Weight of replies that were good; good_weight x their number should be 1 to 4/3 of the same for bad ones."""
        bad_weight: float = Field(default=1.0, gt=0)
        """Weight of replies that were not good."""

    def __init__(self, config: Config) -> None:
        self.config = config

    def plan(self, dataset: Dataset, model: Model, folder: Path) -> Job:
        """Raises RecipeError for one row a pass, which KTO cannot learn from, and see bashgym/training/job.py."""
        if self.config.batch_size < 2:
            raise RecipeError("training.batch_size is 1: KTO compares the rows of a forward pass; set 2 or more")
        keys = {
            "rl": "kto",
            "rl_beta": self.config.beta,
            "kto_desirable_weight": self.config.good_weight,
            "kto_undesirable_weight": self.config.bad_weight,
            "remove_unused_columns": False,
        }
        strategy = job.Strategy("Kahneman-Tversky optimization", keys, reference=True)
        return job.plan(dataset, model, folder, self.config, strategy)
