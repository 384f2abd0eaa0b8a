"""ShareGPT: turns of {from, value}, calls as tagged JSON, the way of Hermes."""

from collections.abc import Iterable
from typing import Any

from bashgym.records import Drop, Example, Row
from bashgym.rows import conversations, spoken

FROM = {"user": "human", "assistant": "gpt", "tool": "tool", "system": "system"}


class Format:
    schema = "sharegpt"

    class Config(conversations.ConversationConfig):
        pass

    def __init__(self, config: Config) -> None:
        self.config = config

    def stanza(self) -> dict[str, Any]:
        """Axolotl's `datasets:` entry: chat_template over {from, value}, with a mask per turn."""
        return {
            "ds_type": "json",
            "type": "chat_template",
            "field_messages": "conversations",
            "message_property_mappings": {"role": "from", "content": "value"},
            "message_field_training": "train",
            "roles_to_train": ["assistant"],
            "train_on_eos": "turn",
        }

    def render(self, example: Example) -> Iterable[Row | Drop]:
        """Rows of {id, conversations, meta}; the tools stand in the system's words."""
        for made in conversations.rows(example, self.config):
            if isinstance(made, Drop):
                yield made
                continue
            system, rest = spoken.split(made.messages)
            text = spoken.opening(system, made.tools)
            first = [{"from": "system", "value": text, "train": False}] if text else []
            said = [{"from": FROM[one["role"]], "value": value(one), "train": one["train"]} for one in rest]
            yield Row(
                id=made.id, data={"id": made.id, "conversations": first + said, "meta": made.meta}, keys=made.keys
            )


def value(message: dict[str, Any]) -> str:
    """What a turn says; a result without tags, as templates that know the role put them on."""
    return str(message["content"]) if message["role"] == "tool" else spoken.words(message)
