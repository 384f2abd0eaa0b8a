"""1 for an answer of at most so many characters, falling to 0 where it is too long; against rambling."""

from typing import Any

from pydantic import Field, model_validator

from bashgym import config


class Reward:
    class Config(config.Config):
        weight: float = Field(default=0.1, ge=0)
        """How much it counts in the sum of all rewards; all that verify nothing must stay below those that do."""
        full: int = Field(default=2000, ge=0)
        """Characters up to which the answer gets 1."""
        none: int = Field(default=8000, ge=1)
        """Characters from which on it gets 0; between the two it falls in a straight line."""

        @model_validator(mode="after")
        def falling(self) -> "Reward.Config":
            if self.none <= self.full:
                raise ValueError(f"none {self.none} must be more than full {self.full}")
            return self

    def __init__(self, config: Config) -> None:
        self.config = config

    def score(self, completion: str, row: dict[str, Any]) -> float:
        """An empty answer gets 0: nothing said is not said briefly."""
        size = len(completion.strip())
        if not size:
            return 0.0
        return min(1.0, max(0.0, (self.config.none - size) / (self.config.none - self.config.full)))
