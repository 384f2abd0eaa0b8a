"""Group-relative policy optimization on weighted rewards, of which at least one verifies answers by running them."""

from collections.abc import Sequence
from pathlib import Path

from bashgym.records import Dataset, Job, Model
from bashgym.training import grpo, rewards
from bashgym.training.rewards import Chosen


class Training(grpo.Rewarded):
    def rewarded(self, chosen: Sequence[Chosen]) -> None:
        """The rewards of the recipe. Raises RecipeError where they cannot be trusted together."""
        rewards.check(chosen, "grpo")
        self.chosen = tuple(chosen)

    def plan(self, dataset: Dataset, model: Model, folder: Path) -> Job:
        """Raises RecipeError, see bashgym/training/grpo.py."""
        return grpo.plan(dataset, model, folder, self.config, self.chosen, "Group-relative policy optimization")
