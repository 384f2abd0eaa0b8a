"""What our hooks saw of a session (`spool/claude_code/<session>.jsonl`), folded into its traces.

The session's own file says what was done; hooks add how long it took, what was asked of the user, what failed without a
result ever being written, and which model the user went on with. Every line of the spool is an event of the session's
trace; what it tells goes to the call, sub-agent or outcome it is about, whichever trace that is in. A hook registered
twice writes each event twice: nothing here counts lines."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from bashgym import jsonl
from bashgym.reading import facts, lines
from bashgym.trace import Event, Malformed, ModelSwitch, SourceFile, ToolCall, Trace

FOLDERS = ("spool", "claude_code")
SPOKEN = frozenset({"UserPromptSubmit", "PreToolUse", "PostToolUse", "PostToolUseFailure", "PermissionRequest"})
RESTING = frozenset({"Stop", "StopFailure", "SessionEnd"})


def is_spool(path: Path) -> bool:
    """Whether `path` is what our hooks wrote."""
    return path.parts[-3:-1] == FOLDERS


def fold(traces: list[Trace], path: Path) -> None:
    """Adds the spool file `path` to the session `traces[0]`, and what it tells to whom it is about."""
    main = traces[0]
    file = spooled(path, len(main.info.source.files))
    main.info.source.files.append(file.source)
    main.info.source.captured_by = "hook"
    main.info.malformed += file.malformed
    main.info.events += file.events
    tell(traces, file.seen)


Seen = list[tuple[str, dict[str, Any], str | None]]


class Spool(NamedTuple):
    """A spool file as read; `seen` has the kind, the fields and the time of each event."""

    source: SourceFile
    events: list[Event]
    malformed: list[Malformed]
    seen: Seen


def spooled(path: Path, number: int) -> Spool:
    """The spool file `path`, which is file `number` of its trace. Raises InputError when it cannot be read."""
    file = lines.read(path, number, lift=True)
    found = Spool(file.source, [], file.malformed, [])
    for entry in file.entries:
        event = entry.value.get("event")
        told: dict[str, Any] = event if isinstance(event, dict) else {}
        kind = text(told, "hook_event_name") or "unknown"
        when = entry.text("ts")
        line_no, raw = entry.line_no, entry.value
        found.events.append(Event(type=f"hook:{kind}", raw=raw, ts=when, line_no=line_no, file=number))
        found.seen.append((kind, told, when))
    return found


def tell(traces: list[Trace], seen: Seen) -> None:
    """Everything that events tell, to whom it is about."""
    tell_calls(traces, seen)
    tell_agents(traces, seen)
    tell_session(traces[0], seen)


def tell_calls(traces: list[Trace], seen: Seen) -> None:
    """Durations, questions to the user and failures; the counts of the outcome follow."""
    calls = calls_by_id(traces)
    waiting: dict[tuple[str, bytes], str] = {}  # a question to the user names no call: it is the last one like it
    for kind, told, _ in seen:
        like = (text(told, "tool_name"), jsonl.dumps(told.get("tool_input")))
        call_id = text(told, "tool_use_id")
        if kind == "PreToolUse":
            waiting[like] = call_id
        elif kind == "PermissionRequest":
            call_id = call_id or waiting.get(like, "")
        for call in calls.get(call_id, ()):
            tell_call(call, kind, told)
    for trace in traces:
        recount(trace)


def tell_call(call: ToolCall, kind: str, told: dict[str, Any]) -> None:
    info = call.extra.bashgym
    duration = told.get("duration_ms")
    if kind in ("PostToolUse", "PostToolUseFailure") and isinstance(duration, (int, float)):
        info.duration_ms = int(duration)
    if kind == "PermissionRequest":
        info.asked = True
    elif kind == "PermissionDenied":
        info.permission, info.denied = "denied", info.denied or "classifier"
        info.reason = text(told, "reason") or info.reason
    elif kind == "PostToolUseFailure":
        info.error = text(told, "error") or info.error or "failed"
        info.interrupted = told.get("is_interrupt") is True
    elif kind == "PostToolUse" and info.asked and info.permission is None:
        info.permission, info.permission_by = "allowed", "user"  # it was asked, and then it ran


def recount(trace: Trace) -> None:
    """The counts of the outcome once more: a failure that the file does not tell is an error, too."""
    outcome = trace.info.outcome
    for step in trace.steps:
        results = step.results()
        for call in step.tool_calls or ():
            failed = call.extra.bashgym.error is not None
            if failed and call.tool_call_id in results:
                results[call.tool_call_id].extra.bashgym.is_error = True
    counts = facts.outcome(trace.steps, trace.info.events)
    outcome.tool_errors, outcome.rejections = counts.tool_errors, counts.rejections
    outcome.tool_errors += sum(
        call.extra.bashgym.error is not None and call.tool_call_id not in step.results()
        for step in trace.steps
        for call in step.tool_calls or ()
    )


def calls_by_id(traces: Iterable[Trace]) -> dict[str, list[ToolCall]]:
    """Calls by id; a copy of a call in another trace is told the same."""
    found: dict[str, list[ToolCall]] = {}
    for trace in traces:
        for step in trace.steps:
            for call in step.tool_calls or ():
                found.setdefault(call.tool_call_id, []).append(call)
    return found


def tell_agents(traces: list[Trace], seen: Seen) -> None:
    """The type of each sub-agent. The writer of a compaction's summary is told with an empty one."""
    agents = {trace.trajectory_id: trace for trace in traces[1:] if trace.trajectory_id}
    for kind, told, _ in seen:
        agent, name = agents.get(text(told, "agent_id")), text(told, "agent_type")
        if kind in ("SubagentStart", "SubagentStop") and agent is not None and name:
            agent.agent.extra.setdefault("agent_type", name)


def tell_session(main: Trace, seen: Seen) -> None:
    """Changes of the model, why the session ended, and that it has not where the last thing seen was work."""
    outcome = main.info.outcome
    last: tuple[str, str] = ("", "")
    for kind, told, when in seen:
        if kind == "PostModelSwitch":
            main.info.model_switches.append(switch(told, when))
        elif kind == "SessionEnd":
            outcome.end_reason = text(told, "reason") or None
        if kind in SPOKEN | RESTING and not text(told, "agent_id"):
            last = (kind, when or "")
    written = max((step.timestamp or "" for step in main.steps), default="")
    if outcome.ended == "completed" and last[0] in SPOKEN and last[1] >= written:
        outcome.ended = "unknown"


def switch(told: dict[str, Any], when: str | None) -> ModelSwitch:
    before, after, source = (text(told, key) or None for key in ("from_model", "to_model", "source"))
    return ModelSwitch(ts=when, from_model=before, to_model=after, source=source)


def text(value: dict[str, Any], key: str) -> str:
    found = value.get(key)
    return found if isinstance(found, str) else ""
