"""Reinforcement learning with verifiable rewards alone: an answer is paid for what it did when it was run."""

from collections.abc import Sequence
from pathlib import Path

from bashgym.errors import RecipeError
from bashgym.records import Dataset, Job, Model
from bashgym.training import grpo, rewards
from bashgym.training.rewards import Chosen


class Training(grpo.Rewarded):
    """Like grpo, but nothing that only looks at an answer counts; a control is let in, to be measured against."""

    def rewarded(self, chosen: Sequence[Chosen]) -> None:
        """Raises RecipeError for a reward that verifies nothing, unless it weighs nothing (and is only logged)."""
        rewards.check(chosen, "rlvr")
        for one in chosen:
            if one.weight > 0 and not one.verifies and not one.control:
                raise RecipeError(
                    f"reward.{one.label}.weight: rlvr pays only for what was verified; set it to 0 to have it logged, "
                    f"or take training=grpo"
                )
        self.chosen = tuple(chosen)

    def plan(self, dataset: Dataset, model: Model, folder: Path) -> Job:
        """Raises RecipeError, see bashgym/training/grpo.py."""
        title = "Reinforcement learning with verifiable rewards"
        if rewards.is_control(self.chosen):
            title = "Control: reinforcement learning on a reward that means nothing"
        return grpo.plan(dataset, model, folder, self.config, self.chosen, title)
