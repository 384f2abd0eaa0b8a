"""Model replies: the assistant lines of one reply become one step, and its tokens are counted once.

Claude Code writes a reply as several lines of one block each, with the same message id and request id and
the usage repeated; the last line's usage is the whole one, and it is the largest in every field."""

from collections.abc import Iterable
from typing import Any

import msgspec

from bashgym.claude_code.lines import Entry
from bashgym.reading import blobs
from bashgym.trace import (
    CallExtra,
    CallInfo,
    Metrics,
    Step,
    StepExtra,
    StepInfo,
    StepKind,
    Thinking,
    ToolCall,
    UsageExtra,
    UsageInfo,
)

Key = tuple[str, str | None]
COUNTS = ("input_tokens", "output_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")
WITHIN = (
    ("cache_creation", ("ephemeral_5m_input_tokens", "ephemeral_1h_input_tokens")),
    ("server_tool_use", ("web_search_requests",)),
    ("output_tokens_details", ("thinking_tokens",)),
)
COUNTED = frozenset(COUNTS)
RENAMED = {"thinking_tokens": "reasoning_tokens"}  # as UsageInfo calls them
TERMS = ("service_tier", "speed", "inference_geo")  # what a price depends on beside counts
SYNTHETIC = "<synthetic>"
SPOKEN = frozenset({"text", "image", "document"})


class Reply(msgspec.Struct, eq=False):
    """A reply while its lines are read."""

    step: Step
    parts: list[dict[str, Any]] = []
    thinking: list[str] = []
    redacted: int = 0
    display: dict[str, int] = {}
    usage: dict[str, int] = {}
    terms: dict[str, Any] = {}  # texts, each under the name of its field in UsageInfo
    cost: float | None = None
    seen: list[tuple[Any, dict[str, Any]]] = []  # blocks with their index, where the line says it
    last: Any = None  # the usage of the line before

    def add(self, entry: Entry) -> None:
        """One more line of this reply; a copy of a block that is already there adds nothing but its line."""
        message = entry.value["message"]
        content = message.get("content") or []
        blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
        index = entry.value.get("apiBlockIndex")
        earlier = len(self.seen)  # two equal blocks of one line are two blocks
        for block in blocks:
            one = (index, block)
            if not earlier or one not in self.seen[:earlier]:
                self.seen.append(one)
                self.add_block(block, entry)
        self.add_line(entry, message)
        usage = message.get("usage")
        if usage != self.last or "costUSD" in entry.value:
            self.last = usage
            self.add_usage(entry, usage)

    def add_line(self, entry: Entry, message: dict[str, Any]) -> None:
        info = self.step.info
        info.line_nos.append(entry.line_no)
        if info.request_id is None:
            info.request_id = entry.text("requestId")
        if entry.uuid:
            info.uuids.append(entry.uuid)
        if isinstance(reason := message.get("stop_reason"), str):
            info.stop_reason = reason
        if effort := entry.text("effort"):
            self.step.reasoning_effort = effort

    def add_block(self, block: dict[str, Any], entry: Entry) -> None:
        kind = block["type"]
        info = self.step.info
        info.blocks.append(kind)
        if kind == "thinking":
            self.thinking.append(block["thinking"])
            if shown := entry.text("thinkingDisplay"):
                self.display[shown] = self.display.get(shown, 0) + 1
            if isinstance(block.get("signature"), str):
                info.signatures.append(block["signature"])
        elif kind == "redacted_thinking":
            self.redacted += 1
            if isinstance(block.get("data"), str):
                info.signatures.append(block["data"])
        elif kind == "tool_use":
            self.add_call(block, entry)
        elif kind in SPOKEN:
            self.parts.append(blobs.lift_part(block))
        else:  # a change of model, a search on the server: no words, and no call of a tool of the client's
            info.foreign.setdefault("blocks", []).append(blobs.lift_part(block))

    def add_call(self, block: dict[str, Any], entry: Entry) -> None:
        calls = self.step.tool_calls = self.step.tool_calls or []
        found, name = block.get("id"), block["name"]
        # old fixtures and broken lines have calls without an id; ATIF needs one
        call_id = found if isinstance(found, str) and found else f"line-{entry.line_no}-call-{len(calls)}"
        arguments = block.get("input")
        info = CallInfo(mcp_server=mcp_server(name), started_at=entry.ts)
        calls.append(
            ToolCall(
                tool_call_id=call_id,
                function_name=name,
                arguments=arguments if isinstance(arguments, dict) else {"input": arguments},
                extra=CallExtra(bashgym=info),
            )
        )

    def add_usage(self, entry: Entry, usage: Any) -> None:
        if isinstance(usage, dict):
            self.count(usage, COUNTS)
            for holder, keys in WITHIN:
                if isinstance(inner := usage.get(holder), dict):
                    self.count(inner, keys)
            for key in TERMS:
                if isinstance(term := usage.get(key), str) and term:
                    self.terms[key] = term
        cost = entry.value.get("costUSD")
        if isinstance(cost, (int, float)) and not isinstance(cost, bool):
            self.cost = max(float(cost), self.cost or 0.0)

    def count(self, usage: dict[str, Any], keys: tuple[str, ...]) -> None:
        """The largest count of each key over the lines of the reply."""
        counts = self.usage
        for key in keys:
            if key in usage:
                count = usage[key]
                if type(count) is int and count > counts.get(key, -1):
                    counts[key] = count

    def close(self) -> None:
        """Writes what was gathered into the step."""
        step, parts = self.step, self.parts
        alone = len(parts) == 1 and parts[0]["type"] == "text"
        step.message = parts[0]["text"] if alone else parts or ""
        step.reasoning_content = "\n\n".join(self.thinking) or None
        if self.usage or self.cost is not None:
            step.metrics = metrics(self.usage, self.terms, self.cost)


