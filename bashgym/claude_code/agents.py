"""Sub-agents: told apart from the session they ran in, and tied to the call that started them."""

from collections.abc import Iterator
from typing import Any

import msgspec

from bashgym.claude_code.lines import Entry
from bashgym.trace import Step, ToolCall, Trace

COMPACTION = "acompact"  # the agent that writes the summary at a compaction; it is no work of the session


class Group(msgspec.Struct, eq=False):
    """The lines of one sub-agent within a session's own file."""

    name: str
    entries: list[Entry] = []


def split(entries: list[Entry]) -> tuple[list[Entry], list[Group]]:
    """The session's own lines, and those of sub-agents that were written among them (all up to 2.0.14).

    A group is known by its agent id, or by the root of its chain where lines have none."""
    if True not in [entry.sidechain for entry in entries]:
        return entries, []
    own: list[Entry] = []
    groups: dict[str, Group] = {}
    root_of: dict[str, str] = {}
    for entry in entries:
        uuid = entry.uuid
        if not entry.sidechain or uuid is None:
            own.append(entry)
            continue
        root = entry.text("agentId") or root_of.get(entry.parent or "") or uuid
        root_of.setdefault(uuid, root)
        groups.setdefault(root, Group(root, [])).entries.append(entry)
    spoken = {name: group for name, group in groups.items() if any(e.role != "event" for e in group.entries)}
    silent = [entry for name, group in groups.items() if name not in spoken for entry in group.entries]
    return (sorted([*own, *silent], key=lambda e: e.line_no) if silent else own), list(spoken.values())


def sole(own: list[Entry], groups: list[Group]) -> bool:
    """Whether a file is nothing but one sub-agent: its session's file is gone, or it was copied out alone."""
    return len(groups) == 1 and all(entry.role == "event" for entry in own)


class Link(msgspec.Struct):
    """What is known about where a sub-agent came from, beside its own words."""

    trace: Trace
    agent_id: str
    call_id: str | None = None  # from its meta file


def tie(main: Trace, links: list[Link]) -> None:
    """Sets each sub-agent's lineage, and its reference on the result of the call that started it.

    By the call id in its meta file, by the agent id in a result or a progress line, else by the prompt."""
    if not links:
        return
    traces = [main, *(link.trace for link in links)]
    calls = {call.tool_call_id: (trace, call) for trace in reversed(traces) for call in calls_of(trace)}
    by_agent = dict(pair for trace in traces for pair in mentions(trace))
    taken: set[str] = set()
    for link in links:
        call_id = next((c for c in (link.call_id, by_agent.get(link.agent_id)) if c in calls), None)
        call_id = call_id or by_prompt(link.trace, calls, taken)
        lineage = link.trace.info.lineage
        lineage.relation, lineage.depth, lineage.parent_trace = "subagent", 1, name(main)
        prompted(link.trace)
        if call_id is None or calls[call_id][0] is link.trace:
            continue
        taken.add(call_id)
        parent, call = calls[call_id]
        lineage.parent_trace, lineage.parent_call_id = name(parent), call_id
        refer(parent, call_id, link.trace)
        kind = call.arguments.get("subagent_type")
        if isinstance(kind, str):
            link.trace.agent.extra.setdefault("agent_type", kind)
    set_depths(main, links)


def name(trace: Trace) -> str:
    """What a trace is called where traces of many sessions meet."""
    return f"{trace.session_id}/{trace.trajectory_id}" if trace.trajectory_id else trace.session_id


def prompted(trace: Trace) -> None:
    """The first words a sub-agent hears are its caller's, not a person's; the step's origin says so."""
    first = opening(trace)
    if first is not None and first.info.kind == "human":
        first.info.origin = "parent"


def opening(trace: Trace) -> Step | None:
    """The first step that is no system prompt."""
    return next((step for step in trace.steps if step.info.kind != "system"), None)


def calls_of(trace: Trace) -> Iterator[ToolCall]:
    for step in trace.steps:
        yield from step.tool_calls or ()


def mentions(trace: Trace) -> Iterator[tuple[str, str]]:
    """Agent id and call id wherever a line names both: progress lines, then results, which are surer."""
    for event in trace.info.events:
        data = event.raw.get("data") if event.type == "progress" and isinstance(event.raw, dict) else None
        if isinstance(data, dict) and isinstance(data.get("agentId"), str):
            call_id: Any = event.raw.get("parentToolUseID")
            if isinstance(call_id, str):
                yield data["agentId"], call_id
    for step in trace.steps:
        for call_id, result in step.results().items():
            raw = result.extra.bashgym.raw
            if isinstance(raw, dict) and isinstance(raw.get("agentId"), str):
                yield raw["agentId"], call_id


def by_prompt(trace: Trace, calls: dict[str, tuple[Trace, ToolCall]], taken: set[str]) -> str | None:
    """The first call whose prompt is the sub-agent's first words and which started no other."""
    first = opening(trace)
    prompt = first.text if first is not None and first.source == "user" else ""
    for call_id, (parent, call) in calls.items():
        if prompt and call.arguments.get("prompt") == prompt and call_id not in taken and parent is not trace:
            return call_id
    return None


def refer(parent: Trace, call_id: str, child: Trace) -> None:
    """Puts the reference on the result of the call; a call that was never answered has nowhere to put it."""
    for step in parent.steps:
        result = step.results().get(call_id)
        if result is not None and any(call.tool_call_id == call_id for call in step.tool_calls or ()):
            found = result.subagent_trajectory_ref = result.subagent_trajectory_ref or []
            found.append({"trajectory_id": child.trajectory_id, "session_id": child.session_id})
            return


def set_depths(main: Trace, links: list[Link]) -> None:
    """1 for what the session started, 2 for what those started, and so on."""
    depth = {name(main): 0}
    for _ in links:
        for link in links:
            above = depth.get(link.trace.info.lineage.parent_trace or "")
            if above is not None:
                link.trace.info.lineage.depth = depth[name(link.trace)] = above + 1
