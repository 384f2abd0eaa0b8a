"""An example as whole conversations, each as long as a row may be."""

from collections.abc import Iterator
from typing import Any, Literal, NamedTuple

from bashgym.records import Drop, Example
from bashgym.rows import turns
from bashgym.rows.settings import RowConfig
from bashgym.rows.turns import Message, Unit


class ConversationConfig(RowConfig):
    """Rows that are conversations."""

    overflow: Literal["split", "cut"] = "split"
    """A context window longer than a row: `split` into rows that each repeat the last request, or `cut`."""


class Conversation(NamedTuple):
    """One row: its messages say in `train` what is learnt; `keys` are of the replies, one a message."""

    id: str
    messages: list[Message]
    tools: list[dict[str, Any]]
    keys: list[str]
    meta: dict[str, Any]


def rows(example: Example, config: ConversationConfig) -> Iterator[Conversation | Drop]:
    """The example in rows that fit, and what had to be left out; of a reply that was not good, none."""
    if example.label is False:
        yield turns.NOT_GOOD
        return
    tools = turns.fitted_tools(example, config)
    if len(tools) < len(example.tools):
        yield Drop(reason="uncalled tool left out for room", n=len(example.tools) - len(tools))
    found = list(pieces(turns.units(example, config), config.room - turns.size(tools), config.overflow))
    yield from (piece for piece in found if isinstance(piece, Drop))
    kept = [piece for piece in found if not isinstance(piece, Drop)]
    for number, units in enumerate(kept):
        yield Conversation(
            f"{example.id}.{number}" if len(kept) > 1 else example.id,
            [message for unit in units for message in unit.messages],
            tools,
            [key for unit in units for key in unit.keys],
            turns.meta(example, [step for unit in units for step in unit.steps]),
        )


def pieces(found: list[Unit], budget: float, overflow: str) -> Iterator[list[Unit] | Drop]:
    """Lists of turns that fit `budget` characters and hold a reply to learn from."""
    units = list(found)
    system = [units.pop(0)] if units and units[0].messages[0]["role"] == "system" else []
    current = list(system)
    request: Unit | None = None
    for number, whole in enumerate(units):
        unit = turns.fitted(whole, budget)
        if unit is not whole:
            yield Drop(reason="middle of a long text")
        if turns.weight(current) + unit.size > budget:
            if teaches(current):
                yield current
            if teaches(current) and overflow == "cut":
                yield Drop(reason="turn beyond the sequence length", n=len(units) - number)
                return
            current = [*system, request] if request and not unit.asks else list(system)
            if turns.weight(current) + unit.size > budget:
                current = list(system)
        if unit.size > budget:
            yield Drop(reason="turn longer than the sequence length")
            continue
        current.append(unit)
        request = unit if unit.asks else request
    if teaches(current):
        yield current


def teaches(units: list[Unit]) -> bool:
    """Whether there is a reply to learn from."""
    return any(unit.teaches for unit in units)
