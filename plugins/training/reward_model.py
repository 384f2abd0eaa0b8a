"""A reward model with Axolotl: from pairs, a model that gives each reply a number (Bradley-Terry)."""

from pathlib import Path
from typing import Any

from bashgym.records import Dataset, Job, Model
from bashgym.training import job
from bashgym.training.settings import TrainingConfig

HEAD = "score"  # the layer that turns the last hidden state into the number; random at the start


class Training:
    schema = "preference"

    class Config(TrainingConfig):
        pass

    def __init__(self, config: Config) -> None:
        self.config = config

    def plan(self, dataset: Dataset, model: Model, folder: Path) -> Job:
        """The pairs are text, which none of Axolotl's own readers of such rows takes: ours does
        (bashgym/inside/row_readers/pairs.py). Raises RecipeError, see bashgym/training/job.py."""
        stanza = {"type": "row_readers.pairs"}
        return job.plan(dataset, model, folder, self.config, job.Strategy("Reward model", self.keys(), stanza))

    def keys(self) -> dict[str, Any]:
        keys: dict[str, Any] = {
            "reward_model": True,
            "model_type": "AutoModelForSequenceClassification",
            "num_labels": 1,
            "remove_unused_columns": False,
        }
        # an adapter alone would leave the head at random weights, and not save them
        return keys if self.config.method == "full" else {**keys, "lora_modules_to_save": [HEAD]}
