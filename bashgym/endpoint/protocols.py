"""The two protocols: what is sent, and what an answer says. Pure functions over plain data.

`Dialect` is what one server takes: newer models refuse `max_tokens` or `temperature`, small servers know no JSON
schema. A refusal (400) that names the field teaches it (`taught`)."""

import re
from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

from bashgym import jsonl
from bashgym.endpoint.settings import EndpointSettings
from bashgym.trace import Metrics, UsageExtra, UsageInfo

ANTHROPIC_VERSION = "2023-06-01"
ANSWER = "answer"  # the name of the schema, and of the tool that stands in for it
FENCED = re.compile(r"```(?:json)?\s*(\{.*\})\s*```", re.DOTALL)

Message = dict[str, Any]
Schema = dict[str, Any]


class Dialect(NamedTuple):
    limit: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    temperature: bool = True
    schema: Literal["json_schema", "tool", "words"] = "json_schema"


class Reply(NamedTuple):
    """What a model answered. `value` is the structured answer where one was asked for; `usd` None: no known price."""

    text: str
    value: Any
    calls: list[dict[str, Any]]  # [{name, arguments}], of tools that were offered
    metrics: Metrics
    stop: str  # end, length, tool, refusal, or the server's own word
    usd: float | None = None
    cached: bool = False


class Asked(NamedTuple):
    """A request before it has a protocol's shape."""

    system: str
    messages: Sequence[Message]
    schema: Schema | None
    tools: Sequence[dict[str, Any]]  # OpenAI's shape
    max_tokens: int
    temperature: float | None


def path(settings: EndpointSettings) -> str:
    """The address of a request."""
    if settings.protocol == "anthropic":
        return settings.url.removesuffix("/v1") + "/v1/messages"
    return settings.url + "/chat/completions"


def headers(settings: EndpointSettings, key: str) -> dict[str, str]:
    fixed = {"Content-Type": "application/json", "Accept": "application/json", "User-Agent": "bashgym"}
    if settings.protocol == "anthropic":
        return {**fixed, "anthropic-version": ANTHROPIC_VERSION, **({"x-api-key": key} if key else {})}
    return {**fixed, **({"Authorization": f"Bearer {key}"} if key else {})}


def body(settings: EndpointSettings, asked: Asked, dialect: Dialect) -> dict[str, Any]:
    made = (
        anthropic_body(settings, asked) if settings.protocol == "anthropic" else openai_body(settings, asked, dialect)
    )
    if asked.temperature is not None and dialect.temperature:
        made["temperature"] = asked.temperature
    return made


def openai_body(settings: EndpointSettings, asked: Asked, dialect: Dialect) -> dict[str, Any]:
    system = asked.system
    made: dict[str, Any] = {"model": settings.model, dialect.limit: asked.max_tokens}
    tools = list(asked.tools)
    if asked.schema and dialect.schema == "json_schema":
        about = {"name": ANSWER, "strict": True, "schema": asked.schema}
        made["response_format"] = {"type": "json_schema", "json_schema": about}
    elif asked.schema and dialect.schema == "tool":
        tools.append({"type": "function", "function": {"name": ANSWER, "parameters": asked.schema}})
        made["tool_choice"] = {"type": "function", "function": {"name": ANSWER}}
    elif asked.schema:
        system += f"\n\nAnswer with one JSON object and nothing else. Its schema: {jsonl.dumps(asked.schema).decode()}"
    if tools:
        made["tools"] = tools
    return {**made, "messages": [{"role": "system", "content": system}, *asked.messages]}


def anthropic_body(settings: EndpointSettings, asked: Asked) -> dict[str, Any]:
    made: dict[str, Any] = {"model": settings.model, "max_tokens": asked.max_tokens, "system": asked.system}
    functions = [tool["function"] for tool in asked.tools]
    tools = [{"name": one["name"], "input_schema": one.get("parameters", {"type": "object"})} for one in functions]
    if asked.schema:
        tools.append({"name": ANSWER, "description": "Gives the answer.", "input_schema": asked.schema})
        made["tool_choice"] = {"type": "tool", "name": ANSWER}
    if tools:
        made["tools"] = tools
    return {**made, "messages": list(asked.messages)}


