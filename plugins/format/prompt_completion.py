"""A prompt and its completion as text, a row for every reply that is learnt: for TRL, Axolotl and other trainers."""

from collections.abc import Iterable
from typing import Any

from bashgym.records import Drop, Example, Row
from bashgym.rows import prompts, template, turns
from bashgym.rows.settings import TextConfig


class Format:
    schema = "prompt_completion"

    class Config(TextConfig):
        pass

    def __init__(self, config: Config) -> None:
        self.config = config

    def stanza(self) -> dict[str, Any]:
        """Axolotl's `datasets:` entry: the prompt masked, nothing put between prompt and completion."""
        fields = {"field_instruction": "prompt", "field_output": "completion"}
        return {"ds_type": "json", "type": {**fields, "format": "{instruction}", "no_input_format": "{instruction}"}}

    def render(self, example: Example) -> Iterable[Row | Drop]:
        """Rows of {id, prompt, completion, meta}; the completion ends with the token that ends a turn."""
        chosen = template.chosen(self.config.chat_template, self.config.base)
        for made in prompts.answered(example, self.config, chosen):
            if isinstance(made, Drop):
                yield made
                continue
            name = f"{example.id}.{made.at}"
            meta = turns.meta(example, prompts.step_at(example, made.at))
            data = {"id": name, "prompt": made.prompt, "completion": made.completion, "meta": meta}
            yield Row(id=name, data=data, keys=prompts.key_at(example, made.at))
