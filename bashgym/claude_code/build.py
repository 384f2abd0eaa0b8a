"""Lines to a trace: one step for each model reply and each user turn, one event for every other line."""

from collections.abc import Iterable
from functools import cached_property
from typing import Any

from bashgym.claude_code import facts, replies, requests, results, tree, users, windows
from bashgym.claude_code.lines import Entry, Kinds, by_kind
from bashgym.reading import blobs
from bashgym.reading.branches import branches
from bashgym.reading.facts import outcome, totals
from bashgym.trace import (
    Event,
    Malformed,
    Observation,
    ObservationResult,
    SourceFile,
    SourceInfo,
    Step,
    StepExtra,
    StepInfo,
    ToolCall,
    Trace,
    TraceExtra,
    TraceInfo,
)

KIND = "claude_code"


class Conversation:
    """One conversation while its lines are read, in the order of the file."""

    def __init__(self, entries: list[Entry], kinds: Kinds) -> None:
        self.entries = entries
        self.steps: list[Step] = []
        self.events: list[Event] = []
        self.boundaries: list[windows.Boundary] = []
        self.replies: dict[replies.Key, replies.Reply] = {}
        self.first_keys: dict[str, replies.Key] = {}  # by message id
        self.last: tuple[replies.Key, replies.Reply] | None = None  # the lines of a reply mostly follow each other
        self.calls: dict[str, tuple[Step, ToolCall]] = {}
        self.kinds = kinds
        self.early: list[tuple[Entry, ObservationResult]] = []  # results that come before their calls in the file
        self.messages: dict[str, Entry] = {}  # the first of each uuid, to know copies
        self.again: dict[str, list[Any]] = {}  # by uuid: what later lines of it held
        self.tree = tree.Tree(entries)
        if told := requests.system_step(entries, kinds):
            self.steps.append(told)
            self.tree.plant()

    @cached_property
    def expected(self) -> frozenset[str]:
        """The calls that are anywhere in these lines: few files have a result before its call."""
        return expected_calls([*self.kinds.get("assistant", ()), *self.kinds.get("", ())])

    def read(self) -> None:
        messages = self.messages
        for entry in self.entries:
            role, uuid = entry.role, entry.uuid
            if role == "event":
                self.event(entry)
                continue
            if uuid is not None and messages.setdefault(uuid, entry) is not entry and self.is_copy(entry, uuid):
                blobs.lift_long(entry.value)
                self.events.append(event_of(entry, "duplicate"))
            elif role == "assistant":
                self.assistant(entry)
            else:
                self.user(entry)
        for entry, answer in self.early:
            self.attach(entry, answer)
        for reply in self.replies.values():
            reply.close()

    def event(self, entry: Entry) -> None:
        if entry.kind == "system" and (reason := windows.boundary(entry)):
            self.boundaries.append((len(self.steps), reason))
        self.events.append(Event(type=entry.kind, raw=entry.value, ts=entry.ts, line_no=entry.line_no))
        self.tree.note(entry)

    def is_copy(self, entry: Entry, uuid: str) -> bool:
        """The same uuid with the same message; the same uuid with another message is kept as a message."""
        content = said(entry)
        earlier = self.again.setdefault(uuid, [said(self.messages[uuid])])
        copy = content in earlier
        earlier.append(content)
        return copy

    def assistant(self, entry: Entry) -> None:
        reply = self.reply(entry)
        step = reply.step
        known = step.tool_calls
        earlier = len(known) if known else 0
        reply.add(entry)
        if calls := step.tool_calls:
            for call in calls[earlier:]:
                self.calls.setdefault(call.tool_call_id, (step, call))
        self.tree.add(entry, step.step_id - 1)

    def reply(self, entry: Entry) -> replies.Reply:
        """The reply of this line, begun with its first. Copies by an old resume have lost their request id."""
        written = key = replies.key_of(entry)
        if self.last is not None and self.last[0] == written:
            return self.last[1]
        first = self.first_keys.setdefault(key[0], key)
        if key[1] is None or first[1] is None:
            key = first
        found = self.replies.get(key)
        if found is None:
            found = self.replies[key] = replies.start(entry, key, len(self.steps) + 1)
            self.steps.append(found.step)
        self.last = (written, found)
        return found

    def user(self, entry: Entry) -> None:
        value = entry.value
        content = value["attachment"]["prompt"] if entry.role == "queued" else value["message"]["content"]
        answers = [] if type(content) is str else [block for block in content if block["type"] == "tool_result"]
        for number, block in enumerate(answers):
            if step := self.answer(entry, results.result(entry, block, number == 0)):
                self.tree.add(entry, step.step_id - 1)
            else:
                self.tree.note(entry)
        rest = [block for block in content if block["type"] != "tool_result"] if answers else content
        if rest or not answers:
            before = len(self.steps)
            self.steps.append(users.step(entry, before + 1, rest, own_line=not answers))
            self.tree.add(entry, before)

    def answer(self, entry: Entry, answer: ObservationResult) -> Step | None:
        """The step that a result belongs to: its caller's, none yet, or one of its own when nobody called."""
        if answer.source_call_id in self.calls:
            return self.attach(entry, answer)
        if answer.source_call_id in self.expected:
            self.early.append((entry, answer))
            return None
        foreign = {"tool_use_id": answer.source_call_id} if answer.source_call_id else {}
        answer.source_call_id = None  # ATIF: it must name a call of the same step
        info = StepInfo(kind="tool_result", parent=entry.parent, foreign=foreign)
        info.uuids = [entry.uuid] if entry.uuid else []
        step = Step(
            step_id=len(self.steps) + 1,
            source="system",
            timestamp=entry.ts,
            observation=Observation(results=[answer]),
            extra=StepExtra(bashgym=info),
        )
        self.steps.append(step)
        return step

    def attach(self, entry: Entry, answer: ObservationResult) -> Step:
        step, call = self.calls[answer.source_call_id or ""]
        if step.observation is None:
            step.observation = Observation(results=[answer])
        else:
            step.observation.results.append(answer)
        results.annotate(call.extra.bashgym, entry, answer)
        return step


