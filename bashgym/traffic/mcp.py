"""What an MCP client and its server said to each other, as traces: JSON-RPC 2.0, one message a line.

A line is a message alone, or a message in a wrapper that says who sent it and when. `bashgym capture mcp` writes

    {"ts": "<UTC, ISO 8601>", "direction": "client" | "server", "message": {...}}

and lines of its own, `{"ts", "direction": "proxy", ...}`. Other wrappers are understood where they have a message
under one of MESSAGE and a word for the sender under one of SENDER: whose word it is, is learnt from messages that
only one side sends. Each connection (from one `initialize` to the next) is a trace; a tool call is a step of it."""

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import msgspec

from bashgym.reading import blobs
from bashgym.reading.conversation import Conversation, source_info
from bashgym.reading.lines import Entry, File
from bashgym.reading.values import iso_or_text
from bashgym.trace import Agent, ProjectInfo, SourceFile, ToolCall, Trace

SOURCE = "mcp"
MESSAGE = ("message", "m", "msg", "payload")
SENDER = ("direction", "dir", "from", "sender")
TIME = ("ts", "timestamp", "time")
PROXY = "proxy"
CLIENT_SAYS = ("tools/", "resources/", "prompts/", "completion/", "logging/", "server/")
SERVER_SAYS = ("sampling/", "elicitation/", "roots/", "notifications/message", "notifications/resources/")
CLIENT_INFO = "io.modelcontextprotocol/clientInfo"
CLAUDE_CALL = "claudecode/toolUseId"  # where Claude Code says which of its own calls this is


class Message(msgspec.Struct, eq=False):
    """One JSON-RPC message: its line, its time, the wrapper's word for its sender, and who that is."""

    line_no: int
    ts: str | None
    label: str | None
    value: dict[str, Any]
    sender: str | None = None  # client, server, or None where nothing says so
    call: ToolCall | None = None  # what a request to call a tool became

    @property
    def method(self) -> str | None:
        found = self.value.get("method")
        return found if isinstance(found, str) else None

    @property
    def id(self) -> str | None:
        """The id as JSON, so that 1 and "1" differ; None for a notification."""
        found = self.value.get("id")
        return None if found is None else json.dumps(found)

    def part(self, key: str) -> dict[str, Any]:
        """The object at `key` (params, result, error); empty where there is none."""
        found = self.value.get(key)
        return found if isinstance(found, dict) else {}


def messages(entries: list[Entry]) -> Iterator[Message | Entry]:
    """The messages of all lines in order, senders worked out; what is no message as its line. A batch is several."""
    labels: dict[str, str] = {}
    found = [one for entry in entries for one in opened(entry)]
    for message in found:
        if isinstance(message, Message) and message.label and (side := side_of(message.method)):
            labels.setdefault(message.label, side)
    for label in ("client", "server"):
        labels[label] = label
    if len(labels) == 3:  # one word was learnt: the other side has the other
        (known,) = labels.keys() - {"client", "server"}
        others = {m.label for m in found if isinstance(m, Message) and m.label} - labels.keys()
        labels.update(dict.fromkeys(others, "server" if labels[known] == "client" else "client"))
    for message in found:
        if isinstance(message, Message):
            message.sender = labels.get(message.label or "") or side_of(message.method)
        yield message


def opened(entry: Entry) -> Iterator[Message | Entry]:
    """The messages of one line."""
    value = entry.value
    label = next((value[key] for key in SENDER if isinstance(value.get(key), str)), None)
    ts = next((iso_or_text(value[key]) for key in TIME if key in value), None)
    inner: Any = value if is_message(value) else next((value[key] for key in MESSAGE if key in value), None)
    batch = inner if isinstance(inner, list) else [inner]
    if label == PROXY or not batch or not all(isinstance(one, dict) and is_message(one) for one in batch):
        yield entry
        return
    for one in batch:
        yield Message(entry.line_no, ts, None if inner is value else label, one)


def is_message(value: dict[str, Any]) -> bool:
    return isinstance(value.get("method"), str) or ("id" in value and ("result" in value or "error" in value))


def side_of(method: str | None) -> str | None:
    """Who sends a method that only one side sends."""
    if method is None:
        return None
    if method in ("initialize", "notifications/initialized") or method.startswith(CLIENT_SAYS):
        return "client"
    return "server" if method.startswith(SERVER_SAYS) else None


