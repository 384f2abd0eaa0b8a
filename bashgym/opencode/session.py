"""A session of OpenCode: its rows and those of its sub-agents, as traces.

Tokens: `input` is what neither came from the cache nor went to it. Whether `output` holds the `reasoning` depends on
the release: where there is a `total`, it says; before there was one, `output` held it."""

from collections.abc import Iterator
from typing import Any

from bashgym.errors import InputError
from bashgym.opencode import sessions
from bashgym.opencode.rows import Row, Stored, digest
from bashgym.opencode.sessions import SOURCE
from bashgym.opencode.tools import Done, done
from bashgym.reading import blobs, facts, subagents
from bashgym.reading.conversation import Conversation, metrics, source_info
from bashgym.reading.heap import undisturbed
from bashgym.reading.lines import legible
from bashgym.reading.values import at, count, iso_ms, record, text
from bashgym.records import SessionRef
from bashgym.trace import Agent, Lineage, Metrics, ProjectInfo, SourceFile, Step, StepKind, Trace

NAME = "opencode"
REASONS = {"stop": "end_turn", "tool-calls": "tool_use", "length": "max_tokens", "content-filter": "refusal"}
Parts = list[tuple[int, dict[str, Any]]]  # row numbers and values


def read(ref: SessionRef) -> Iterator[Trace]:
    """The session's trace, then its sub-agents'. Raises InputError when the database or a file cannot be read, or
    the session is gone."""
    family = sessions.read(ref)
    if not family:
        raise InputError(f"{ref.path}: session {ref.id} is gone; list the sessions again")
    known: dict[str, tuple[Trace, Talk]] = {}
    for stored in family:
        trace, talk = made(stored, ref)
        parent = known.get(stored.parent)
        known[stored.name] = (trace, talk)
        if parent is not None:
            subagents.tie(trace, parent[0], parent[1].started.get(stored.name))
        yield trace


@undisturbed()
def made(stored: Stored, ref: SessionRef) -> "tuple[Trace, Talk]":
    """The trace of one session's rows, which stand for the lines of a file."""
    talk = Talk(stored)
    header = stored.header
    version = text(header, "version")
    source = SourceFile(
        path=ref.path,
        sha256=digest([stored]),
        bytes=stored.size,
        lines=len(stored.rows),
        malformed=len(talk.malformed),
    )
    agent = Agent(name=NAME, version=version, extra={"agent_type": talk.mode} if talk.mode else {})
    project = ProjectInfo(cwd=text(header, "directory") or talk.cwd)
    sub = stored.name != ref.id
    lineage = Lineage(parent_trace=stored.parent or None, relation="subagent", depth=1) if stored.parent else Lineage()
    trace = talk.trace(ref.id, agent, source_info(SOURCE, [source], version), project, lineage)
    trace.trajectory_id = stored.name if sub else None
    trace.info.outcome.ended = facts.ended(trace.steps)
    return trace, talk