def taught(dialect: Dialect, refusal: str) -> Dialect | None:
    """What to try after a refusal that names a field; None where it teaches nothing."""
    said = refusal.lower()
    if "max_completion_tokens" in said and dialect.limit == "max_tokens":
        return dialect._replace(limit="max_completion_tokens")
    if "temperature" in said and dialect.temperature:
        return dialect._replace(temperature=False)
    if any(word in said for word in ("response_format", "json_schema", "guided")) and dialect.schema == "json_schema":
        return dialect._replace(schema="tool")
    if "tool" in said and dialect.schema == "tool":
        return dialect._replace(schema="words")
    return None


def read(settings: EndpointSettings, answer: Any, structured: bool) -> Reply:
    """A server's answer. Raises ValueError where it is not what its protocol promises."""
    try:
        return (
            read_anthropic(answer, structured) if settings.protocol == "anthropic" else read_openai(answer, structured)
        )
    except (KeyError, IndexError, TypeError, AttributeError) as error:
        raise ValueError(f"not an answer of this protocol ({type(error).__name__})") from None


def read_openai(answer: Any, structured: bool) -> Reply:
    choice = answer["choices"][0]
    message = choice["message"]
    text = message.get("content") or ""
    calls = [
        {"name": one["function"]["name"], "arguments": jsonl.parse(one["function"]["arguments"].encode())}
        for one in message.get("tool_calls") or []
    ]
    stops = {"stop": "end", "length": "length", "tool_calls": "tool", "content_filter": "refusal"}
    stop = "refusal" if message.get("refusal") else stops.get(choice.get("finish_reason"), "end")
    usage = answer.get("usage") or {}
    cached = (usage.get("prompt_tokens_details") or {}).get("cached_tokens") or 0
    metrics = counted(usage.get("prompt_tokens"), usage.get("completion_tokens"), cached, 0)
    return settled(text, calls, metrics, stop, structured)


def read_anthropic(answer: Any, structured: bool) -> Reply:
    blocks = answer["content"]
    text = "".join(block["text"] for block in blocks if block["type"] == "text")
    calls = [{"name": one["name"], "arguments": one["input"]} for one in blocks if one["type"] == "tool_use"]
    stops = {
        "end_turn": "end",
        "stop_sequence": "end",
        "max_tokens": "length",
        "tool_use": "tool",
        "refusal": "refusal",
    }
    usage = answer.get("usage") or {}
    read, written = usage.get("cache_read_input_tokens") or 0, usage.get("cache_creation_input_tokens") or 0
    fresh = usage.get("input_tokens")
    prompt = None if fresh is None else fresh + read + written
    metrics = counted(prompt, usage.get("output_tokens"), read, written)
    return settled(text, calls, metrics, stops.get(answer.get("stop_reason"), "end"), structured)


def counted(prompt: int | None, completion: int | None, read: int, written: int) -> Metrics:
    usage = UsageInfo(cache_read_input_tokens=read, cache_creation_input_tokens=written)
    return Metrics(
        prompt_tokens=prompt, completion_tokens=completion, cached_tokens=read, extra=UsageExtra(bashgym=usage)
    )


def settled(text: str, calls: list[dict[str, Any]], metrics: Metrics, stop: str, structured: bool) -> Reply:
    """The reply, its structured answer taken out of a call or of the text."""
    value = None
    if structured and stop != "refusal":
        given = [call for call in calls if call["name"] == ANSWER]
        value = given[0]["arguments"] if given else an_object(text)
        calls = [call for call in calls if call["name"] != ANSWER]
    return Reply(text, value, calls, metrics, stop)


def an_object(text: str) -> Any:
    """The JSON object that `text` is, or holds between fences; None where there is none."""
    fenced = FENCED.search(text)
    try:
        return jsonl.parse((fenced[1] if fenced else text).strip().encode())
    except ValueError:
        return None
