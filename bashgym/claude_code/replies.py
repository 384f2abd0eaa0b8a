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
WITHIN = (  # (key, key in it, its name in UsageInfo)
    ("cache_creation", "ephemeral_5m_input_tokens", "ephemeral_5m_input_tokens"),
    ("cache_creation", "ephemeral_1h_input_tokens", "ephemeral_1h_input_tokens"),
    ("server_tool_use", "web_search_requests", "web_search_requests"),
    ("output_tokens_details", "thinking_tokens", "reasoning_tokens"),
)
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
    usage: dict[str, int] = {}  # the largest counts, each under its name in UsageInfo; `output_tokens` beside them
    terms: dict[str, Any] = {}  # texts, each under the name of its field in UsageInfo
    cost: float | None = None
    seen: list[tuple[Any, dict[str, Any]]] = []  # blocks with their index, where the line says it
    last: Any = None  # the usage of the line before

    def add(self, entry: Entry) -> None:
        """One more line of this reply; a copy of a block that is already there adds nothing but its line."""
        value = entry.value
        message = value["message"]
        content = message.get("content") or []
        blocks = [{"type": "text", "text": content}] if type(content) is str else content
        index = value.get("apiBlockIndex")
        earlier = len(self.seen)  # two equal blocks of one line are two blocks
        for block in blocks:
            one = (index, block)
            if not earlier or one not in self.seen[:earlier]:
                self.seen.append(one)
                self.add_block(block, entry)
        self.add_line(entry, message)
        usage = message.get("usage")
        if usage != self.last:
            self.last = usage
            if type(usage) is dict:
                self.add_usage(usage)
        if "costUSD" in value:
            self.add_cost(value["costUSD"])

    def add_line(self, entry: Entry, message: dict[str, Any]) -> None:
        info = self.step.extra.bashgym
        info.line_nos.append(entry.line_no)
        if info.request_id is None:
            info.request_id = entry.text("requestId")
        if entry.uuid:
            info.uuids.append(entry.uuid)
        reason = message.get("stop_reason")
        if type(reason) is str:
            info.stop_reason = reason
        if "effort" in entry.value and (effort := entry.text("effort")):
            self.step.reasoning_effort = effort

    def add_block(self, block: dict[str, Any], entry: Entry) -> None:
        kind = block["type"]
        info = self.step.extra.bashgym
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
            self.parts.append(blobs.lift_part(block) if "source" in block else block)
        else:  # a change of model, a search on the server: no words, and no call of a tool of the client's
            info.foreign.setdefault("blocks", []).append(blobs.lift_part(block))

    def add_call(self, block: dict[str, Any], entry: Entry) -> None:
        calls = self.step.tool_calls = self.step.tool_calls or []
        found, name = block.get("id"), block["name"]
        # old fixtures and broken lines have calls without an id; ATIF needs one
        call_id = found if type(found) is str and found else f"line-{entry.line_no}-call-{len(calls)}"
        arguments = block.get("input")
        info = CallInfo(mcp_server=mcp_server(name), started_at=entry.ts)
        calls.append(
            ToolCall(
                tool_call_id=call_id,
                function_name=name,
                arguments=arguments if type(arguments) is dict else {"input": arguments},
                extra=CallExtra(bashgym=info),
            )
        )

    def add_usage(self, usage: dict[str, Any]) -> None:
        """The largest count of each key over the lines of the reply, and the last terms."""
        found = counts_of(usage)
        if not self.usage:
            self.usage = found
        else:
            for key, count in found.items():
                if count > self.usage.get(key, -1):
                    self.usage[key] = count
        for key in TERMS:
            if key in usage:
                term = usage[key]
                if type(term) is str and term:
                    self.terms[key] = term

    def add_cost(self, cost: Any) -> None:
        if isinstance(cost, (int, float)) and not isinstance(cost, bool):
            self.cost = max(float(cost), self.cost or 0.0)

    def close(self) -> None:
        """Writes what was gathered into the step."""
        step, parts = self.step, self.parts
        if parts:
            alone = len(parts) == 1 and parts[0]["type"] == "text"
            step.message = parts[0]["text"] if alone else parts
        if self.thinking:
            step.reasoning_content = "\n\n".join(self.thinking) or None
        if self.usage or self.cost is not None:
            step.metrics = metrics(self.usage, self.terms, self.cost)


def counts_of(usage: dict[str, Any]) -> dict[str, int]:
    """The counts in the usage of one line, each under its name in UsageInfo; what is no count is left out."""
    found = {}
    for key in COUNTS:
        count = usage.get(key)
        if type(count) is int and count >= 0:
            found[key] = count
    for holder, key, name in WITHIN:
        if holder in usage and type(inner := usage[holder]) is dict:
            count = inner.get(key)
            if type(count) is int and count >= 0:
                found[name] = count
    return found


def metrics(usage: dict[str, int], terms: dict[str, Any], cost: float | None) -> Metrics:
    """ATIF's names: `prompt_tokens` includes what was read from the cache and what was written to it."""
    output = usage.pop("output_tokens", 0)
    info = UsageInfo(**usage, **terms)  # type: ignore[arg-type]
    read = info.cache_read_input_tokens
    return Metrics(
        prompt_tokens=info.input_tokens + info.cache_creation_input_tokens + read,
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
    if type(found) is str and found:
        return found, entry.text("requestId")
    return entry.uuid or f"line-{entry.line_no}", None


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
        model_name=model if type(model) is str else None,
        llm_call_count=1 if kind == "agent" else None,
        extra=StepExtra(bashgym=info),
    )
    return Reply(step)


def mcp_server(name: str) -> str | None:
    """`mcp__<server>__<tool>` -> `<server>`."""
    if not name.startswith("mcp__"):
        return None
    parts = name.split("__")
    return parts[1] if len(parts) > 2 else None
