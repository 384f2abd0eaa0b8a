"""A session as OpenTelemetry spans, in OTLP's JSON: one OpenTelemetry trace a session.

`invoke_agent` is the session, or a sub-agent below the call that started it; `chat` one reply of the model; below it
`execute_tool` for each call. Names of attributes are those of OpenTelemetry's semantic conventions for generative AI
(gen_ai.*), values that it has no name for are under bashgym.*. Ids are hashes of the session's own, so that the same
session exported twice is one trace. Agents keep the time at which a reply was written: that ends its span; where the
span begins, what came before it had ended (`bashgym.start_time.evidence`: estimated)."""

import hashlib
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from bashgym import __version__, jsonl
from bashgym.atif import writing
from bashgym.trace import ObservationResult, Step, ToolCall, Trace, plain

Plain = dict[str, Any]
INTERNAL, CLIENT = 1, 3  # OTLP's kinds of spans
FAILED = 2  # its code of status
PROVIDERS = {
    "claude": "anthropic",
    "gpt": "openai",
    "codex": "openai",
    "o1": "openai",
    "o3": "openai",
    "o4": "openai",
    "gemini": "gcp.gemini",
    "grok": "x_ai",
    "deepseek": "deepseek",
    "mistral": "mistral_ai",
    "codestral": "mistral_ai",
}
LARGEST = 1 << 63


class Tree(NamedTuple):
    """Where the spans of one trace hang."""

    trace_id: str
    root: str  # the span of the session or sub-agent
    name: str  # what ids of its spans are made of
    session: str


def request(traces: Sequence[Trace]) -> Plain:
    """The session's spans as one ExportTraceServiceRequest: a line of an OTLP file."""
    main = traces[0]
    trees = [tree_of(trace, at, main) for at, trace in enumerate(traces)]
    below = [list(of_steps(trace, tree)) for trace, tree in zip(traces, trees, strict=True)]
    known = {span["spanId"] for spans in below for span in spans}
    spans: list[Plain] = []
    for at, above in enumerate([None, *writing.parents(traces)]):
        parent = None
        if above is not None:
            started = call_span(trees[above], traces[at].info.lineage.parent_call_id or "")
            parent = started if started in known else trees[above].root
        spans += [agent_span(traces[at], trees[at], parent, below[at]), *below[at]]
    resource = attributes({"service.name": main.agent.name, "service.version": main.agent.version})
    scope = {"scope": {"name": "bashgym", "version": __version__}, "spans": spans}
    return {"resourceSpans": [{"resource": {"attributes": resource}, "scopeSpans": [scope]}]}


def tree_of(trace: Trace, at: int, main: Trace) -> Tree:
    name = f"{main.session_id} {at} {trace.trajectory_id or ''}"
    return Tree(hexed(main.session_id, 16), hexed(f"{name} agent", 8), name, main.session_id)


def call_span(tree: Tree, call_id: str) -> str:
    return hexed(f"{tree.name} call {call_id}", 8)


def agent_span(trace: Trace, tree: Tree, parent: str | None, below: Sequence[Plain]) -> Plain:
    """The span of the session or sub-agent, from the first time it knows to the last."""
    times = [int(span[key]) for span in below for key in ("startTimeUnixNano", "endTimeUnixNano")]
    times += [nanoseconds(step.timestamp) for step in trace.steps]
    known = [time for time in times if time]
    return {
        **base(tree, tree.root, parent, f"invoke_agent {trace.agent.name}", INTERNAL),
        "startTimeUnixNano": str(min(known, default=0)),
        "endTimeUnixNano": str(max(known, default=0)),
        "attributes": attributes(of_agent(trace, tree)),
    }


