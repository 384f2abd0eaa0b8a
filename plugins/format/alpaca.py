"""Alpaca: instruction, input and output; replies in words alone, as it has no tools."""

from collections.abc import Iterable
from typing import Any

from bashgym.records import Drop, Example, Row
from bashgym.rows import prompts, spoken, turns
from bashgym.rows.settings import RowConfig

SPEAKERS = {"user": "User", "assistant": "Assistant", "tool": "Tool", "system": "System"}


class Format:
    schema = "alpaca"

    class Config(RowConfig):
        pass

    def __init__(self, config: Config) -> None:
        self.config = config

    def stanza(self) -> dict[str, Any]:
        """Axolotl's `datasets:` entry."""
        return {"ds_type": "json", "type": "alpaca"}

    def render(self, example: Example) -> Iterable[Row | Drop]:
        """Rows of {id, instruction, input, output, meta}: the user's last words, what was said and seen beside them,
        and the reply. Replies that call tools are counted and left out."""
        if example.label is False:
            yield turns.NOT_GOOD
            return
        opened = prompts.opening(example, self.config)._replace(tools=[])
        for at, message in enumerate(example.messages):
            if message["role"] != "assistant" or at < example.given or not message.get("train", True):
                continue
            if message.get("tool_calls"):
                yield Drop(reason="reply that calls a tool, which Alpaca has not")
                continue
            prompt = prompts.before(opened, self.config, at, [message])
            if isinstance(prompt, Drop):
                yield prompt
                continue
            yield from prompt.drops
            asked = [number for number, one in enumerate(prompt.messages) if one["role"] == "user"]
            if not asked:
                yield Drop(reason="nothing asked before the reply")
                continue
            beside = [one for number, one in enumerate(prompt.messages) if number != asked[-1]]
            data = {
                "id": f"{example.id}.{at}",
                "instruction": prompt.messages[asked[-1]]["content"],
                "input": "\n".join(f"{SPEAKERS[one['role']]}: {spoken.words(one)}" for one in beside),
                "output": message["content"],
                "meta": turns.meta(example, prompts.step_at(example, at)),
            }
            yield Row(id=data["id"], data=data, keys=prompts.key_at(example, at))