class Talk(Conversation):
    """The rows of one session into steps."""

    def __init__(self, stored: Stored) -> None:
        super().__init__(lift=False)
        self.started: dict[str, str] = {}  # a sub-agent's session -> the call that started it
        self.mode: str | None = None
        self.cwd: str | None = None
        self.system: str | None = None
        self.auto = True
        self.reverted: tuple[str, str] | None = None  # message, and part where only its end was taken back
        self.active = True
        waiting: list[tuple[int, Row, dict[str, Any]]] = []  # a message's row, then those of its parts
        for number, row in enumerate(stored.rows, 1):
            value, reason = row.value()
            if not belongs(row, waiting):
                self.message(waiting)
                waiting = []
            if reason is not None:
                self.bad(number, reason, legible(row.raw))
            elif row.kind == "session":
                self.head(number, value)
            else:
                waiting.append((number, row, value))
        self.message(waiting)
        self.events.sort(key=lambda event: event.line_no or 0)

    def head(self, number: int, value: dict[str, Any]) -> None:
        revert = record(value, "revert")
        if message := text(revert, "messageID"):
            self.reverted = (message, text(revert, "partID") or "")
        self.event("session", value, ts=iso_ms(value.get("time_created", at(value, "time", "created"))), line_no=number)

    def message(self, rows: list[tuple[int, Row, dict[str, Any]]]) -> None:
        """A message with its parts; parts whose message cannot be read become events."""
        if not rows:
            return
        number, row, value = rows[0]
        parts = [(number, value) for number, _, value in rows[1:]]
        before = len(self.steps)
        self.take_back(row)
        if row.kind == "part":
            self.put_aside([(number, value), *parts])
        elif value.get("role") == "user":
            self.user(row.name, number, value, parts)
        elif value.get("role") == "assistant":
            self.reply(row.name, number, value, parts)
        else:
            self.event("message", value, line_no=number)
            self.put_aside(parts)
        for step in self.steps[before:]:
            step.info.active = self.active

    def take_back(self, row: Row) -> None:
        """Messages from the reverted one on are no longer part of the session; of one whose end alone was, the
        beginning stays, and so does the message."""
        if self.reverted is not None and row.name >= self.reverted[0]:
            self.active = row.name == self.reverted[0] and bool(self.reverted[1])

    def put_aside(self, parts: Parts) -> None:
        for number, part in parts:
            self.event(f"part/{part.get('type')}", part, line_no=number)

    def user(self, name: str, number: int, value: dict[str, Any], parts: Parts) -> None:
        """What a person said, and what the client put beside it (the files that were named, reminders)."""
        stamp = iso_ms(at(value, "time", "created"))
        told = [one for one in parts if one[1].get("type") in ("text", "file") and not one[1].get("ignored")]
        own = [one for one in told if not one[1].get("synthetic")]
        added = [one for one in told if one[1].get("synthetic")]
        rest = [one for one in parts if one not in told]
        self.auto = all(part.get("auto") is not False for _, part in rest if part.get("type") == "compaction")
        if (words := text(value, "system")) is not None and words != self.system:
            self.system = words
            self.say("system", words, ts=stamp)
        first = None
        for kind, group in (("human", own), ("meta", added)):
            if group:
                step = self.said(name, group, kind, stamp)
                first = first or step
        if first is None:
            self.event("message", value, ts=stamp, line_no=number)
        else:
            self.noted(first, number, value)
        self.put_aside(rest)

    def said(self, name: str, group: Parts, kind: Any, stamp: str | None) -> Step:
        step = self.say("user", [shown(part) for _, part in group], kind=kind, ts=stamp, uuid=name)
        step.info.line_nos = [line for line, _ in group]
        return step

    @staticmethod
    def noted(step: Step, number: int, value: dict[str, Any]) -> None:
        """The message's own row, on its first step; what it holds beyond a step is kept there."""
        step.info.line_nos.insert(0, number)
        step.info.foreign = {**step.info.foreign, "message": value}

    def reply(self, name: str, number: int, value: dict[str, Any], parts: Parts) -> None:
        """A reply; old releases kept several in one message, each between a step-start and a step-finish."""
        kind: StepKind = "agent"
        if value.get("summary") is True:
            kind = "compact_summary"
            self.compacted("auto" if self.auto else "manual", summary_follows=True)
        self.mode = self.mode or text(value, "agent") or text(value, "mode")
        self.cwd = self.cwd or text(value, "path", "cwd")
        steps: list[Step] = []
        for line, part in parts:
            if not steps or (part.get("type") == "step-start" and filled(steps[-1])):
                steps.append(self.replying(name, len(steps), value, kind))
            self.part(steps[-1], line, part)
        if not steps:
            steps.append(self.replying(name, 0, value, kind))
        self.noted(steps[0], number, value)
        if all(step.metrics is None for step in steps):
            steps[-1].metrics = usage(value)
        last = steps[-1].info
        finish = text(value, "finish") or last.stop_reason
        over = at(value, "time", "completed") is not None
        last.stop_reason = REASONS.get(finish or "", finish) if over else "unfinished"
        self.failed(steps[-1], record(value, "error"))

    def replying(self, name: str, place: int, value: dict[str, Any], kind: StepKind) -> Step:
        step = self.say("agent", "", kind=kind, ts=iso_ms(at(value, "time", "created")), uuid=name)
        step.info.message_id = f"{name}/{place}" if place else name
        step.model_name = text(value, "modelID") or text(value, "model", "modelID")
        step.reasoning_effort = text(value, "variant")
        return step

    def failed(self, step: Step, error: dict[str, Any]) -> None:
        """How a reply ended that did not end well."""
        if not error:
            return
        name, words = text(error, "name") or "", text(error, "data", "message") or ""
        if name == "MessageAbortedError":
            self.say("user", "", kind="interrupt", ts=step.timestamp)
        elif name != "MessageOutputLengthError":
            self.say("system", words or name, kind="api_error", ts=step.timestamp)

    def part(self, step: Step, line: int, part: dict[str, Any]) -> None:
        kind = part.get("type")
        if kind == "text" and isinstance(part.get("text"), str):
            step.message = joined(step.message, shown(part))
            step.info.blocks.append("text")
        elif kind == "reasoning":
            self.think(step, text(part, "text") or "")
            step.info.blocks.append("thinking")
        elif kind == "tool":
            self.tool(step, part)
            step.info.blocks.append("tool_use")
        elif kind == "file":
            step.message = joined(step.message, shown(part))
        else:
            if kind == "step-finish":
                step.metrics = usage(part)
                step.info.stop_reason = text(part, "reason")
            return self.event(f"part/{kind}", part, line_no=line)
        self.mark(step, line)
        return None

    def tool(self, step: Step, part: dict[str, Any]) -> None:
        """A call with what came of it."""
        state = record(part, "state")
        made = self.call(step, text(part, "callID") or "", text(part, "tool") or "", state.get("input"))
        found: Done = done(state)
        info = made.extra.bashgym
        info.started_at, info.duration_ms, info.denied = found.started_at, found.duration_ms, found.denied
        child = text(state, "metadata", "sessionId") or text(state, "metadata", "sessionID")
        if child:
            self.started[child] = made.tool_call_id
        if found.over:
            content = [{"type": "text", "text": found.text}, *(shown(one) for one in found.files)]
            raw = {key: value for key, value in state.items() if key not in ("input", "output", "error", "attachments")}
            self.result(
                text(part, "callID") or "",
                content,
                is_error=found.is_error,
                exit_code=found.exit_code,
                raw=raw,
                ts=found.ended_at,
            ).extra.bashgym.truncated = found.truncated


