"""The lines of a rollout, one after the other, into a conversation.

Every message is written twice; the `response_item` is the message, the `event_msg` an event. A reply is what one
response of the model holds: it ends with the record of its tokens, with words of anybody else, and, in files that
keep no tokens (before mid 2025), with the output of a call."""

from collections.abc import Callable
from typing import Any

from bashgym import jsonl
from bashgym.codex.items import ANSWERS, answer_of, end_of, joined, server, shell_text
from bashgym.codex.results import Ran, ran
from bashgym.codex.usage import Usage
from bashgym.codex.words import content, kind_of
from bashgym.reading import blobs
from bashgym.reading.conversation import Conversation, lifted
from bashgym.reading.lines import Entry
from bashgym.reading.values import arguments, at, count, iso_ms, record, records, text
from bashgym.trace import CallInfo, Ending, Step, plain

NO_REPLY = frozenset({"ghost_snapshot", "compaction", "compaction_summary", "context_compaction"})


class Turns:
    """A thread while it is read."""

    def __init__(self, entries: list[Entry], thread: str) -> None:
        self.talk = Conversation(lift=False)
        self.thread = thread
        self.usage = Usage(entries)
        self.reply: Step | None = None  # the response that is being written
        self.model: str | None = None
        self.effort: str | None = None
        self.permission: str | None = None
        self.ending: Ending | None = None  # as the file says, None where it says nothing
        self.meta: dict[str, Any] = {}
        answered = {call for entry in entries if (call := answer_of(entry.value)) is not None}
        self.ends: dict[str, Entry] = {}  # the event that says how a call went, for each that has an output line
        for entry in entries:
            call = end_of(entry.value)
            if call in answered:
                self.ends.setdefault(call, entry)
        self.taken = {entry.line_no for entry in self.ends.values()}

    def read(self, entry: Entry) -> None:
        """One line, of any type."""
        kind = entry.value.get("type")
        payload = entry.value.get("payload")
        if kind in ("session_meta", "turn_context", "response_item", "event_msg", "compacted", "token_usage_record"):
            if isinstance(payload, dict):
                known: Callable[[Entry, dict[str, Any]], None] = getattr(self, kind)
                known(entry, payload)
            else:
                raw = jsonl.dumps(entry.value).decode()
                self.talk.bad(entry.line_no, f"a {kind} without a payload", raw)
        elif "payload" not in entry.value and isinstance(kind, str):
            self.response_item(entry, entry.value)  # 2025: an item without a wrapping
        else:
            self.event(entry, str(kind or "header"))

    def event(self, entry: Entry, kind: str) -> None:
        self.talk.event(kind, entry.value, ts=entry.text("timestamp"), line_no=entry.line_no)

    # Lines that are no words --------------------------------------------------------------------------------------

    def session_meta(self, entry: Entry, payload: dict[str, Any]) -> None:
        """The first one is the thread's own; more of them come with resuming and forking."""
        words = text(payload, "base_instructions", "text")
        if self.meta or words is None:
            self.meta = self.meta or payload
            return self.event(entry, "session_meta")
        self.meta = payload
        step = self.talk.say("system", words, ts=entry.text("timestamp"), line_no=entry.line_no)
        rest = {key: value for key, value in payload["base_instructions"].items() if key != "text"}
        step.info.foreign = {"session_meta": {**payload, "base_instructions": rest}}
        return None

    def turn_context(self, entry: Entry, payload: dict[str, Any]) -> None:
        self.model = text(payload, "model") or self.model
        settings = record(payload, "collaboration_mode", "settings")
        self.effort = text(payload, "effort") or text(settings, "reasoning_effort") or self.effort
        self.permission = text(payload, "approval_policy") or self.permission
        self.event(entry, "turn_context")

    def token_usage_record(self, entry: Entry, payload: dict[str, Any]) -> None:
        self.reply = None
        self.usage.recorded(entry, payload, self.talk)
        self.event(entry, "token_usage_record")

    def compacted(self, entry: Entry, payload: dict[str, Any]) -> None:
        """From here on the model saw a summary. Where the server made it, it cannot be read."""
        self.reply = None
        words = text(payload, "message")
        self.talk.compacted("auto", summary_follows=words is not None)
        if words is None:
            return self.event(entry, "compacted")
        stamp = entry.text("timestamp")
        step = self.talk.say("user", words, kind="compact_summary", ts=stamp, line_no=entry.line_no)
        step.info.foreign = {key: value for key, value in payload.items() if key != "message"}
        return None

    # Events -------------------------------------------------------------------------------------------------------

    def event_msg(self, entry: Entry, payload: dict[str, Any]) -> None:
        kind = str(payload.get("type"))
        call = end_of(entry.value)
        if entry.line_no in self.taken:
            return  # it goes with the output of its call
        self.turn(entry, kind, payload)
        if kind == "turn_aborted" and payload.get("reason") in ("interrupted", None):
            self.interrupted(entry)
        elif kind == "error":
            self.refused(entry, payload)
        elif kind == "web_search_end" and call in self.talk.calls:
            self.searched(entry, payload, call)
        else:
            self.event(entry, f"event_msg/{kind}")

    def turn(self, entry: Entry, kind: str, payload: dict[str, Any]) -> None:
        """What an event says of the turn as a whole."""
        if kind == "token_count":
            self.reply = None
            self.usage.counted(entry, payload, self.talk)
        elif kind in ("task_started", "turn_started"):
            self.reply, self.ending = None, "unknown"
        elif kind in ("task_complete", "turn_complete"):
            self.reply, self.ending = None, "error" if payload.get("error") else "completed"
        elif kind == "thread_rolled_back":
            self.roll_back(count(payload, "num_turns"))

    def interrupted(self, entry: Entry) -> None:
        """The user stopped the turn; the words Codex leaves for the model about it are the same interrupt."""
        self.reply, self.ending = None, "interrupted"
        last = self.talk.steps[-1] if self.talk.steps else None
        if last is not None and last.info.kind == "interrupt":
            return self.talk.mark(last, entry.line_no)
        self.talk.say("user", "", kind="interrupt", ts=entry.text("timestamp"), line_no=entry.line_no)
        return None

    def refused(self, entry: Entry, payload: dict[str, Any]) -> None:
        self.reply, self.ending = None, "error"
        words = text(payload, "message") or ""
        step = self.talk.say("system", words, kind="api_error", ts=entry.text("timestamp"), line_no=entry.line_no)
        step.info.foreign = {key: value for key, value in payload.items() if key != "message"}

    def roll_back(self, turns: int) -> None:
        """The last `turns` turns of the user are taken back."""
        for step in reversed(self.talk.steps):
            if turns < 1:
                return
            if step.info.active and step.info.kind != "system":
                step.info.active = False
                turns -= step.info.kind == "human"

    def searched(self, entry: Entry, payload: dict[str, Any], call: str) -> None:
        """A search on the server: its event is all the result there is."""
        stamp = entry.text("timestamp")
        self.talk.result(call, "", raw=payload, ts=stamp, line_no=entry.line_no)

    # Items of the conversation ------------------------------------------------------------------------------------

    def response_item(self, entry: Entry, payload: dict[str, Any]) -> None:
        kind = payload.get("type")
        if kind == "message":
            self.message(entry, payload)
        elif kind == "reasoning":
            self.reasoning(entry, payload)
        elif kind == "agent_message":
            self.heard(entry, payload)
        elif isinstance(kind, str) and kind.endswith("_call") and kind not in NO_REPLY:
            self.call(entry, payload, kind)
        elif isinstance(kind, str) and kind.endswith(ANSWERS):
            self.output(entry, payload)
        else:
            self.event(entry, f"response_item/{kind}")

    def replying(self, entry: Entry, payload: dict[str, Any], block: str) -> Step:
        """The response that is being written, with this line in it."""
        if self.reply is None:
            self.reply = self.talk.say("agent", "", ts=entry.text("timestamp"))
            self.reply.model_name, self.reply.reasoning_effort = self.model, self.effort
            self.usage.waiting.append(self.reply)
        step, name = self.reply, text(payload, "id")
        self.talk.mark(step, entry.line_no, name)
        step.info.blocks.append(block)
        step.info.message_id = step.info.message_id or name
        return step

    def message(self, entry: Entry, payload: dict[str, Any]) -> None:
        words = content(payload.get("content"))
        role = payload.get("role")
        if role == "assistant":
            step = self.replying(entry, payload, "text")
            step.message = lifted(joined(step.message, words))
            return
        self.reply = None
        system = role in ("developer", "system")
        kind = "system" if system else kind_of(payload, plain(words))
        step = self.talk.say(
            "system" if system else "user",
            words,
            kind=kind,
            ts=entry.text("timestamp"),
            line_no=entry.line_no,
            uuid=text(payload, "id"),
        )
        step.info.permission_mode = self.permission
        if kind == "interrupt":
            self.ending = "interrupted"

    def heard(self, entry: Entry, payload: dict[str, Any]) -> None:
        """What another agent said to this one."""
        self.reply = None
        stamp, name = entry.text("timestamp"), text(payload, "id")
        words = content(payload.get("content"))
        step = self.talk.say("user", words, kind="task_notification", ts=stamp, line_no=entry.line_no, uuid=name)
        step.info.foreign = {key: payload[key] for key in ("author", "recipient") if key in payload}

    def reasoning(self, entry: Entry, payload: dict[str, Any]) -> None:
        """Summaries, and the thinking itself where a local model left it readable; the rest is encrypted."""
        step = self.replying(entry, payload, "thinking")
        for part in [*records(payload, "summary"), *records(payload, "content")]:
            if (words := text(part, "text")) is not None:
                self.talk.think(step, words)

    def call(self, entry: Entry, payload: dict[str, Any], kind: str) -> None:
        step = self.replying(entry, payload, "tool_use")
        name = text(payload, "name") or text(payload, "function", "name") or kind.removesuffix("_call")
        given = next((payload[key] for key in ("arguments", "input", "action") if payload.get(key) is not None), None)
        call_id = text(payload, "call_id") or text(payload, "id") or ""
        custom = kind == "custom_tool_call"  # its input is text, whatever it looks like
        made = self.talk.call(step, call_id, name, given if custom else arguments(given))
        blobs.lift_long(made.arguments)
        made.extra.bashgym = CallInfo(mcp_server=server(payload, name), started_at=entry.text("timestamp"))

    def output(self, entry: Entry, payload: dict[str, Any]) -> None:
        if not self.usage.kept:
            self.reply = None
        call_id = text(payload, "call_id") or text(payload, "id") or ""
        end = self.ends.pop(call_id, None)
        told = (at(end.value, "payload", "item") or at(end.value, "payload")) if end else None
        value = next((payload[key] for key in ("output", "result", "tools") if key in payload), "")
        words = shell_text(record(value)) if "stdout" in record(value) else content(value)
        facts = ran(plain(words), record(told) or {"exit_code": at(value, "exitCode")})
        result = self.talk.result(
            call_id,
            words,
            is_error=facts.is_error,
            exit_code=facts.exit_code,
            raw=told if told is not None else None if isinstance(value, str) else value,
            ts=entry.text("timestamp"),
            line_no=entry.line_no,
        )
        step = self.talk.calls.get(call_id)
        for made in (step.tool_calls or []) if step else []:
            if made.tool_call_id == result.source_call_id:
                note(made.extra.bashgym, facts, record(told), end)
        if end is not None:
            self.talk.mark(step or self.talk.steps[-1], end.line_no)


def note(info: CallInfo, facts: Ran, told: dict[str, Any], end: Entry | None) -> None:
    """How a call went, on the call itself."""
    info.denied, info.duration_ms = facts.denied, facts.duration_ms
    started = at(end.value, "payload", "started_at_ms") if end else None
    info.started_at = iso_ms(started) or info.started_at
    info.mcp_server = text(told, "invocation", "server") or text(told, "server") or info.mcp_server
