"""Supervised fine-tuning with Axolotl: the whole model, LoRA, or QLoRA in 4 bits."""

from pathlib import Path

from bashgym.records import Dataset, Job, Model
from bashgym.training import job
from bashgym.training.settings import TrainingConfig


class Training:
    schema = "chat"

    class Config(TrainingConfig):
        sample_packing: bool = False
        """Puts several short rows into one sequence: faster where rows are much shorter than sequence_len."""

    def __init__(self, config: Config) -> None:
        self.config = config

    def plan(self, dataset: Dataset, model: Model, folder: Path) -> Job:
        """Only what a row marks as the model's own words is learnt. Raises RecipeError, see bashgym/training/job.py."""
        packing = self.config.sample_packing
        keys = {"sample_packing": packing, "pad_to_sequence_len": packing}
        return job.plan(dataset, model, folder, self.config, job.Strategy("Supervised fine-tuning", keys))
