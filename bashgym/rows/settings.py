"""Settings that several formats have in common."""

from typing import Literal

from pydantic import Field

from bashgym.config import Config


class RowConfig(Config):
    """How much of a conversation one row holds."""

    sequence_len: int = Field(2048, ge=64)
    """Tokens one row may have."""
    chars_per_token: float = Field(3.0, gt=0)
    """Characters counted as one token when rows are cut; too low only makes rows shorter than they could be."""
    max_result_chars: int = Field(4000, ge=40)
    """Characters of one tool result that are kept, half from its start and half from its end."""
    working_directory: bool = True
    """Rows open with a system message that says where the agent worked; its paths make no sense without."""
    reasoning: Literal["drop", "keep"] = "drop"
    """The model's thinking: `drop` it, or `keep` it where the session has it."""

    @property
    def room(self) -> float:
        """Characters one row may have."""
        return self.sequence_len * self.chars_per_token


class TextConfig(RowConfig):
    """Rows that are text already, as the model's chat template makes it."""

    chat_template: str = "chatml_tools"
    """How messages become text: one of our templates, or tokenizer_default (of a model in a local folder)."""
    base: str = "scratch"
    """The model whose tokenizer's template is meant by tokenizer_default."""
