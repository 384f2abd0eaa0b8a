"""A session of Gemini CLI: its chat and those of its sub-agents, as traces.

Tokens as the API counts them: `input` holds what came from the cache but not what server-side tools were given
(`tool`), `output` does not hold the thinking (`thoughts`); all of them together are its `total`."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bashgym.gemini import log
from bashgym.gemini.files import SOURCE, project_root
from bashgym.gemini.log import Log, Message
from bashgym.gemini.parts import answer, exit_code, forbidden, is_injected, parts_of, shown, texts
from bashgym.reading import facts, lines, subagents
from bashgym.reading.conversation import Conversation, metrics, source_info
from bashgym.reading.files import content
from bashgym.reading.heap import undisturbed
from bashgym.reading.values import count, record, records, text
from bashgym.records import SessionRef
from bashgym.trace import Agent, Ending, Lineage, Metrics, ObservationResult, ProjectInfo, Step, Trace, plain

NAME = "gemini-cli"
OVER = frozenset({"success", "error", "cancelled"})  # statuses of calls that run no more
CANCELLED = "Request cancelled."


def read(ref: SessionRef) -> Iterator[Trace]:
    """The session's trace, then its sub-agents'. Raises InputError when a file cannot be read."""
    main, started = chat(Path(ref.path), ref.id)
    yield main
    for path in ref.files:
        child, _ = chat(Path(path), ref.id, sub=True)
        subagents.tie(child, main, started.get(child.trajectory_id or ""))
        yield child


@undisturbed()
def chat(path: Path, session: str, sub: bool = False) -> tuple[Trace, dict[str, str]]:
    """One chat, and which of its calls started which sub-agent."""
    data = content(path)
    file = lines.read(path, lift=True)
    told = log.read(file, data)
    talk = Talk(told, session)
    talk.malformed.extend(file.malformed)
    file.source.malformed = len(talk.malformed)
    name = text(told.header, "sessionId") or path.stem
    project = ProjectInfo(cwd=project_root(path, data))
    lineage = Lineage(relation="subagent", depth=1) if told.header.get("kind") == "subagent" else Lineage()
    trace = talk.trace(session, Agent(name=NAME), source_info(SOURCE, [file.source]), project, lineage)
    trace.trajectory_id = name if sub else None
    trace.info.outcome.ended = ended(trace, told)
    return trace, talk.started


def ended(trace: Trace, told: Log) -> Ending:
    """A reply is first written without the calls it makes: one without calls may be one whose calls still run. That
    a chat is over is certain only when the client has summed it up, which it does when the next one begins."""
    base = facts.ended(trace.steps)
    return "unknown" if base == "completed" and not text(told.header, "summary") else base


class Talk(Conversation):
    """A chat's messages into steps."""

    def __init__(self, told: Log, session: str) -> None:
        super().__init__(lift=False)
        self.session = session
        self.results: dict[str, ObservationResult] = {}
        self.started: dict[str, str] = {}  # a sub-agent's session -> the call that started it
        for kind, entry in told.others:
            self.event(kind, entry.value, ts=entry.text("timestamp"), line_no=entry.line_no)
        for place, (name, message) in enumerate(told.messages.items()):
            if place in told.cuts:
                self.compacted("auto", summary_follows=message.summary)
            before = len(self.steps)
            self.message(name, message)
            for step in self.steps[before:]:
                step.info.active = message.active
                if message.brought:
                    step.info.foreign = {**step.info.foreign, **message.brought}
        self.events.sort(key=lambda event: event.line_no or 0)

    def message(self, name: str, message: Message) -> None:
        kind = message.value.get("type")
        if kind == "user":
            self.user(name, message)
        elif kind == "gemini":
            self.reply(name, message)
        elif kind == "error":
            self.said(name, message, "system", texts(message.value.get("content")), kind="api_error")
        elif kind == "info" and texts(message.value.get("content")).strip() == CANCELLED:
            self.said(name, message, "user", "", kind="interrupt")
        else:
            for version in message.versions:
                stamp = version.text("timestamp")
                self.event(f"message/{kind}", version.value, ts=stamp, line_no=version.line_no)

    def said(self, name: str, message: Message, source: Any, words: Any, kind: Any = None) -> Step:
        step = self.say(source, words, kind=kind, ts=text(message.value, "timestamp"), uuid=name)
        step.info.line_nos = message.line_nos
        return step

    def user(self, name: str, message: Message) -> None:
        """Words of a person, context from the client, or the answers of tools, which the calls hold already."""
        parts = parts_of(message.value.get("content"))
        answers = [part for part in parts if isinstance(part.get("functionResponse"), dict)]
        rest = [part for part in parts if part not in answers]
        if rest or not answers:
            kind: Any = "meta" if message.injected or is_injected(texts(rest)) else "human"
            self.said(name, message, "user", shown(rest), kind="compact_summary" if message.summary else kind)
        first, *more = [None] if rest or not answers else message.line_nos
        for part in answers:
            self.answered(record(part, "functionResponse"), part, first, message)
            first = None
        if more:
            self.steps[-1].info.line_nos.extend(number for number in more if number is not None)

    def answered(self, response: dict[str, Any], part: dict[str, Any], line_no: int | None, message: Message) -> None:
        """The answer of a tool as it was sent to the model."""
        call_id = text(response, "id") or ""
        known = self.results.get(call_id)
        if known is None:
            wrong = "error" in record(response, "response")
            stamp = text(message.value, "timestamp")
            known = self.result(call_id, answer([part]), is_error=wrong, ts=stamp, line_no=line_no)
            self.results[call_id] = known
        elif known.extra.bashgym.line_no is None:
            known.extra.bashgym.line_no = line_no
        elif line_no is not None:
            self.mark(self.calls.get(call_id) or self.steps[-1], line_no)

    def reply(self, name: str, message: Message) -> None:
        value = message.value
        parts = parts_of(value.get("content"))
        step = self.said(name, message, "agent", shown([part for part in parts if not part.get("thought")]))
        step.info.message_id = name if not name.startswith("line ") else f"{self.session}:{name}"
        step.model_name = text(value, "model")
        step.metrics = usage(value.get("tokens"))
        for thought in records(value, "thoughts"):
            subject, body = text(thought, "subject"), text(thought, "description")
            self.think(step, "\n".join(line for line in (f"**{subject}**" if subject else None, body) if line))
        if not step.reasoning_content and (words := texts([part for part in parts if part.get("thought")])):
            self.think(step, words)
        calls = records(value, "toolCalls")
        for call in calls:
            self.tool_call(step, call)
        for part in [] if calls else parts:
            made = record(part, "functionCall")
            if made:
                self.call(step, text(made, "id") or "", text(made, "name") or "", made.get("args"))

    def tool_call(self, step: Step, call: dict[str, Any]) -> None:
        """A call with its answer; `resultDisplay` is what the user saw of it."""
        call_id, name, status = text(call, "id") or "", text(call, "name") or "", text(call, "status")
        made = self.call(step, call_id, name, call.get("args"))
        info = made.extra.bashgym
        info.mcp_server = server(text(call, "displayName"))
        if agent := text(call, "agentId"):
            self.started[agent] = made.tool_call_id
        if status not in OVER and not call.get("result"):
            return
        words = answer(parts_of(call.get("result")))
        code = exit_code(name, plain(words), status)
        info.denied = forbidden(plain(words), status)
        self.results[call_id] = self.result(
            call_id,
            words,
            is_error=status in ("error", "cancelled") or bool(code),
            exit_code=code,
            raw=call.get("resultDisplay"),
            ts=text(call, "timestamp"),
        )


def usage(tokens: Any) -> Metrics | None:
    """Metrics of one reply; the thinking is part of it."""
    if not isinstance(tokens, dict):
        return None
    cached, thoughts = count(tokens, "cached"), count(tokens, "thoughts")
    fresh = max(count(tokens, "input") - cached, 0) + count(tokens, "tool")
    return metrics(fresh, count(tokens, "output") + thoughts, cached, reasoning=thoughts)


def server(display: str | None) -> str | None:
    """The MCP server of a tool that is displayed as `tool (server MCP Server)`."""
    head, mark, _ = (display or "").partition(" MCP Server)")
    return head.rpartition("(")[2] or None if mark else None