def said(entry: Entry) -> Any:
    return entry.value.get("message") or entry.value.get("attachment")


def expected_calls(entries: Iterable[Entry]) -> frozenset[str]:
    """The ids of all calls that these lines hold, wherever in the file they come."""
    found = set()
    for entry in entries:
        content = entry.value["message"].get("content") if entry.role == "assistant" else None
        for block in content if isinstance(content, list) else ():
            if block["type"] == "tool_use" and isinstance(block.get("id"), str):
                found.add(block["id"])
    return frozenset(found)


def event_of(entry: Entry, mark: str = "", file: int = 0) -> Event:
    """The line verbatim; `mark` says why a message line is no step."""
    kind = entry.kind
    kind = f"{mark}:{kind}" if mark else kind
    return Event(type=kind, raw=entry.value, ts=entry.ts, line_no=entry.line_no, file=file)


def trace(
    entries: list[Entry],
    files: list[SourceFile],
    malformed: list[Malformed],
    session_id: str,
    trajectory_id: str | None = None,
) -> Trace:
    """The trace of one conversation whose lines are in `files[0]`, in their order; a sub-agent has a trajectory id."""
    kinds = by_kind(entries)
    talk = Conversation(entries, kinds)
    talk.read()
    own = [step for step in talk.steps if step.extra.bashgym.kind == "agent"]
    agent = facts.agent_of(entries, kinds, own)
    spoken = [*kinds.get("user", ())[:1], *kinds.get("user", ())[-1:]]
    entrypoint = next((found for entry in spoken if (found := entry.text("entrypoint"))), None)
    info = TraceInfo(
        source=SourceInfo(kind=KIND, client_version=agent.version, entrypoint=entrypoint, files=files),
        project=facts.project_of(entries, kinds, talk.steps),
        lineage=facts.inherit(kinds, talk.steps),
        context_windows=windows.windows(talk.steps, talk.boundaries),
        branches=branches(talk.steps, talk.tree.step_parents(), talk.tree.leaf),
        thinking=replies.thinking(talk.replies.values()),
        events=talk.events,
        malformed=malformed,
    )
    info.totals = totals(talk.steps)
    info.totals.cost_usd = facts.own_cost(kinds)
    info.usage_reliable = not own or any(step.extra.bashgym.stop_reason for step in own)
    info.outcome = outcome(talk.steps, talk.events)
    info.outcome.pr_urls = facts.pull_requests(kinds)
    info.outcome.ended = facts.ending(talk.steps, entries, malformed)
    return Trace(
        session_id=session_id,
        trajectory_id=trajectory_id,
        agent=agent,
        steps=talk.steps,
        extra=TraceExtra(bashgym=info),
    )
