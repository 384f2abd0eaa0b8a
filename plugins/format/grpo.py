"""Prompts as text with how an answer is checked: for GRPO and other training on rewards."""

from collections.abc import Iterable
from typing import Any

from bashgym import jsonl
from bashgym.records import Drop, Example, Row
from bashgym.rows import prompts, template, turns
from bashgym.rows.settings import TextConfig


class Format:
    schema = "prompts"

    class Config(TextConfig):
        pass

    def __init__(self, config: Config) -> None:
        self.config = config

    def stanza(self) -> dict[str, Any]:
        """Axolotl's `datasets:` entry: no `type`, all columns reach the rewards by name."""
        return {"ds_type": "json"}

    def render(self, example: Example) -> Iterable[Row | Drop]:
        """Rows of {id, prompt, kind, answer, verifier, meta}.

        `kind` names the check; `verifier` is all that it needs, one JSON object as text (columns of rows must be of one
        type throughout); `answer` is what it expects where that is a text, else ""."""
        kind = example.verifier.get("kind")
        if not isinstance(kind, str) or not kind:
            yield Drop(reason="example without a verifier")
            return
        given = example.given or len(example.messages)
        prompt = prompts.before(prompts.opening(example, self.config, given), self.config, given, [])
        if isinstance(prompt, Drop):
            yield prompt
            return
        yield from prompt.drops
        if prompt.messages[-1]["role"] == "assistant":
            yield Drop(reason="task that ends with a reply")
            return
        chosen = template.chosen(self.config.chat_template, self.config.base)
        try:
            text = chosen.asked(prompt.messages, prompt.tools)
        except template.TemplateFault:
            yield Drop(reason="turn that the chat template cannot say")
            return
        answer = example.verifier.get("answer")
        data = {
            "id": example.id,
            "prompt": text,
            "kind": kind,
            "answer": answer if isinstance(answer, str) else "",
            "verifier": jsonl.dumps(example.verifier).decode(),
            "meta": turns.meta(example, sorted(set(example.steps[:given]) - {0})),
        }
        yield Row(id=example.id, data=data)
