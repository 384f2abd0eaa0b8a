"""A row of a data set as a session, by the format it is written in."""

import datetime
from collections.abc import Callable, Collection
from typing import Any

from bashgym import jsonl
from bashgym.atif import reading as atif
from bashgym.claude_code import mixed
from bashgym.reading import blobs, messages
from bashgym.reading.conversation import Conversation, metrics
from bashgym.reading.values import count, iso, record, records, text
from bashgym.records import SessionRef
from bashgym.trace import Agent, Malformed, SourceInfo, Step, Trace, TraceExtra, TraceInfo

Row = dict[str, Any]  # field -> value; what is JSON text is read
NEEDED = {
    "anthropic_messages": ("messages",),
    "openai_messages": ("messages",),
    "sharegpt": ("messages",),
    "request_response": ("request", "response"),
    "claude_code_lines": ("lines",),
    "atif": ("document",),
}
STRUCTURED = frozenset({"messages", "tools", "request", "response", "document"})
LISTS: dict[str, Callable[[Conversation, list[Any]], None]] = {
    "anthropic_messages": messages.anthropic,
    "openai_messages": messages.openai,
    "sharegpt": messages.sharegpt,
}


def values(row: Row, columns: dict[str, str], exact: Collection[str] = ()) -> Row:
    """The fields of a row. Text that is JSON where an object or a list belongs is read; columns that are not `exact`
    lose the keys that stand for nothing. Raises ValueError where such text is no JSON."""
    found = {}
    for field, column in columns.items():
        value = row.get(column)
        if field in STRUCTURED and isinstance(value, str) and value.lstrip()[:1] in ("{", "[", "n"):
            value = parsed(value, field)
        elif not isinstance(value, str) and column not in exact:
            value = filled(value)
        found[field] = value
    return found


def filled(value: Any) -> Any:
    """Without the keys that a table had to add to an object because another one of its column has them."""
    if isinstance(value, list):
        return [filled(one) for one in value]
    if isinstance(value, dict):
        return {key: filled(one) for key, one in value.items() if one is not None}
    return value


def parsed(value: str, field: str) -> Any:
    try:
        return jsonl.parse(value.encode("utf-8", "surrogatepass"))
    except ValueError as error:
        if field == "response":
            return value
        raise ValueError(f"{field} is not JSON: {error}") from None


def traces(row: Row, format: str, ref: SessionRef, source: SourceInfo) -> list[Trace]:
    """The row's trace or, for ATIF and Claude Code's lines, traces. Raises ValueError where it is no session."""
    blobs.lift_long(row, lift=False)
    if format == "atif":
        if not isinstance(row["document"], dict) or row["document"].get("schema_version") not in atif.VERSIONS:
            raise ValueError("document is not ATIF of a known version")
        return stamped(atif.traces(row["document"], source, ref.id), source)
    if format == "claude_code_lines":
        return stamped(mixed.of_lines(ref, list(numbered(row["lines"]))), source)
    talk = Conversation()
    told = exchange(talk, row) if format == "request_response" else history(talk, row, format)
    agent = Agent(
        name=text(row, "agent") or "unknown",
        model_name=text(row, "model") or told.get("model"),
        tool_definitions=messages.tools(told.get("tools", row.get("tools"))),
    )
    return [talk.trace(ref.id, agent, source, usage_reliable=format == "request_response")]


def stamped(found: list[Trace], source: SourceInfo) -> list[Trace]:
    """The traces with the data set they came from; what else they know of themselves stays."""
    for trace in found:
        trace.info.source.dataset, trace.info.source.license = source.dataset, source.license
        trace.info.source.captured_by = "import"
    return found


