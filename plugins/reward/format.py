"""1 where the answer has the shape that was asked for (one block of code, valid Python, a pattern); else 0."""

import ast
import re
from typing import Any

from pydantic import Field, field_validator

from bashgym import config
from bashgym.tasks.answers import blocks


class Reward:
    """About the shape alone: it never says whether an answer is right, so it may only go along with one that does."""

    class Config(config.Config):
        weight: float = Field(default=0.1, ge=0)
        """How much it counts in the sum of all rewards; all that verify nothing must stay below those that do."""
        blocks: int = Field(default=1, ge=0)
        """Blocks of code the answer must have; 0: any number."""
        python: bool = True
        """Whether the last block of code (or an answer without blocks) must be valid Python."""
        pattern: str = ""
        """A regular expression that must be found in the answer, such as <think>.*</think>; empty: none."""

        @field_validator("pattern")
        @classmethod
        def valid(cls, pattern: str) -> str:
            try:
                re.compile(pattern)
            except re.error as error:
                raise ValueError(f"not a regular expression: {error}") from None
            return pattern

    def __init__(self, config: Config) -> None:
        self.config = config
        self.pattern = re.compile(config.pattern, re.DOTALL)

    def score(self, completion: str, row: dict[str, Any]) -> float:
        found = blocks(completion)
        if self.config.blocks and len(found) != self.config.blocks:
            return 0.0
        if self.config.python and not is_python(found[-1].text if found else completion):
            return 0.0
        return 1.0 if self.pattern.search(completion) else 0.0


def is_python(text: str) -> bool:
    try:
        return bool(ast.parse(text).body)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