def read(session: str, file: File) -> Iterator[Trace]:
    """A trace for each connection of a file, the first one without an id of its own."""
    source = file.source
    connections = list(split(messages(file.entries)))
    for number, connection in enumerate(connections or [[]], 1):
        link = Connection(session)
        if number == 1:
            link.talk.malformed += file.malformed
        for one in connection:
            link.take(one)
        lines = len({one.line_no for one in connection})
        bad = len(file.malformed) if number == 1 else 0
        part = SourceFile(path=source.path, sha256=source.sha256, bytes=source.bytes, lines=lines + bad, malformed=bad)
        trace = link.trace(part)
        trace.trajectory_id = f"connection-{number}" if number > 1 else None
        yield trace


def split(found: Iterator[Message | Entry]) -> Iterator[list[Message | Entry]]:
    """The messages by connection: one begins with `initialize`, or with the probe or the proxy's line before it."""
    connection: list[Message | Entry] = []
    begun = False
    for one in found:
        method = one.method if isinstance(one, Message) else None
        started = isinstance(one, Entry) and one.value.get("direction") == PROXY and "server" in one.value
        opens = method in ("initialize", "server/discover") or started
        if opens and begun:
            yield connection
            connection, begun = [], False
        begun = begun or method == "initialize"
        connection.append(one)
    if connection:
        yield connection


class Connection:
    """One connection while it is read."""

    def __init__(self, session: str) -> None:
        self.session = session
        self.talk = Conversation()
        self.pending: dict[tuple[str, str], Message] = {}  # by who asked, and the id
        self.tools: dict[str, dict[str, Any]] = {}
        self.client: dict[str, Any] = {}
        self.server: dict[str, Any] = {}
        self.opening: dict[str, Any] = {}  # the proxy's first line
        self.unmatched = 0

    def take(self, one: Message | Entry) -> None:
        """Puts a message where it belongs."""
        if isinstance(one, Entry):
            self.line(one)
        elif one.method is not None:
            self.asked(one)
        else:
            self.answered(one)

    def line(self, entry: Entry) -> None:
        """A line that is no message: the proxy's own, or what a server printed."""
        ours = entry.value.get("direction") == PROXY
        if ours:
            self.opening = self.opening or entry.value
        kind = PROXY if ours else "not JSON-RPC"
        ts = next((iso_or_text(entry.value[key]) for key in TIME if key in entry.value), None)
        self.talk.event(kind, entry.value, ts=ts, line_no=entry.line_no)

    def asked(self, message: Message) -> None:
        """A request or a notification."""
        if message.id is not None:
            self.pending[message.sender or "client", message.id] = message
        if message.method == "tools/call" and message.id is not None and message.sender != "server":
            self.call(message)
            return
        self.client = self.client or introduced(message.part("params"))
        if message.method == "notifications/cancelled":
            self.cancelled(message)
        self.talk.event(str(message.method), message.value, ts=message.ts, line_no=message.line_no)

    def call(self, message: Message) -> None:
        """One step of the agent: what it said beside the call is not on this wire."""
        params = message.part("params")
        meta = params.get("_meta") if isinstance(params.get("_meta"), dict) else {}
        own = meta.get(CLAUDE_CALL) if isinstance(meta, dict) else None
        step = self.talk.say("agent", "", ts=message.ts, line_no=message.line_no)
        step.info.message_id = own if isinstance(own, str) else f"{self.session}:{message.line_no}:{message.id}"
        step.info.request_id = message.id
        step.info.blocks = ["tool_use"]
        step.info.stop_reason = "tool_use"
        step.info.foreign = {key: value for key, value in params.items() if key not in ("name", "arguments")}
        name = params.get("name")
        call_id = own if isinstance(own, str) else str(message.id)
        made = self.talk.call(step, call_id, name if isinstance(name, str) else "", params.get("arguments"))
        made.extra.bashgym.started_at = message.ts
        message.call = made

    def cancelled(self, message: Message) -> None:
        named = message.part("params").get("requestId")
        request = self.pending.get((message.sender or "client", json.dumps(named)))
        if request is not None and request.call is not None:
            request.call.extra.bashgym.interrupted = True

    def answered(self, message: Message) -> None:
        """A result or an error: of the side that did not send it."""
        sides = {"client": ["server"], "server": ["client"]}.get(message.sender or "", ["client", "server"])
        keys = [(side, message.id) for side in sides if message.id is not None]
        request = next((self.pending.pop(key) for key in keys if key in self.pending), None)
        if request is None:
            self.unmatched += 1
            self.talk.event("response without request", message.value, ts=message.ts, line_no=message.line_no)
            return
        if request.call is not None:
            self.result(message, request.call)
            return
        if request.method == "initialize":
            info = message.part("result").get("serverInfo")
            self.server = info if isinstance(info, dict) else {}
        if request.method == "tools/list":
            listed = message.part("result").get("tools")
            self.tools.update(
                definition(one) for one in (listed if isinstance(listed, list) else []) if isinstance(one, dict)
            )
        kind = "error" if "error" in message.value else "result"
        self.talk.event(f"{request.method} {kind}", message.value, ts=message.ts, line_no=message.line_no)

    def result(self, message: Message, made: ToolCall) -> None:
        """The answer to a tool call: a result that says isError is one, and so is a JSON-RPC error."""
        result, error = message.part("result"), message.part("error")
        content = result.get("content")
        if "error" in message.value:
            words = str(error.get("message") or message.value["error"])
            answer = self.talk.result(made.tool_call_id, words, is_error=True, raw={"error": message.value["error"]})
        else:
            parts = [part_of(part) for part in content] if isinstance(content, list) else None
            rest = {key: value for key, value in result.items() if key not in ("content", "isError")}
            if not isinstance(message.value.get("result"), dict):
                rest = {"result": message.value.get("result")}
            if parts is None and content is not None:
                rest["content"] = content
            failed = result.get("isError") is True
            answer = self.talk.result(made.tool_call_id, parts, is_error=failed, raw=rest or None)
        answer.extra.bashgym.ts = message.ts
        answer.extra.bashgym.line_no = message.line_no
        made.extra.bashgym.duration_ms = between(made.extra.bashgym.started_at, message.ts)

    def trace(self, source: SourceFile) -> Trace:
        for made in (call for step in self.talk.steps for call in step.tool_calls or []):
            made.extra.bashgym.mcp_server = text(self.server, "name")
        agent = Agent(name=text(self.client, "name") or "MCP client", version=text(self.client, "version"))
        agent.tool_definitions = list(self.tools.values()) or None
        info = source_info(SOURCE, [source], entrypoint=text(self.server, "name"))
        if self.opening:
            info.captured_by = "proxy"
        project = ProjectInfo(cwd=text(self.opening, "cwd"))
        trace = self.talk.trace(self.session, agent, info, project, usage_reliable=False)
        counts = {"requests without response": len(self.pending), "responses without request": self.unmatched}
        trace.info.foreign = {key: n for key, n in counts.items() if n}
        return trace