def belongs(row: Row, waiting: list[tuple[int, Row, dict[str, Any]]]) -> bool:
    """Whether a row is a part of the message whose rows are being gathered, or one of no message like them."""
    if row.kind != "part" or not waiting:
        return False
    first = waiting[0][1]
    return first.kind == "part" or first.name == row.message


def shown(part: dict[str, Any]) -> dict[str, Any]:
    """A part as a step keeps it: text, a picture or file as type, hash and size."""
    if part.get("type") == "text" and isinstance(part.get("text"), str):
        return {"type": "text", "text": part["text"]}
    if part.get("type") == "file":
        kind = "image" if (text(part, "mime") or "image/").startswith("image/") else "file"
        named = {"filename": name} if (name := text(part, "filename")) else {}
        return {**blobs.picture(part.get("url")), "type": kind, **named}
    return part


def joined(message: Any, part: dict[str, Any]) -> Any:
    """The parts of one reply, in order; a single text stays text."""
    if message == "" and set(part) == {"type", "text"}:
        return part["text"]
    before = [{"type": "text", "text": message}] if isinstance(message, str) and message else message or []
    return [*before, part]


def filled(step: Step) -> bool:
    """Whether a reply has begun to say something."""
    return bool(step.info.blocks or step.message)


def usage(value: dict[str, Any]) -> Metrics | None:
    """Metrics of a reply. A cost of 0 is what OpenCode writes for a model whose price it does not know."""
    tokens = value.get("tokens")
    if not isinstance(tokens, dict):
        return None
    fresh, output, thinking = count(tokens, "input"), count(tokens, "output"), count(tokens, "reasoning")
    cache_read, written = count(tokens, "cache", "read"), count(tokens, "cache", "write")
    beside = count(tokens, "total") == fresh + output + thinking + cache_read + written
    cost = value.get("cost")
    paid = float(cost) if isinstance(cost, (int, float)) and not isinstance(cost, bool) and 0 < cost < 1e6 else None
    return metrics(fresh, output + thinking if beside else output, cache_read, written, paid, thinking)
