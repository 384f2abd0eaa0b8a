"""A prompt, a completion and whether it was good, as text: for KTO."""

from collections.abc import Iterable, Iterator
from typing import Any

from bashgym.records import Drop, Example, Row
from bashgym.rows import prompts, template, turns
from bashgym.rows.settings import TextConfig
from bashgym.rows.template import Template


class Format:
    schema = "feedback"

    class Config(TextConfig):
        pass

    def __init__(self, config: Config) -> None:
        self.config = config

    def stanza(self) -> dict[str, Any]:
        """Axolotl's `datasets:` entry."""
        fields = {"field_prompt": "prompt", "field_completion": "completion", "field_label": "label"}
        return {"ds_type": "json", "type": fields}

    def render(self, example: Example) -> Iterable[Row | Drop]:
        """Rows of {id, prompt, completion, label, meta}: two of a pair, one of an example that has a label."""
        chosen = template.chosen(self.config.chat_template, self.config.base)
        key = prompts.key_at(example, example.given)
        for part in self.judged(example, chosen):
            if isinstance(part, Drop):
                yield part
                continue
            prompt, completion, label, name = part
            meta = turns.meta(example, prompts.step_at(example, example.given))
            data = {"id": name, "prompt": prompt, "completion": completion, "label": label, "meta": meta}
            yield Row(id=name, data=data, keys=key if label else [])

    def judged(self, example: Example, chosen: Template) -> Iterator[tuple[str, str, bool, str] | Drop]:
        """(prompt, completion, label, id of the row)."""
        if example.rejected:
            for pair in prompts.paired(example, self.config, chosen):
                if isinstance(pair, Drop):
                    yield pair
                else:
                    yield pair.prompt, pair.chosen, True, f"{example.id}.good"
                    yield pair.prompt, pair.rejected, False, f"{example.id}.bad"
            return
        if example.label is None:
            yield Drop(reason="example without a label or a rejected reply")
            return
        reply, more = prompts.first_reply(example.messages[example.given :], self.config)
        if reply is None:
            yield Drop(reason="labelled example that does not open with a reply")
            return
        if more:
            yield Drop(reason="message after the first reply of a completion", n=more)
        opened = prompts.opening(example, self.config, example.given)
        prompt = prompts.before(opened, self.config, example.given, [reply])
        if isinstance(prompt, Drop):
            yield prompt
            return
        yield from prompt.drops
        turn = prompts.said(chosen, prompt, reply)
        yield turn if isinstance(turn, Drop) else (turn.prompt, turn.completion, example.label, example.id)
