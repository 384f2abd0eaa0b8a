"""The events of one agent, the session's own or a sub-agent, into a conversation."""

from collections.abc import Callable
from typing import Any

from bashgym import jsonl
from bashgym.copilot.results import ran
from bashgym.reading import blobs
from bashgym.reading.conversation import Conversation, lifted, metrics
from bashgym.reading.lines import Entry
from bashgym.reading.values import arguments, at, count, record, records, text, whole
from bashgym.trace import Metrics, Step, StepKind, ToolCall

PERSONS = (None, "user", "human", "cli", "")  # what `source` says of words that a person typed
OVER = frozenset({"assistant.turn_end", "session.idle", "session.shutdown", "session.task_complete", "assistant.idle"})
KNOWN = {
    "session.start": "started",
    "session.resume": "started",
    "session.model_change": "model_changed",
    "session.error": "refused",
    "session.compaction_complete": "compaction",
    "session.truncation": "truncated",
    "session.snapshot_rewind": "rewound",
    "user.message": "user",
    "system.message": "system",
    "system.notification": "notified",
    "assistant.message": "said",
    "assistant.reasoning": "thought",
    "assistant.usage": "used",
    "tool.user_requested": "requested",
    "tool.execution_start": "call_started",
    "tool.execution_complete": "call_ended",
    "permission.requested": "asked",
    "permission.completed": "permitted",
    "abort": "aborted",
}


