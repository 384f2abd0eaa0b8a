"""OpenAI messages and tools: what Axolotl's chat_template datasets, TRL and others read."""

import json
from collections.abc import Iterable, Iterator
from typing import Any, Literal, NamedTuple

from pydantic import Field

from bashgym import axolotl
from bashgym.config import Config as BaseConfig
from bashgym.records import Drop, Example, Row

SHARE = 0.5  # of a row, for one request or one reply's results: the other half is for what comes of them
MARK = 60  # characters of the words that stand for what was left out


class Unit(NamedTuple):
    """Messages that stay together, the reply each came from, and their characters."""

    messages: list[dict[str, Any]]
    keys: list[str]
    size: int

    @property
    def asks(self) -> bool:
        return bool(self.messages[0]["role"] == "user")


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
        working_directory: bool = True
        """Rows open with a system message that says where the agent worked; its paths make no sense without."""
        reasoning: Literal["drop", "keep"] = "drop"
        """The model's thinking: `drop` it, or `keep` it in reasoning_content where the session has it."""

    def __init__(self, config: Config) -> None:
        self.config = config

    def stanza(self) -> dict[str, Any]:
        """Axolotl's `datasets:` entry: chat_template, with tools, and a mask per message."""
        return dict(axolotl.CHAT)

    def render(self, example: Example) -> Iterable[Row | Drop]:
        """Rows of {id, messages, tools}; only assistant messages have train: true."""
        budget = self.config.sequence_len * self.config.chars_per_token - size(example.tools)
        pieces = list(self.pieces(example, budget))
        rows = [piece for piece in pieces if not isinstance(piece, Drop)]
        yield from (piece for piece in pieces if isinstance(piece, Drop))
        for number, units in enumerate(rows):
            messages = [message for unit in units for message in unit.messages]
            keys = [key for unit in units for key in unit.keys]
            name = f"{example.id}.{number}" if len(rows) > 1 else example.id
            yield Row(id=name, data={"id": name, "messages": messages, "tools": example.tools}, keys=keys)

    def pieces(self, example: Example, budget: float) -> Iterator[list[Unit] | Drop]:
        """Lists of turns that fit `budget` characters and hold a reply to learn from."""
        units = list(self.units(example))
        system = [units.pop(0)] if units and units[0].messages[0]["role"] == "system" else []
        if not self.config.working_directory:
            system = []
        current = list(system)
        request: Unit | None = None
        for number, whole in enumerate(units):
            unit = fitted(whole, budget)
            if unit is not whole:
                yield Drop(reason="middle of a long text")
            if weight(current) + unit.size > budget:
                if teaches(current):
                    yield current
                if teaches(current) and self.config.overflow == "cut":
                    yield Drop(reason="turn beyond the sequence length", n=len(units) - number)
                    return
                current = [*system, request] if request and not unit.asks else list(system)
                if weight(current) + unit.size > budget:
                    current = list(system)
            if unit.size > budget:
                yield Drop(reason="turn longer than the sequence length")
                continue
            current.append(unit)
            request = unit if unit.asks else request
        if teaches(current):
            yield current

    def units(self, example: Example) -> Iterator[Unit]:
        """A user's message, or a reply with the results of its calls: what is never torn apart."""
        starts = [n for n, message in enumerate(example.messages) if message["role"] != "tool" or n == 0]
        for start, end in zip(starts, [*starts[1:], len(example.messages)], strict=True):
            messages = [self.message(message) for message in example.messages[start:end]]
            yield Unit(messages, example.keys[start:end], sum(map(size, messages)))

    def message(self, message: dict[str, Any]) -> dict[str, Any]:
        kept = {
            key: value
            for key, value in message.items()
            if key != "reasoning_content" or self.config.reasoning == "keep"
        }
        if message["role"] == "tool":
            kept["content"] = shortened(message["content"], self.config.max_result_chars)
        return {**kept, "train": message["role"] == "assistant"}


def fitted(unit: Unit, budget: float) -> Unit:
    """The unit, with what is only read (a request, tool results) shortened where it alone would fill a row."""
    spare = SHARE * budget - unit.size
    texts = [message["content"] for message in unit.messages if not message["train"]]
    if spare >= 0 or not texts:
        return unit
    room = spare + sum(map(size, texts))  # for all texts together, once everything else is in
    limit = int(room / len(texts)) - MARK
    if limit < MARK:
        return unit
    messages = [
        message if message["train"] else {**message, "content": shortened(message["content"], limit)}
        for message in unit.messages
    ]
    return Unit(messages, unit.keys, sum(map(size, messages)))


def weight(units: list[Unit]) -> int:
    return sum(unit.size for unit in units)


def teaches(units: list[Unit]) -> bool:
    """Whether there is a reply to learn from."""
    return any(key for unit in units for key in unit.keys)


def shortened(text: str, limit: int) -> str:
    """The start and the end of a long text, with the number of characters left out between them."""
    if len(text) <= limit:
        return text
    half = limit // 2
    return f"{text[:half]}\n[... {len(text) - 2 * half} characters left out ...]\n{text[-half:]}"


def size(value: Any) -> int:
    """Characters of `value` as JSON, about what a chat template makes of it."""
    return len(json.dumps(value, ensure_ascii=False)) if value else 0
