"""A session of Codex: its rollout and those of its sub-agents, as traces."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bashgym import jsonl
from bashgym.codex.files import SOURCE, parent_of
from bashgym.codex.turns import Turns
from bashgym.reading import facts, lines, subagents
from bashgym.reading.conversation import source_info
from bashgym.reading.heap import undisturbed
from bashgym.reading.lines import Entry, File
from bashgym.reading.values import at, record, text, whole
from bashgym.records import SessionRef
from bashgym.trace import Agent, Ending, Lineage, ProjectInfo, Trace

NAME = "codex"
UUID7_TIME = 12  # hexadecimal digits of a version 7 UUID that are milliseconds since 1970


def read(ref: SessionRef) -> Iterator[Trace]:
    """The session's trace, then its sub-agents'. Raises InputError when a file cannot be read."""
    main = thread(Path(ref.path), ref.id)
    yield main
    threads = {ref.id: main}
    for path in ref.files:
        child = thread(Path(path), ref.id, sub=True)
        meta = child.agent.extra
        parent = threads.get(meta.get("parent_thread") or "", main)
        threads[child.trajectory_id or path] = child
        subagents.tie(child, parent, started_by(parent, child.trajectory_id))
        yield child


@undisturbed()
def thread(path: Path, session: str, sub: bool = False) -> Trace:
    """One rollout."""
    file = lines.read(path, lift=True)
    if file.malformed and not file.entries:
        file = single(path, file)
    turns = Turns(file.entries, session)
    for entry in file.entries:
        turns.read(entry)
    talk = turns.talk
    talk.events.sort(key=lambda event: event.line_no or 0)
    talk.malformed.extend(file.malformed)
    file.source.malformed = len(talk.malformed)
    header = turns.meta or head(file.entries)
    name = text(header, "id") or path.stem[-36:]
    source = source_info(SOURCE, [file.source], text(header, "cli_version"), text(header, "originator"))
    trace = talk.trace(session, agent(header, turns), source, project(header, turns), lineage(header))
    trace.trajectory_id = name if sub else None
    identify(trace, name)
    copied(trace, header, file.entries)
    trace.info.outcome.ended = ended(trace, turns)
    return trace


def single(path: Path, file: File) -> File:
    """A rollout of the first releases: one JSON value `{"session": header, "items": [...]}` over many lines. Its
    records are counted from 1, the header first."""
    try:
        value = jsonl.parse(path.read_bytes())
    except ValueError:
        return file
    items = value.get("items") if isinstance(value, dict) else None
    if not isinstance(items, list):
        return file
    header = {key: inner for key, inner in value.items() if key != "items"}
    found = [header, *(item if isinstance(item, dict) else {"item": item} for item in items)]
    file.source.lines = len(found)
    return File(file.source, [Entry(number, item) for number, item in enumerate(found, 1)], [])


def head(entries: list[Entry]) -> dict[str, Any]:
    """The header of a file without a `session_meta`."""
    first = entries[0].value if entries else {}
    return record(first, "session") or (first if "type" not in first else {})


def agent(header: dict[str, Any], turns: Turns) -> Agent:
    """Codex, and what the header says of it that has no place elsewhere."""
    wanted = ("originator", "source", "model_provider", "agent_nickname", "agent_role", "agent_path")
    extra = {key: header[key] for key in wanted if header.get(key) is not None}
    if (parent := parent_of(header)) is not None:
        extra["parent_thread"] = parent
    role = text(header, "agent_role") or text(header, "source", "subagent")
    if role:
        extra["agent_type"] = role
    return Agent(name=NAME, version=text(header, "cli_version"), extra=extra)


def project(header: dict[str, Any], turns: Turns) -> ProjectInfo:
    """Where it worked; the header of 2025's files says only the commit."""
    contexts = (event.raw for event in turns.talk.events if event.type == "turn_context")
    cwd = text(header, "cwd") or next((found for raw in contexts if (found := text(raw, "payload", "cwd"))), None)
    git = record(header, "git")
    return ProjectInfo(cwd=cwd, git_branch=text(git, "branch"), git_commit=text(git, "commit_hash"))


