"""Examples as they are, one row a context window, nothing cut to a model's length: for archives, viewers, exchange."""

from typing import Any, Literal

from pydantic import Field

from bashgym.config import Config
from bashgym.records import Example
from bashgym.rows.turns import Message, shortened


class WholeConfig(Config):
    """What of a context window is kept."""

    max_result_chars: int = Field(0, ge=0)
    """Characters of one tool result that are kept, half from its start and half from its end; 0: all."""
    reasoning: Literal["drop", "keep"] = "keep"
    """The model's thinking: `keep` it where the session has it, or `drop` it."""


def messages(example: Example, config: WholeConfig) -> list[Message]:
    """The example's messages without marks for training."""
    return [prepared(message, config) for message in example.messages]


def prepared(message: Message, config: WholeConfig) -> Message:
    made = {key: value for key, value in message.items() if key != "train"}
    if config.reasoning == "drop":
        made.pop("reasoning_content", None)
    if message["role"] == "tool" and config.max_result_chars:
        made["content"] = shortened(message["content"], config.max_result_chars)
    return made


def results(found: list[Message], at: int) -> list[Message]:
    """The results of the calls of message `at`: the tool messages right after it."""
    end = at + 1
    while end < len(found) and found[end]["role"] == "tool":
        end += 1
    return found[at + 1 : end]


def calls(message: Message) -> list[dict[str, Any]]:
    return message.get("tool_calls") or []
