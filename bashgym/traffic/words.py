"""What models are asked and answer, in one shape for every API: turns of blocks."""

import hashlib
import re
from typing import Any, Literal

import msgspec

from bashgym import jsonl
from bashgym.trace import Metrics

Kind = Literal["text", "thinking", "call", "result", "part"]
REMINDER = re.compile(r"\s*<system-reminder>")  # Claude Code puts these into a prompt and takes them out again
FINISHED = "end_turn"


class Block(msgspec.Struct, eq=False):
    """Text, thinking, a tool call, its result, or a part that is none of these (an image: `raw`)."""

    kind: Kind
    text: str = ""
    id: str = ""  # of the call, also of the call that a result answers
    name: str = ""
    arguments: Any = None
    content: Any = None  # of a result: text or parts
    is_error: bool = False
    signature: str = ""
    raw: dict[str, Any] = {}

    @property
    def reminder(self) -> bool:
        return self.kind == "text" and REMINDER.match(self.text) is not None

    def key(self) -> Any:
        """What stays the same when the history is sent again; None for what clients add, move or take out."""
        if self.kind == "thinking" or self.reminder or (self.kind == "text" and not self.text.strip()):
            return None
        if self.kind == "text":
            return ["text", self.text.strip()]
        if self.kind == "part":
            return ["part", {key: value for key, value in self.raw.items() if key != "cache_control"}]
        said = [self.name, self.arguments] if self.kind == "call" else self.content
        return [self.kind, self.id or said]


class Turn(msgspec.Struct, eq=False):
    """One message: of the user (results of tools too), of the model, or of the system in between."""

    role: Literal["user", "assistant", "system"]
    blocks: list[Block]

    def key(self) -> bytes | None:
        """The same for the same words, wherever they are sent again; None where nothing in it stays."""
        keys = [key for block in self.blocks if (key := block.key()) is not None]
        return hashlib.blake2b(jsonl.dumps([self.role, keys]), digest_size=16).digest() if keys else None


class Request(msgspec.Struct, eq=False):
    """What a model is asked: system prompts, tools in OpenAI's shape, the turns so far."""

    api: str
    system: list[str]
    tools: list[dict[str, Any]]
    turns: list[Turn]
    model: str | None = None
    effort: str | float | None = None
    previous: str | None = None  # the id of the answer that the turns follow, where they are not sent again

    @property
    def prompts(self) -> list[str]:
        """The system prompts without the line that Claude Code signs each request with."""
        return [text for text in self.system if not text.startswith("x-anthropic-billing-header")]

    def identity(self) -> bytes:
        """The same for all requests of one agent: which API, how its system prompts begin, whether it has tools.

        System prompts change further down (a date, the state of git); clients of one kind differ at the start."""
        starts = [text[:256] for text in self.prompts]
        return hashlib.blake2b(jsonl.dumps([self.api, starts, bool(self.tools)]), digest_size=16).digest()


class Reply(msgspec.Struct, eq=False):
    """What a model answered; `stop_reason` in Anthropic's words, `unfinished` where the stream broke off."""

    turn: Turn
    id: str | None = None
    model: str | None = None
    stop_reason: str | None = None
    metrics: Metrics | None = None
    tier: str | None = None


def text_of(value: Any, key: str) -> str:
    """The text at `key`; empty where there is none."""
    found = value.get(key) if isinstance(value, dict) else None
    return found if isinstance(found, str) else ""


def objects(value: Any) -> list[dict[str, Any]]:
    """The objects of a list; what else is in it, as parts of an unknown type."""
    items = value if isinstance(value, list) else []
    return [one if isinstance(one, dict) else {"type": "unknown", "value": one} for one in items]


def object_in(value: Any, key: str) -> dict[str, Any]:
    found = value.get(key) if isinstance(value, dict) else None
    return found if isinstance(found, dict) else {}


def count_in(value: dict[str, Any], key: str) -> int:
    """A number of tokens; 0 where there is none."""
    found = value.get(key)
    return found if isinstance(found, int) and not isinstance(found, bool) and 0 <= found < 1 << 53 else 0


def arguments_in(text: str) -> Any:
    """The arguments that a model wrote as JSON; the text itself where they are none (a stream broke off)."""
    if not text.strip():
        return {}
    try:
        return jsonl.parse(text.encode("utf-8", "surrogatepass"))
    except ValueError:
        return text


def function(name: str, description: str, parameters: Any) -> dict[str, Any]:
    """A tool in OpenAI's shape."""
    schema = parameters if isinstance(parameters, dict) else {"type": "object", "properties": {}}
    return {"type": "function", "function": {"name": name, "description": description, "parameters": schema}}


def typed(part: dict[str, Any]) -> dict[str, Any]:
    """A part whose type is text, whatever was written there, without the mark of the cache."""
    rest = {key: value for key, value in part.items() if key != "cache_control"}
    return rest if isinstance(rest.get("type"), str) else {**rest, "type": str(rest.get("type"))}
