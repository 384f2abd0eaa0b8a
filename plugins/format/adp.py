"""ADP 1.x, the Agent Data Protocol's own classes: actions and observations in one flat list."""

from collections.abc import Iterable, Iterator
from typing import Any

from bashgym.records import Drop, Example, Row
from bashgym.rows import turns, whole
from bashgym.rows.turns import Message

VERSION = "1.5.0"
SOURCES = {"user": "user", "system": "environment"}  # who says what is no action


class Format:
    schema = "adp"

    class Config(whole.WholeConfig):
        pass

    def __init__(self, config: Config) -> None:
        self.config = config

    def stanza(self) -> dict[str, Any]:
        """Empty: no trainer reads these rows; ADP's own converters make training data of them."""
        return {}

    def render(self, example: Example) -> Iterable[Row | Drop]:
        """One row, a trajectory; the tools stand in its details."""
        found = whole.messages(example, self.config)
        items = [item for at in range(len(found)) for item in self.items(found, at)]
        details = {**turns.meta(example, example.steps), "tools": example.tools}
        data = {"schema_version": VERSION, "id": example.id, "content": items, "details": details}
        yield Row(id=example.id, data=data, keys=[key for key in example.keys if key])

    def items(self, found: list[Message], at: int) -> Iterator[dict[str, Any]]:
        """What message `at` becomes. Each call and its result name each other, by an id that no other call has."""
        message = found[at]
        if message["role"] == "tool":
            return
        if message["role"] != "assistant":
            yield {"class_": "text_observation", "content": message["content"], "source": SOURCES[message["role"]]}
            return
        thought = {"reasoning_content": message["reasoning_content"]} if message.get("reasoning_content") else {}
        if not whole.calls(message):
            yield {"class_": "message_action", "content": message["content"], "description": None, **thought}
            return
        answers = {one["tool_call_id"]: one["content"] for one in whole.results(found, at)}
        for number, call in enumerate(whole.calls(message)):
            function = call["function"]
            link = {"tool_call_id": f"{call['id']}.{at}"} if call["id"] in answers else {}
            before = {"description": message["content"] or None, **thought} if number == 0 else {"description": None}
            action = {"class_": "api_action", "function": function["name"], "kwargs": function["arguments"]}
            yield {**action, **before, **link}
        for call in whole.calls(message):
            if call["id"] in answers:
                said = {"content": answers[call["id"]], "source": "environment"}
                yield {"class_": "text_observation", **said, "tool_call_id": f"{call['id']}.{at}"}
