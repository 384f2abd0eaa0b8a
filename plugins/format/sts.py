"""The Hub's session traces (STS-Format): a header and one line a message, which its trace viewer shows."""

from collections.abc import Iterable
from typing import Any

from bashgym import jsonl
from bashgym.records import Drop, Example, Row
from bashgym.rows import turns, whole
from bashgym.rows.turns import Message


class Format:
    schema = "sts"
    suffix = ".jsonl"  # of a document

    class Config(whole.WholeConfig):
        harness: str = "bashgym"
        """Which program made the session, as the viewer names it."""

    def __init__(self, config: Config) -> None:
        self.config = config

    def stanza(self) -> dict[str, Any]:
        """Empty: no trainer reads these rows."""
        return {}

    def render(self, example: Example) -> Iterable[Row | Drop]:
        """One row of {id, lines}: the lines of the session's file, which `document` writes."""
        more = {**named(example), "tools": example.tools, "meta": turns.meta(example, example.steps)}
        header = {"type": "session", "harness": self.config.harness, "id": example.id, **more}
        lines = [{"type": "message", "message": sts(one)} for one in whole.messages(example, self.config)]
        keys = [key for key in example.keys if key]
        yield Row(id=example.id, data={"id": example.id, "lines": [header, *lines]}, keys=keys)

    def document(self, data: dict[str, Any]) -> bytes:
        """A row as the file that the viewer reads: one session."""
        return b"".join(jsonl.dumps(line) + b"\n" for line in data["lines"])


def named(example: Example) -> dict[str, str]:
    """A title: how the first request begins."""
    asked = next((one["content"] for one in example.messages if one["role"] == "user" and one["content"].strip()), "")
    return {"name": asked.strip().splitlines()[0][:80]} if asked else {}


def sts(message: Message) -> Message:
    made: Message = {"role": message["role"], "content": message["content"]}
    if message.get("reasoning_content"):
        made["reasoningContent"] = message["reasoning_content"]
    if whole.calls(message):
        made["toolCalls"] = [called(call) for call in whole.calls(message)]
    if message["role"] == "tool":
        made["toolCallId"] = message["tool_call_id"]
    return made


def called(call: dict[str, Any]) -> dict[str, Any]:
    function = call["function"]
    arguments = jsonl.dumps(function["arguments"]).decode()
    return {"id": call["id"], "type": "function", "function": {"name": function["name"], "arguments": arguments}}
