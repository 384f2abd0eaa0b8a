"""Direct preference optimization with Axolotl: DPO, IPO, hinge, robust, or SimPO without a reference model."""

import math
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, model_validator

from bashgym.records import Dataset, Job, Model
from bashgym.training import job
from bashgym.training.settings import TrainingConfig

SMOOTHED = ("sigmoid", "robust")  # losses that know label_smoothing; robust divides by what it leaves


class Training:
    schema = "preference"

    class Config(TrainingConfig):
        loss: Literal["sigmoid", "ipo", "hinge", "robust", "simpo"] = "sigmoid"
        """sigmoid: DPO; ipo: bounded margins; hinge: SLiC; robust: some pairs are wrong; simpo: without a reference."""
        beta: float = Field(default=0.1, gt=0)
        """How closely it stays to where it started; of simpo (2 to 10 is usual) and hinge the scale of the margin."""
        label_smoothing: float = Field(default=0.0, ge=0, lt=0.5)
        """Share of pairs taken to be the wrong way round, for the losses sigmoid and robust."""
        simpo_gamma: float = Field(default=0.5, ge=0)
        """Margin by which the chosen reply should lead, for the loss simpo."""
        simpo_sft: float = Field(default=0.0, ge=0)
        """Weight of the chosen replies' own likelihood beside the loss simpo; above 0 it forgets less."""

        @model_validator(mode="after")
        def smoothing_fits_the_loss(self) -> "Training.Config":
            if self.label_smoothing and self.loss not in SMOOTHED:
                raise ValueError(f"label_smoothing is for the losses {' and '.join(SMOOTHED)}, not {self.loss}")
            if self.loss == "robust" and not self.label_smoothing:
                raise ValueError("loss robust needs label_smoothing above 0: the share of pairs that may be wrong")
            return self

    def __init__(self, config: Config) -> None:
        self.config = config

    def plan(self, dataset: Dataset, model: Model, folder: Path) -> Job:
        """Raises RecipeError, see bashgym/training/job.py."""
        alone = self.config.loss == "simpo"
        title = "SimPO" if alone else f"Direct preference optimization, loss {self.config.loss}"
        return job.plan(
            dataset, model, folder, self.config, job.Strategy(title, self.keys(dataset), reference=not alone)
        )

    def keys(self, dataset: Dataset) -> dict[str, Any]:
        beta = {"rl_beta": self.config.beta, "remove_unused_columns": False}
        if self.config.loss == "simpo":
            gamma = {"simpo_gamma": self.config.simpo_gamma, "cpo_alpha": self.config.simpo_sft}
            # its trainer takes the warmup as a number of steps only
            steps = self.config.warmup_steps or round(self.config.warmup_ratio * self.steps(dataset))
            return {"rl": "simpo", **beta, **gamma, "warmup_ratio": None, "warmup_steps": steps}
        smoothing = {"dpo_label_smoothing": self.config.label_smoothing} if self.config.label_smoothing else {}
        return {"rl": "dpo", **beta, "dpo_loss_type": [self.config.loss], **smoothing}

    def steps(self, dataset: Dataset) -> int:
        """Optimizer steps of the whole training; without rows, as before there is a dataset, a hundred."""
        if self.config.max_steps:
            return self.config.max_steps
        together = self.config.batch_size * self.config.gradient_accumulation
        return math.ceil(dataset.rows.get("train", 0) * self.config.epochs / together) or 100