def numbered(value: Any) -> list[tuple[int, bytes]]:
    """Lines with their numbers: of a text, or of a list of texts or objects. Raises ValueError for anything else."""
    if isinstance(value, str):
        pieces = value.encode("utf-8", "surrogatepass").split(b"\n")
        return [(number, raw.strip()) for number, raw in enumerate(pieces, 1) if raw.strip()]
    if not isinstance(value, list):
        raise ValueError("lines are neither text nor a list")
    raws = [one.encode("utf-8", "surrogatepass") if isinstance(one, str) else jsonl.dumps(one) for one in value]
    return [(number, raw.strip()) for number, raw in enumerate(raws, 1) if raw.strip()]


def history(talk: Conversation, row: Row, format: str) -> Row:
    """A list of messages, with the reply that a column of its own may hold."""
    listed = row["messages"]
    if not isinstance(listed, list) or not listed:
        raise ValueError("messages is no list, or empty")
    prompt(talk, row.get("system"))
    LISTS[format](talk, listed)
    final = row.get("response")
    spoken = talk.steps[-1].source == "agent" and not talk.steps[-1].observation if talk.steps else False
    if isinstance(final, str) and final.strip() and not spoken:
        messages.tagged(talk, final, None)
    elif isinstance(final, dict) and not spoken:
        answered(talk, final)
    ts = moment(row.get("timestamp"))
    if ts and talk.steps:
        talk.steps[-1].timestamp = talk.steps[-1].timestamp or ts
    return {}


def exchange(talk: Conversation, row: Row) -> Row:
    """A request and its response, Anthropic's or OpenAI's."""
    request, response = row["request"], row["response"]
    if not isinstance(request, dict) or not isinstance(request.get("messages"), list):
        raise ValueError("request holds no list of messages")
    prompt(talk, request.get("system"))
    ours = isinstance(response, dict) and "choices" in response
    older = any(text(one, "role") in ("system", "tool", "developer") for one in records(request, "messages"))
    (messages.openai if ours or older else messages.anthropic)(talk, request["messages"])
    if isinstance(response, dict):
        step = answered(talk, response)
        if step is not None:
            step.timestamp = moment(row.get("timestamp"))
            step.model_name = text(response, "model") or text(request, "model")
    elif isinstance(response, str) and response.strip():
        messages.tagged(talk, response, None)
    return {"model": text(request, "model"), "tools": request.get("tools")}


def answered(talk: Conversation, response: Row) -> Step | None:
    """The reply that a response is, with its tokens; None where it holds none."""
    told = record(response, "usage")
    choice = next(iter(records(response, "choices")), {})
    if isinstance(choice.get("message"), dict):
        step = messages.completion(talk, choice["message"], None)
        step.info.stop_reason = text(choice, "finish_reason")
        read = count(told, "prompt_tokens_details", "cached_tokens")
        fresh, output = max(count(told, "prompt_tokens") - read, 0), count(told, "completion_tokens")
        step.metrics = metrics(fresh, output, read) if told else None
    elif isinstance(response.get("content"), list):
        step = messages.reply(talk, records(response, "content"), None)
        step.info.stop_reason = text(response, "stop_reason")
        tiers = [count(told, key) for key in TIERS]
        step.metrics = metrics(*tiers) if told else None
    else:
        talk.event("response", response)
        return None
    step.info.message_id = text(response, "id")
    return step


TIERS = ("input_tokens", "output_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")


def prompt(talk: Conversation, system: Any) -> None:
    if isinstance(system, str | list) and system:
        talk.say("system", messages.content_of(system))


def moment(value: Any) -> str | None:
    """A time as text: as it is given, or ISO 8601 for seconds and for a column of times."""
    if isinstance(value, datetime.datetime):
        return value.isoformat()
    return value if isinstance(value, str) else iso(value)


def broken(ref: SessionRef, source: SourceInfo, reason: str, raw: str) -> Trace:
    """A row that is no session: a trace without steps, which holds it with the reason."""
    source.files[0].malformed = 1
    info = TraceInfo(source=source, malformed=[Malformed(file=0, line_no=(ref.row or 0) + 1, reason=reason, raw=raw)])
    return Trace(session_id=ref.id, agent=Agent(name="unknown"), steps=[], extra=TraceExtra(bashgym=info))
