"""OpenAI messages and tools: what Axolotl's chat_template datasets, TRL and others read."""

import json
from collections.abc import Iterable, Iterator
from typing import Any, Literal

from pydantic import Field

from bashgym.config import Config as BaseConfig
from bashgym.records import Drop, Example, Row

Unit = tuple[list[dict[str, Any]], list[str]]  # messages that stay together, and the reply each came from


class Format:
    schema = "chat"

    class Config(BaseConfig):
        sequence_len: int = Field(2048, ge=64)
        """Tokens one row may have."""
        chars_per_token: float = Field(3.0, gt=0)
        """Characters counted as one token when rows are cut; too low only makes rows shorter than they could be."""
        overflow: Literal["split", "cut"] = "split"
        """A context window longer than a row: `split` into rows that each repeat the last request, or `cut`."""
        max_result_chars: int = Field(4000, ge=40)
        """Characters of one tool result that are kept, half from its start and half from its end."""
        reasoning: Literal["drop", "keep"] = "drop"
        """The model's thinking: `drop` it, or `keep` it in reasoning_content where the session has it."""

    def __init__(self, config: Config) -> None:
        self.config = config

    def stanza(self) -> dict[str, Any]:
        """Axolotl's `datasets:` entry: chat_template, with tools, and a mask per message."""
        return {
            "ds_type": "json",
            "type": "chat_template",
            "field_messages": "messages",
            "field_tools": "tools",
            "message_field_training": "train",
            "roles_to_train": [],
            "train_on_eos": "turn",
            "message_property_mappings": {
                name: name for name in ("role", "content", "reasoning_content", "tool_calls", "tool_call_id", "name")
            },
        }

    def render(self, example: Example) -> Iterable[Row | Drop]:
        """Rows of {id, messages, tools}; only assistant messages have train: true."""
        budget = self.config.sequence_len * self.config.chars_per_token - size(example.tools)
        pieces = list(self.pieces(example, budget))
        rows = [piece for piece in pieces if not isinstance(piece, Drop)]
        yield from (piece for piece in pieces if isinstance(piece, Drop))
        for number, units in enumerate(rows):
            messages = [message for unit, _ in units for message in unit]
            keys = [key for _, unit in units for key in unit]
            name = f"{example.id}.{number}" if len(rows) > 1 else example.id
            yield Row(id=name, data={"id": name, "messages": messages, "tools": example.tools}, keys=keys)

    def pieces(self, example: Example, budget: float) -> Iterator[list[Unit] | Drop]:
        """Lists of turns that fit `budget` characters and hold a reply to learn from."""
        current: list[Unit] = []
        request: Unit | None = None
        used = 0.0
        for unit in self.units(example):
            cost, asked = size(unit[0]), unit[0][0]["role"] == "user"
            opening = [request] if request and not asked else []
            if used + cost > budget and any(unit[1] for unit in current):
                yield current
                if self.config.overflow == "cut":
                    yield Drop(reason="turn beyond the sequence length")
                    return
                current, used = list(opening), sum(size(one[0]) for one in opening)
            if used + cost > budget:
                yield Drop(reason="turn longer than the sequence length")
                current, used = ([], 0.0) if asked else (current, used)
                request = None if asked else request
                continue
            current.append(unit)
            used += cost
            request = unit if asked else request
        if any(key for _, keys in current for key in keys):
            yield current

    def units(self, example: Example) -> Iterator[Unit]:
        """A user's message, or a reply with the results of its calls: what is never torn apart."""
        unit: Unit = ([], [])
        for message, key in zip(example.messages, example.keys, strict=True):
            if message["role"] != "tool" and unit[0]:
                yield unit
                unit = ([], [])
            unit[0].append(self.message(message))
            unit[1].append(key)
        if unit[0]:
            yield unit

    def message(self, message: dict[str, Any]) -> dict[str, Any]:
        kept = {key: value for key, value in message.items() if key != "reasoning_content" or self.config.reasoning == "keep"}
        if message["role"] == "tool":
            kept["content"] = shortened(message["content"], self.config.max_result_chars)
        return {**kept, "train": message["role"] == "assistant"}


def shortened(text: str, limit: int) -> str:
    """The start and the end of a long text, with the number of characters left out between them."""
    if len(text) <= limit:
        return text
    half = limit // 2
    return f"{text[:half]}\n[... {len(text) - 2 * half} characters left out ...]\n{text[-half:]}"


def size(value: Any) -> int:
    """Characters of `value` as JSON, about what a chat template makes of it."""
    return len(json.dumps(value, ensure_ascii=False)) if value else 0
