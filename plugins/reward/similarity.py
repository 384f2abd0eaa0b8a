"""How near the answer is to the known good one, 0 to 1, by the lines or characters they share."""

import difflib
from typing import Any, Literal

from pydantic import Field

from bashgym import config
from bashgym.tasks.answers import blocks

LONGEST = 20_000  # characters that are compared; more would take seconds


class Reward:
    """A gradient where tests say only 0 or 1. It pays for looking right: it may only go along with a reward that
    verifies."""

    class Config(config.Config):
        weight: float = Field(default=0.2, ge=0)
        """How much it counts in the sum of all rewards; all that verify nothing must stay below those that do."""
        unit: Literal["lines", "characters"] = "characters"
        """What is compared."""
        code_only: bool = True
        """Compares the last block of code where both have one, not the words around it."""

    def __init__(self, config: Config) -> None:
        self.config = config

    def score(self, completion: str, row: dict[str, Any]) -> float:
        """0 where the row has no known answer."""
        good = row.get("answer") or ""
        if not isinstance(good, str) or not good.strip():
            return 0.0
        mine, theirs = self.compared(completion), self.compared(good)
        if not mine:
            return 0.0
        if self.config.unit == "lines":
            return difflib.SequenceMatcher(None, mine.splitlines(), theirs.splitlines(), autojunk=False).ratio()
        return difflib.SequenceMatcher(None, mine, theirs, autojunk=False).ratio()

    def compared(self, text: str) -> str:
        found = blocks(text) if self.config.code_only else []
        return (found[-1].text if found else text).strip()[:LONGEST]