class Talk(Conversation):
    """An agent while its events are read. `over` says whether the file marks the last reply as the end of a turn."""

    def __init__(self, session: str) -> None:
        super().__init__(lift=False)
        self.session = session
        self.reply: Step | None = None  # the answer that is being written
        self.model: str | None = None
        self.effort: str | None = None
        self.over = False
        self.lines = 0
        self.pending: list[Entry] = []  # thinking that no message has taken yet
        self.made: dict[str, ToolCall] = {}
        self.by_user: set[str] = set()  # calls that a person made
        self.places: dict[str, int] = {}  # by event: how many steps there were before it
        self.requests: dict[str, str] = {}  # a request for permission -> the call it is about
        self.permissions: dict[str, str] = {}  # call -> how the request was answered

    def read(self, entry: Entry) -> None:
        """One event, of any type."""
        self.lines += 1
        kind, data = entry.text("type"), entry.value.get("data")
        if kind is None or not isinstance(data, dict):
            return self.bad(entry.line_no, "an event without type or data", jsonl.dumps(entry.value).decode())
        if name := entry.text("id"):
            self.places.setdefault(name, len(self.steps))
        self.over = kind in OVER or (self.over and kind != "assistant.message")
        if kind in KNOWN:
            known: Callable[[Entry, dict[str, Any]], None] = getattr(self, KNOWN[kind])
            known(entry, data)
        else:
            self.note(entry)
        return None

    def note(self, entry: Entry) -> None:
        self.event(entry.text("type") or "unknown", entry.value, ts=entry.text("timestamp"), line_no=entry.line_no)

    def finish(self) -> None:
        """What is left when the file ends."""
        for entry in self.pending:
            self.note(entry)
        self.events.sort(key=lambda event: event.line_no or 0)

    def spoken(self, entry: Entry, source: Any, message: Any, kind: StepKind | None = None) -> Step:
        self.reply = None
        name, stamp = entry.text("id"), entry.text("timestamp")
        return self.say(source, message, kind=kind, ts=stamp, line_no=entry.line_no, uuid=name)

    # What is no message -------------------------------------------------------------------------------------------

    def started(self, entry: Entry, data: dict[str, Any]) -> None:
        self.model = text(data, "selectedModel") or self.model
        self.effort = text(data, "reasoningEffort") or self.effort
        self.note(entry)

    def model_changed(self, entry: Entry, data: dict[str, Any]) -> None:
        self.model = text(data, "newModel") or self.model
        self.effort = text(data, "reasoningEffort") or self.effort
        self.note(entry)

    def compaction(self, entry: Entry, data: dict[str, Any]) -> None:
        summary = text(data, "summaryContent")
        if data.get("success") is not False:
            by_hand = text(data, "trigger") == "manual" or text(data, "customInstructions") is not None
            self.compacted("manual" if by_hand else "auto", summary_follows=summary is not None)
        if summary is None or data.get("success") is False:
            return self.note(entry)
        step = self.spoken(entry, "user", summary, "compact_summary")
        step.info.foreign = {key: value for key, value in data.items() if key != "summaryContent"}
        return None

    def truncated(self, entry: Entry, data: dict[str, Any]) -> None:
        """The oldest messages were dropped; the conversation goes on."""
        self.compacted("micro")
        self.note(entry)

    def rewound(self, entry: Entry, data: dict[str, Any]) -> None:
        """The named event, and all after it, are taken back."""
        place = self.places.get(text(data, "upToEventId") or "", len(self.steps))
        for step in self.steps[place:]:
            step.info.active = False
        self.reply = None
        self.note(entry)

    def asked(self, entry: Entry, data: dict[str, Any]) -> None:
        request, call = text(data, "requestId"), text(data, "permissionRequest", "toolCallId")
        if request and call:
            self.requests[request] = call
        self.note(entry)

    def permitted(self, entry: Entry, data: dict[str, Any]) -> None:
        call = self.requests.get(text(data, "requestId") or "") or text(data, "toolCallId")
        answer = text(data, "result", "kind")
        if call and answer:
            self.permissions[call] = answer
        self.note(entry)

    def used(self, entry: Entry, data: dict[str, Any]) -> None:
        """Tokens of the last reply; few releases write this."""
        last = next((step for step in reversed(self.steps) if step.source == "agent"), None)
        if last is not None and (last.metrics is None or last.metrics.prompt_tokens is None):
            last.metrics = usage(data)
        self.note(entry)

    # Words --------------------------------------------------------------------------------------------------------

    def user(self, entry: Entry, data: dict[str, Any]) -> None:
        """What a person typed; `transformedContent`, which the model saw, and attachments are kept beside it."""
        kind: StepKind = "human" if data.get("source") in PERSONS else "meta"
        if text(data, "agentMode") == "shell":
            kind = "bash"
        step = self.spoken(entry, "user", text(data, "content") or "", kind)
        step.info.foreign = {key: value for key, value in data.items() if key != "content" or value != step.message}

    def system(self, entry: Entry, data: dict[str, Any]) -> None:
        step = self.spoken(entry, "system", text(data, "content") or "")
        step.info.foreign = {key: value for key, value in data.items() if key != "content"}

    def notified(self, entry: Entry, data: dict[str, Any]) -> None:
        step = self.spoken(entry, "user", text(data, "content") or "", "task_notification")
        step.info.foreign = {key: value for key, value in data.items() if key != "content"}

    def refused(self, entry: Entry, data: dict[str, Any]) -> None:
        step = self.spoken(entry, "system", text(data, "message") or "", "api_error")
        step.info.foreign = {key: value for key, value in data.items() if key != "message"}

    def aborted(self, entry: Entry, data: dict[str, Any]) -> None:
        step = self.spoken(entry, "user", "", "interrupt")
        step.info.foreign = dict(data)

    def thought(self, entry: Entry, data: dict[str, Any]) -> None:
        """Thinking comes before its message, which may hold it too."""
        self.pending.append(entry)

    def said(self, entry: Entry, data: dict[str, Any]) -> None:
        """A reply; a long one comes in several events of one message id."""
        name = text(data, "messageId")
        if self.reply is None or not name or self.reply.info.message_id != name:
            self.reply = self.replying(entry)
            self.reply.info.message_id = name or entry.text("id") or f"{self.session}:{entry.line_no}"
        else:
            self.mark(self.reply, entry.line_no, entry.text("id"))
        step = self.reply
        step.info.request_id = text(data, "requestId") or text(data, "apiCallId") or step.info.request_id
        step.model_name = text(data, "model") or step.model_name
        self.think_aloud(step, text(data, "reasoningText"))
        if words := text(data, "content"):
            step.message = lifted(f"{step.message}{words}")
            step.info.blocks.append("text")
        for request in records(data, "toolRequests"):
            self.request(step, text(request, "toolCallId") or "", text(request, "name") or "", request.get("arguments"))
        if (output := whole(data, "outputTokens")) is not None:
            before = step.metrics.completion_tokens or 0 if step.metrics else 0
            step.metrics = Metrics(completion_tokens=max(output, before, 0))

    def replying(self, entry: Entry) -> Step:
        step = self.spoken(entry, "agent", "")
        step.model_name, step.reasoning_effort = self.model, self.effort
        return step

    def think_aloud(self, step: Step, own: str | None) -> None:
        if own is not None:
            self.think(step, own)
            step.info.blocks.append("thinking")
        for entry in self.pending:
            words = text(entry.value, "data", "content")
            if own is None and words is not None:
                self.think(step, words)
                step.info.blocks.append("thinking")
                self.mark(step, entry.line_no, entry.text("id"))
            else:
                self.note(entry)
        self.pending = []

    # Calls --------------------------------------------------------------------------------------------------------

    def request(self, step: Step, call_id: str, name: str, given: Any) -> None:
        made = self.call(step, call_id, name, arguments(given))
        blobs.lift_long(made.arguments)
        self.made[call_id] = made
        step.info.blocks.append("tool_use")

    def requested(self, entry: Entry, data: dict[str, Any]) -> None:
        if call := text(data, "toolCallId"):
            self.by_user.add(call)
        self.note(entry)

    def call_started(self, entry: Entry, data: dict[str, Any]) -> None:
        """The beginning of a call; one that no message asked for is the model's all the same."""
        call_id = text(data, "toolCallId") or ""
        if call_id in self.by_user:
            return self.note(entry)
        if call_id not in self.made:
            step = self.reply or self.replying(entry)
            step.info.message_id = step.info.message_id or entry.text("id") or f"{self.session}:{entry.line_no}"
            self.reply = step
            self.request(step, call_id, text(data, "toolName") or "", data.get("arguments"))
        info = self.made[call_id].extra.bashgym
        info.started_at = info.started_at or entry.text("timestamp")
        info.mcp_server = text(data, "mcpServerName") or info.mcp_server
        self.mark(self.calls[call_id], entry.line_no)
        return None

    def call_ended(self, entry: Entry, data: dict[str, Any]) -> None:
        call_id = text(data, "toolCallId") or ""
        found = ran(data, self.permissions.get(call_id))
        if call_id in self.by_user or data.get("isUserRequested") is True:
            self.spoken(entry, "user", found.text, "bash").info.foreign = {"call": data}
            return
        self.result(
            call_id,
            found.text,
            is_error=found.is_error,
            exit_code=found.exit_code,
            raw={key: value for key, value in data.items() if key != "toolCallId"},
            ts=entry.text("timestamp"),
            line_no=entry.line_no,
        )
        self.reply = None
        if call_id in self.made:
            info = self.made[call_id].extra.bashgym
            info.denied, info.duration_ms = found.denied, found.duration_ms


def usage(data: dict[str, Any]) -> Metrics:
    """Tokens; `inputTokens` holds what came from the cache and what went to it."""
    read, written = count(data, "cacheReadTokens"), count(data, "cacheWriteTokens")
    fresh = max(count(data, "inputTokens") - read - written, 0)
    thinking = whole(data, "reasoningTokens")
    return metrics(fresh, count(data, "outputTokens"), read, written, reasoning=thinking)


def consumed(data: dict[str, Any]) -> dict[str, Metrics]:
    """Tokens of a session by model, as it says when it is shut down; empty where it says only their number."""
    found = record(data, "modelMetrics")
    return {model: usage(tokens) for model, one in found.items() if isinstance(tokens := at(one, "usage"), dict)}
