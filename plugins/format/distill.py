"""Conversations in which only a teacher's answers are learnt: for distillation, by its words (SFT) or GKD."""

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
        """Rows of {id, messages, tools, teacher, meta}, of examples whose meta names the teacher."""
        teacher = example.meta.get("teacher")
        if not isinstance(teacher, str) or not teacher:
            yield Drop(reason="example without a teacher's answer")
            return
        for made in conversations.rows(example, self.config):
            if isinstance(made, Drop):
                yield made
            else:
                data = {"id": made.id, "messages": made.messages, "tools": made.tools, "teacher": teacher}
                yield Row(id=made.id, data={**data, "meta": made.meta}, keys=made.keys)