def lineage(header: dict[str, Any]) -> Lineage:
    origin = text(header, "forked_from_id")
    if parent := parent_of(header):
        depth = whole(header, "source", "subagent", "thread_spawn", "depth")
        return Lineage(parent_trace=parent, relation="subagent", depth=max(depth or 1, 1))
    if at(header, "source", "subagent") is not None:
        return Lineage(relation="subagent", depth=1)
    return Lineage(parent_trace=origin, relation="fork") if origin else Lineage()


def identify(trace: Trace, thread_id: str) -> None:
    """Gives every reply an id that no reply of another session has, but its copy in a fork."""
    for step in trace.steps:
        if step.source == "agent" and not step.info.message_id:
            calls = step.tool_calls or ()
            named = next((call.tool_call_id for call in calls if call.tool_call_id.startswith("call_")), None)
            numbers = step.info.line_nos
            step.info.message_id = named or f"{thread_id}:{numbers[0] if numbers else f'step {step.step_id}'}"


def copied(trace: Trace, header: dict[str, Any], entries: list[Entry]) -> None:
    """Marks what a fork took over: lines up to the last that belongs to a turn older than the fork itself."""
    born = made_at(text(header, "id"))
    if not text(header, "forked_from_id") or born is None:
        return
    older = [entry.line_no for entry in entries if (made := made_at(turn_of(entry.value))) is not None and made < born]
    for step in trace.steps:
        numbers = step.info.line_nos
        step.is_copied_context = bool(older and numbers and max(numbers) <= older[-1] and min(numbers) > 1)
    trace.info.totals = facts.totals(trace.steps)


def turn_of(value: dict[str, Any]) -> str | None:
    payload = record(value, "payload")
    inner = record(payload, "internal_chat_message_metadata_passthrough")
    return text(payload, "turn_id") or text(inner, "turn_id")


def made_at(name: str | None) -> int | None:
    """Milliseconds since 1970 of a version 7 UUID."""
    digits = (name or "").replace("-", "")
    if len(digits) != 32 or digits[12] != "7":
        return None
    try:
        return int(digits[:UUID7_TIME], 16)
    except ValueError:
        return None


def ended(trace: Trace, turns: Turns) -> Ending:
    """As the file says; where it knows no turns, a reply was whole when the count of its tokens follows it."""
    if turns.ending == "completed":
        return "completed" if all_answered(trace) else "unknown"
    if turns.ending is not None:
        return turns.ending
    last = next((step for step in reversed(trace.steps) if step.info.kind == "agent"), None)
    base = facts.ended(trace.steps)
    return "unknown" if base == "completed" and (last is None or last.metrics is None) else base


def all_answered(trace: Trace) -> bool:
    """Whether the model had the last word: no call of its last reply is open, nothing was asked since."""
    for step in reversed(trace.steps):
        if step.info.kind == "agent":
            named = [call for call in step.tool_calls or () if call.function_name not in ("web_search", "tool_search")]
            return not named or all(call.tool_call_id in step.results() for call in named)
        if step.info.kind in facts.AFTERWARDS or step.info.kind == "system":
            continue
        return False
    return False


def started_by(parent: Trace, child: str | None) -> str | None:
    """The call of `parent` whose result, or whose end, names the thread `child`; calls that start agents first."""
    if not child:
        return None
    needle = child.encode()
    named: list[tuple[bool, str]] = []
    for step in parent.steps:
        calls = {call.tool_call_id: call.function_name for call in step.tool_calls or ()}
        for call_id, result in step.results().items():
            if call_id in calls and needle in jsonl.dumps([result.content, result.extra.bashgym.raw]):
                named.append(("spawn" not in calls[call_id], call_id))
    for event in parent.info.events:
        payload = record(event.raw, "payload")
        told = text(payload, "call_id") or text(payload, "event_id")
        if told and child in (payload.get("new_thread_id"), payload.get("agent_thread_id")):
            named.append((False, told))
    return min(named)[1] if named else None
