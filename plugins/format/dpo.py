"""Pairs as text (prompt, chosen, rejected) with their tools and calls: for DPO, ORPO, IPO, SimPO and their like."""

from collections.abc import Iterable
from typing import Any

from bashgym.records import Drop, Example, Row
from bashgym.rows import prompts, template, turns
from bashgym.rows.settings import TextConfig


class Format:
    schema = "preference"

    class Config(TextConfig):
        pass

    def __init__(self, config: Config) -> None:
        self.config = config

    def stanza(self) -> dict[str, Any]:
        """Axolotl's `datasets:` entry: no `type`, so that the rows are taken as they are.

        Its strategies for pairs of messages keep roles and words only, and drop tools and calls in silence."""
        return {"ds_type": "json"}

    def render(self, example: Example) -> Iterable[Row | Drop]:
        """Rows of {id, prompt, chosen, rejected, meta}; chosen and rejected are the first replies of the pair."""
        chosen = template.chosen(self.config.chat_template, self.config.base)
        for made in prompts.paired(example, self.config, chosen):
            if isinstance(made, Drop):
                yield made
                continue
            texts = {"prompt": made.prompt, "chosen": made.chosen, "rejected": made.rejected}
            meta = turns.meta(example, prompts.step_at(example, example.given))
            yield Row(
                id=example.id,
                data={"id": example.id, **texts, "meta": meta},
                keys=prompts.key_at(example, example.given),
            )
