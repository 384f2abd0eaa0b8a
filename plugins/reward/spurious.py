"""A coin, thrown anew for every answer: the control that shows whether a curve rises by itself."""

import random
from typing import Any

from pydantic import Field

from bashgym import config


class Reward:
    """What is trained on it must not get better at the tasks; where it does, the gain of other rewards is not theirs
    either. It can only be the one reward of a run, and such a run says so of itself."""

    control = True
    repeatable = False  # the same answer gets another coin

    class Config(config.Config):
        weight: float = Field(default=1.0, ge=0)
        """How much it counts; alone, any number is the same."""
        share: float = Field(default=0.5, gt=0, lt=1)
        """How often it pays 1."""
        seed: int = 42
        """Seeds the coin."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.coin = random.Random(config.seed)

    def score(self, completion: str, row: dict[str, Any]) -> float:
        return float(self.coin.random() < self.config.share)
