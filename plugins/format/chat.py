"""OpenAI messages and tools: what Axolotl's chat_template datasets, TRL, Unsloth and others read."""

from collections.abc import Iterable
from typing import Any

from bashgym.records import Drop, Example, Row
from bashgym.rows import conversations
from bashgym.training import stanzas


class Format:
    schema = "chat"

    class Config(conversations.ConversationConfig):
        pass

    def __init__(self, config: Config) -> None:
        self.config = config

    def stanza(self) -> dict[str, Any]:
        """Axolotl's `datasets:` entry: chat_template, with tools, and a mask per message."""
        return dict(stanzas.CHAT)

    def render(self, example: Example) -> Iterable[Row | Drop]:
        """Rows of {id, messages, tools, meta}; only assistant messages have train: true."""
        for made in conversations.rows(example, self.config):
            if isinstance(made, Drop):
                yield made
            else:
                data = {"id": made.id, "messages": made.messages, "tools": made.tools, "meta": made.meta}
                yield Row(id=made.id, data=data, keys=made.keys)
