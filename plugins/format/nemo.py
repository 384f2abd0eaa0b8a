"""NVIDIA NeMo: its chat rows, or input and output as text (Megatron-Bridge, NeMo 2); NeMo Automodel reads `chat`."""

from collections.abc import Iterable, Iterator
from typing import Any, Literal

from bashgym.records import Drop, Example, Row
from bashgym.rows import conversations, prompts, spoken, template, turns
from bashgym.rows.settings import TextConfig

FROM = {"user": "User", "tool": "User", "assistant": "Assistant"}


class Format:
    schema = "nemo"

    class Config(conversations.ConversationConfig, TextConfig):
        layout: Literal["chat", "input_output"] = "chat"
        """`chat` has whole conversations; `input_output` one row for every reply, as text."""

    def __init__(self, config: Config) -> None:
        self.config = config

    def stanza(self) -> dict[str, Any]:
        """Empty: Axolotl does not read these rows."""
        return {}

    def render(self, example: Example) -> Iterable[Row | Drop]:
        """Rows of {system, conversations, mask, meta}, or of {input, output, meta}."""
        return self.chats(example) if self.config.layout == "chat" else self.texts(example)

    def chats(self, example: Example) -> Iterator[Row | Drop]:
        """Its mask is by speaker: a conversation with a reply that must not be learnt is counted and left out.

        Results of tools are words of the user, who is masked; the tools stand in the system's words."""
        for made in conversations.rows(example, self.config):
            if isinstance(made, Drop):
                yield made
                continue
            system, rest = spoken.split(made.messages)
            if any(one["role"] == "assistant" and not one["train"] for one in rest):
                yield Drop(reason="conversation with a reply that must not be learnt, which NeMo cannot mask")
                continue
            said = [{"from": FROM[one["role"]], "value": spoken.words(one)} for one in rest]
            opening = spoken.opening(system, made.tools)
            data = {"id": made.id, "system": opening, "mask": "User", "conversations": said, "meta": made.meta}
            yield Row(id=made.id, data=data, keys=made.keys)

    def texts(self, example: Example) -> Iterator[Row | Drop]:
        chosen = template.chosen(self.config.chat_template, self.config.base)
        for made in prompts.answered(example, self.config, chosen):
            if isinstance(made, Drop):
                yield made
                continue
            meta = turns.meta(example, prompts.step_at(example, made.at))
            name = f"{example.id}.{made.at}"
            data = {"id": name, "input": made.prompt, "output": made.completion, "meta": meta}
            yield Row(id=name, data=data, keys=prompts.key_at(example, made.at))