def introduced(params: dict[str, Any]) -> dict[str, Any]:
    """What the client says of itself: in `initialize`, or, since 2026, with each request."""
    meta = params.get("_meta")
    known = meta.get(CLIENT_INFO) if isinstance(meta, dict) else None
    found = params.get("clientInfo") or known
    return found if isinstance(found, dict) else {}


def definition(tool: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """A tool's name, and what it is in OpenAI's shape."""
    name = str(tool.get("name"))
    schema = tool.get("inputSchema")
    parameters = schema if isinstance(schema, dict) else {"type": "object", "properties": {}}
    described = {"name": name, "description": str(tool.get("description") or ""), "parameters": parameters}
    return name, {"type": "function", "function": described}


def part_of(part: Any) -> dict[str, Any]:
    """A content block: base64 becomes its hash and size, a resource's text is text."""
    if not isinstance(part, dict):
        return {"type": "text", "text": str(part)}
    if isinstance(part.get("data"), str) and part.get("type") in ("image", "audio"):
        rest = {key: value for key, value in part.items() if key not in ("data", "mimeType")}
        return {**rest, "media_type": part.get("mimeType"), **blobs.digest(part["data"])}
    resource = part.get("resource")
    if part.get("type") == "resource" and isinstance(resource, dict):
        rest = {key: value for key, value in resource.items() if key not in ("text", "blob")}
        if isinstance(resource.get("text"), str):
            return {"type": "resource", "text": resource["text"], **rest}
        if isinstance(resource.get("blob"), str):
            return {"type": "resource", **rest, **blobs.digest(resource["blob"])}
    return part if isinstance(part.get("type"), str) else {**part, "type": str(part.get("type"))}


def between(start: str | None, end: str | None) -> int | None:
    """Milliseconds between two times; None where either is none."""
    try:
        passed = datetime.fromisoformat(str(end)) - datetime.fromisoformat(str(start))
    except (ValueError, TypeError):
        return None
    return round(passed.total_seconds() * 1000)


def text(value: dict[str, Any], key: str) -> str | None:
    found = value.get(key)
    return found if isinstance(found, str) and found else None