def of_agent(trace: Trace, tree: Tree) -> Plain:
    said = [{"role": "user", "parts": [words(step.text)]} for step in trace.steps if step.info.kind == "human"]
    last = next((step for step in reversed(trace.steps) if step.info.kind == "agent" and step.text), None)
    return {
        "gen_ai.operation.name": "invoke_agent",
        "gen_ai.provider.name": provider(trace.agent.model_name),
        "gen_ai.agent.name": trace.agent.name,
        "gen_ai.agent.id": trace.trajectory_id,
        "gen_ai.agent.version": trace.agent.version,
        "gen_ai.conversation.id": tree.session,
        "gen_ai.request.model": trace.agent.model_name,
        "gen_ai.input.messages": as_text(said) if said else None,
        "gen_ai.output.messages": as_text([{"role": "assistant", "parts": [words(last.text)]}]) if last else None,
        "gen_ai.tool.definitions": as_text(trace.agent.tool_definitions) if trace.agent.tool_definitions else None,
        "bashgym.ended": trace.info.outcome.ended,
        "bashgym.usage_reliable": trace.info.usage_reliable,
    }


def of_steps(trace: Trace, tree: Tree) -> Iterator[Plain]:
    """The spans of replies and calls. Steps that were copied from another session are that session's spans."""
    clock = 0  # when what came before had ended
    for step in trace.steps:
        written = nanoseconds(step.timestamp)
        if step.source == "agent" and not step.is_copied_context:
            parent = tree.root
            if step.info.kind in ("agent", "api_error"):
                span = chat(step, trace, tree, clock, written)
                parent = span["spanId"]
                yield span
            results = step.results()
            for number, call in enumerate(step.tool_calls or ()):
                yield execute(call, results.get(call.tool_call_id), step, tree, parent, number)
        answers = step.observation.results if step.observation else []
        ends = [found for one in answers if (found := nanoseconds(one.extra.bashgym.ts))]
        clock = max([clock, written, *ends])


def chat(step: Step, trace: Trace, tree: Tree, clock: int, written: int) -> Plain:
    """The span of one reply."""
    model = step.model_name or trace.agent.model_name or "unknown"
    end = written or clock
    start = clock if 0 < clock <= end else end
    failed = step.info.kind == "api_error"
    span = {
        **base(tree, hexed(f"{tree.name} step {step.step_id}", 8), tree.root, f"chat {model}", CLIENT),
        "startTimeUnixNano": str(start),
        "endTimeUnixNano": str(end),
        "attributes": attributes(
            {
                "gen_ai.operation.name": "chat",
                "gen_ai.provider.name": provider(model),
                "gen_ai.conversation.id": tree.session,
                "gen_ai.request.model": model,
                "gen_ai.response.model": step.model_name,
                "gen_ai.response.id": step.info.message_id,
                "gen_ai.response.finish_reasons": [step.info.stop_reason] if step.info.stop_reason else None,
                "gen_ai.output.messages": as_text([reply(step)]),
                "error.type": "api_error" if failed else None,
                "bashgym.start_time.evidence": "estimated" if start != end else "missing",
                "bashgym.step_id": step.step_id,
                **usage(step),
            }
        ),
    }
    return {**span, "status": {"code": FAILED}} if failed else span


def usage(step: Step) -> Plain:
    """Tokens; as the conventions have it, input tokens include those from and to the cache."""
    if step.metrics is None:
        return {}
    tiers = step.metrics.extra.bashgym
    return {
        "gen_ai.usage.input_tokens": step.metrics.prompt_tokens,
        "gen_ai.usage.output_tokens": step.metrics.completion_tokens,
        "gen_ai.usage.cache_read.input_tokens": tiers.cache_read_input_tokens,
        "gen_ai.usage.cache_creation.input_tokens": tiers.cache_creation_input_tokens,
        "gen_ai.usage.reasoning.output_tokens": tiers.reasoning_tokens,
        "bashgym.cost_usd": step.metrics.cost_usd,
    }


def reply(step: Step) -> Plain:
    """The reply as the conventions write a message."""
    parts: list[Plain] = []
    if step.reasoning_content:
        parts.append({"type": "reasoning", "content": step.reasoning_content})
    parts += [words(step.text)] if step.text else []
    parts += [
        {"type": "tool_call", "id": call.tool_call_id, "name": call.function_name, "arguments": call.arguments}
        for call in step.tool_calls or ()
    ]
    return {"role": "assistant", "parts": parts, "finish_reason": step.info.stop_reason or "unknown"}


