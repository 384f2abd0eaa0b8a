"""Messages as turns: marked as learnt or only read, shortened, cut at whole turns to what a row can hold."""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from bashgym import tools
from bashgym.records import Drop, Example
from bashgym.rows.settings import RowConfig

Message = dict[str, Any]

SHARE = 0.5  # of a row, for one request or one reply's results: the other half is for what comes of them
TOOLS_SHARE = 1 / 3  # of a row, for the definitions of tools: a client's own are longer than many a model can see
NOT_GOOD = Drop(reason="example of a reply that was not good")  # which only formats of feedback have a use for
# a word that a cut has left half of; what is longer than a path is no word and is cut where it is
BROKEN_END, BROKEN_START = re.compile(r"\s\S{1,200}$"), re.compile(r"\S{1,200}(?=\s)")
MARK = 60  # characters of the words that stand for what was left out


class Unit(NamedTuple):
    """Messages that stay together, for each the reply and the step it came from, and their characters."""

    messages: list[Message]
    keys: list[str]
    steps: list[int]
    size: int
    at: int = 0  # where it begins among the example's messages

    @property
    def asks(self) -> bool:
        return bool(self.messages[0]["role"] == "user")

    @property
    def teaches(self) -> bool:
        """Whether there is a reply in it that was meant to be learnt; one that another session teaches counts."""
        return any(self.keys) or any(message["train"] for message in self.messages)


def units(example: Example, config: RowConfig) -> list[Unit]:
    """Each a user's message, or a reply with the results of its calls: what is never torn apart.

    Every message says in `train` whether it is learnt."""
    messages = [prepared(message, number, example.given, config) for number, message in enumerate(example.messages)]
    keys = list(example.keys or [""] * len(messages))
    steps = list(example.steps or [0] * len(messages))
    keys[: example.given] = [""] * min(example.given, len(keys))
    found = [
        Unit(messages[start:end], keys[start:end], steps[start:end], sum(map(size, messages[start:end])), start)
        for start, end in bounds(example.messages)
    ]
    drop_system = not config.working_directory and found and found[0].messages[0]["role"] == "system"
    return found[1:] if drop_system else found


def bounds(messages: Sequence[Message]) -> Iterator[tuple[int, int]]:
    """Where units begin and end."""
    starts = [number for number, message in enumerate(messages) if message["role"] != "tool" or number == 0]
    return zip(starts, [*starts[1:], len(messages)], strict=True)


def prepared(message: Message, number: int, given: int, config: RowConfig) -> Message:
    """A message as it is written: long results shortened, thinking as the settings say, marked."""
    made = {key: value for key, value in message.items() if key != "reasoning_content" or config.reasoning == "keep"}
    if message["role"] == "tool":
        made["content"] = shortened(message["content"], config.max_result_chars)
    learnt = message["role"] == "assistant" and number >= given and message.get("train", True)
    return {**made, "train": learnt}


def fitted_tools(example: Example, config: RowConfig) -> list[dict[str, Any]]:
    """The example's tools, shortened to their share of a row; what the example calls is never left out."""
    called = {call["function"]["name"] for message in talk(example) for call in message.get("tool_calls", [])}
    return tools.fitted(example.tools, called, int(TOOLS_SHARE * config.room))


def talk(example: Example) -> Iterable[Message]:
    """All messages of an example, the rejected ones too."""
    return [*example.messages, *example.rejected]


def fitted(unit: Unit, budget: float) -> Unit:
    """The unit, with what is only read (a request, tool results) shortened where it alone would fill a row."""
    spare = SHARE * budget - unit.size
    texts = [message["content"] for message in unit.messages if message["role"] != "assistant"]
    if spare >= 0 or not texts:
        return unit
    room = spare + sum(map(size, texts))  # for all texts together, once everything else is in
    limit = int(room / len(texts)) - MARK
    if limit < MARK:
        return unit
    messages = [
        message if message["role"] == "assistant" else {**message, "content": shortened(message["content"], limit)}
        for message in unit.messages
    ]
    return unit._replace(messages=messages, size=sum(map(size, messages)))


def recent(found: Sequence[Unit], budget: float) -> list[Unit]:
    """What is left of a prompt in `budget` characters: the system's words, the newest turns, and the request that
    they are about."""
    system = [fitted(found[0], budget)] if found and found[0].messages[0]["role"] == "system" else []
    room, newest, at = budget - weight(system), list[Unit](), len(found)
    while at > len(system):
        unit = fitted(found[at - 1], budget)
        if unit.size > room:
            break
        newest.insert(0, unit)
        room, at = room - unit.size, at - 1
    asked = next((found[n] for n in range(at - 1, len(system) - 1, -1) if found[n].asks), None)
    if asked is None or not newest or newest[0].asks:
        return [*system, *newest]
    request = fitted(asked, budget)
    while len(newest) > 1 and request.size > room:
        room += newest.pop(0).size
    return [*system, request, *newest] if request.size <= room else [*system, *newest]


def weight(found: Iterable[Unit]) -> int:
    return sum(unit.size for unit in found)


def shortened(text: str, limit: int) -> str:
    """The start and the end of a long text, with the number of characters left out between them.

    Cut between words where one ends near: half of `/home/runner` is another user's home to the leak gate."""
    if len(text) <= limit:
        return text
    half = limit // 2
    head, tail = text[:half], text[len(text) - half :]
    if not text[half].isspace() and (broken := BROKEN_END.search(head)):
        head = head[: broken.start()]
    if not text[-half - 1].isspace() and (broken := BROKEN_START.match(tail)):
        tail = tail[broken.end() :]
    return f"{head}\n[... {len(text) - len(head) - len(tail)} characters left out ...]\n{tail}"


def size(value: Any) -> int:
    """Characters of `value` as JSON, about what a chat template makes of it."""
    return len(json.dumps(value, ensure_ascii=False)) if value else 0


def plain(message: Message) -> Message:
    """A message as others know it: without our mark."""
    return {key: value for key, value in message.items() if key != "train"}


def meta(example: Example, steps: Sequence[int]) -> dict[str, Any]:
    """Where a row came from, down to the step (0: from none)."""
    return {
        "session": example.session,
        "window": example.window,
        "origin": example.origin,
        "steps": list(steps),
        **example.meta,
    }