def metrics(usage: dict[str, int], terms: dict[str, Any], cost: float | None) -> Metrics:
    """ATIF's names: `prompt_tokens` includes what was read from the cache and what was written to it."""
    fresh, output, written, read = [usage.get(key, 0) for key in COUNTS]
    info = UsageInfo(input_tokens=fresh, cache_creation_input_tokens=written, cache_read_input_tokens=read, **terms)
    for key in usage.keys() - COUNTED:
        setattr(info, RENAMED.get(key, key), usage[key])
    return Metrics(
        prompt_tokens=fresh + written + read,
        completion_tokens=output,
        cached_tokens=read,
        cost_usd=cost,
        extra=UsageExtra(bashgym=info),
    )


def thinking(found: Iterable[Reply]) -> Thinking:
    """How much of the thinking of these replies is there to read."""
    total = Thinking()
    for reply in found:
        if not reply.thinking and not reply.redacted:
            continue
        total.blocks += len(reply.thinking) + reply.redacted
        total.redacted += reply.redacted
        total.empty += sum(not text.strip() for text in reply.thinking)
        total.characters += sum(map(len, reply.thinking))
        for shown, times in reply.display.items():
            total.display[shown] = total.display.get(shown, 0) + times
    return total


def key_of(entry: Entry) -> Key:
    """What a reply is known by: (message id, request id); a line without a message id is a reply of its own."""
    found = entry.value["message"].get("id")
    alone = entry.uuid or f"line-{entry.line_no}"
    return (found, entry.text("requestId")) if isinstance(found, str) and found else (alone, None)


def kind_of(entry: Entry) -> StepKind:
    """A reply of the model, or a message which the client made itself: an API error or another notice."""
    if entry.value.get("isApiErrorMessage") is True:
        return "api_error"
    return "synthetic" if entry.value["message"].get("model") == SYNTHETIC else "agent"


def start(entry: Entry, key: Key, step_id: int) -> Reply:
    """An empty reply with the identity of its first line."""
    model = entry.value["message"].get("model")
    kind = kind_of(entry)
    info = StepInfo(kind=kind, parent=entry.parent, message_id=key[0], request_id=key[1])
    step = Step(
        step_id=step_id,
        source="agent",
        timestamp=entry.ts,
        model_name=model if isinstance(model, str) else None,
        llm_call_count=1 if kind == "agent" else None,
        extra=StepExtra(bashgym=info),
    )
    return Reply(step)


def mcp_server(name: str) -> str | None:
    """`mcp__<server>__<tool>` -> `<server>`."""
    parts = name.split("__")
    return parts[1] if len(parts) > 2 and parts[0] == "mcp" else None