def words(text: str) -> Plain:
    return {"type": "text", "content": text}


def execute(
    call: ToolCall, result: ObservationResult | None, step: Step, tree: Tree, parent: str, number: int
) -> Plain:
    """The span of one call: from when it was asked for, or began, to when its result was written."""
    info = call.extra.bashgym
    start = nanoseconds(info.started_at) or nanoseconds(step.timestamp)
    answered = nanoseconds(result.extra.bashgym.ts) if result else 0
    lasted = (info.duration_ms or 0) * 1_000_000
    end = max(start, start + lasted if info.duration_ms is not None else answered)
    failed = bool(result and result.extra.bashgym.is_error) or info.denied is not None
    first = next(n for n, one in enumerate(step.tool_calls or ()) if one.tool_call_id == call.tool_call_id)
    twin = "" if first == number else f" {step.step_id} {number}"
    span = {
        **base(tree, call_span(tree, call.tool_call_id + twin), parent,
               f"execute_tool {call.function_name}", INTERNAL),
        "startTimeUnixNano": str(start),
        "endTimeUnixNano": str(end),
        "attributes": attributes(
            {
                "gen_ai.operation.name": "execute_tool",
                "gen_ai.conversation.id": tree.session,
                "gen_ai.tool.name": call.function_name,
                "gen_ai.tool.type": "function",
                "gen_ai.tool.call.id": call.tool_call_id,
                "gen_ai.tool.call.arguments": as_text(call.arguments),
                "gen_ai.tool.call.result": plain(result.content) if result else None,
                "error.type": ("denied" if info.denied else "tool_error") if failed else None,
                "bashgym.mcp_server": info.mcp_server,
                "bashgym.denied": info.denied,
                "bashgym.exit_code": result.extra.bashgym.exit_code if result else None,
                "bashgym.duration.evidence": "measured" if info.duration_ms is not None else
                "estimated" if answered else "missing",
            }
        ),
    }  # fmt: skip
    return {**span, "status": {"code": FAILED}} if failed else span


def base(tree: Tree, span_id: str, parent: str | None, name: str, kind: int) -> Plain:
    above = {"parentSpanId": parent} if parent else {}
    return {"traceId": tree.trace_id, "spanId": span_id, **above, "name": legal(name), "kind": kind}


def hexed(text: str, size: int) -> str:
    """An id of `size` bytes in hexadecimal, as OTLP's JSON has it."""
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=size).hexdigest()


def nanoseconds(text: str | None) -> int:
    """A time as OTLP has it; 0 where there is none. A time without a zone is taken as UTC."""
    try:
        moment = datetime.fromisoformat(text.replace("Z", "+00:00")) if text else None
        since = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - EPOCH if moment else None
    except (ValueError, OverflowError):
        return 0
    if since is None:
        return 0
    return max(0, (since.days * 86_400 + since.seconds) * 1_000_000_000 + since.microseconds * 1000)


EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def provider(model: str | None) -> str:
    """Who serves a model of this name, as the conventions name them."""
    name = (model or "").lower().rpartition("/")[2]
    return next((who for start, who in PROVIDERS.items() if name.startswith(start)), "unknown")


def as_text(value: Any) -> str:
    return jsonl.dumps(value).decode()


def attributes(values: Plain) -> list[Plain]:
    """Attributes in OTLP's JSON; those without a value are left out."""
    return [{"key": key, "value": typed(value)} for key, value in values.items() if value is not None]


def typed(value: Any) -> Plain:
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int) and -LARGEST <= value < LARGEST:
        return {"intValue": str(value)}
    if isinstance(value, float):
        return {"doubleValue": value}
    if isinstance(value, list):
        return {"arrayValue": {"values": [typed(one) for one in value]}}
    return {"stringValue": legal(str(value))}


def legal(text: str) -> str:
    """Text that is Unicode: protobuf refuses half a surrogate pair."""
    return text.encode("utf-8", "surrogatepass").decode("utf-8", "replace")
