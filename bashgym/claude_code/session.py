"""One session with its sub-agents: its files to traces, every line in one of them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from bashgym.claude_code import agents, asides, build, files, hooks, kinds, lines, unwritten
from bashgym.claude_code.lines import Entry, SessionFile
from bashgym.reading.files import bare
from bashgym.reading.heap import undisturbed
from bashgym.records import SessionRef
from bashgym.trace import Event, Lineage, Malformed, SourceFile, Trace


def read(ref: SessionRef) -> list[Trace]:
    """The session's trace first, then one for each sub-agent. Raises InputError when a file cannot be read.

    Where spool/claude_code/<session>.jsonl is among the files, what our hooks saw is folded in (hooks.py); where it is
    all there is, the trace is made of it (unwritten.py)."""
    with undisturbed():
        if hooks.is_spool(Path(ref.path)):
            return unwritten.read(ref, Path(ref.path))
        spools = [Path(name) for name in ref.files if hooks.is_spool(Path(name))]
        traces = traces_of(ref, [Path(name) for name in ref.files if not hooks.is_spool(Path(name))])
        for path in spools:
            hooks.fold(traces, path)
        return traces


def traces_of(ref: SessionRef, others: list[Path]) -> list[Trace]:
    """The session and its sub-agents, out of the agent's own files."""
    return assembled(ref, lines.read(Path(ref.path), ref), others)


def assembled(ref: SessionRef, main_file: SessionFile, others: Sequence[Path] = ()) -> list[Trace]:
    """The session whose own lines are `main_file`'s, and its sub-agents, those in the files `others` too."""
    own, groups = agents.split(main_file.entries)
    if agents.sole(own, groups):
        return [orphan(ref, main_file, groups[0], list(others))]
    main = build.trace(own, [part(main_file, own, main_file.malformed)], main_file.malformed, ref.id)
    links = [inline(ref, main_file, group) for group in groups]
    for path in others:
        name = bare(path).name
        if name.endswith(".json"):
            continue
        if name.startswith(f"agent-{agents.COMPACTION}"):
            set_aside(main, path)
        elif name.startswith("agent-"):
            links.append(agent_file(ref, path, list(others)))
        else:
            add_file(main, path)
    agents.tie(main, links)
    return [main, *(link.trace for link in links)]


def part(file: SessionFile, entries: list[Entry], malformed: Sequence[Malformed] = ()) -> SourceFile:
    """The file as one trace sees it: `lines` counts what the trace holds, so that traces of one file add up."""
    return msgspec.structs.replace(file.source, lines=len(entries) + len(malformed), malformed=len(malformed))


def inline(ref: SessionRef, file: SessionFile, group: agents.Group) -> agents.Link:
    """A sub-agent among the session's own lines; what is malformed stays with the session."""
    found = build.trace(group.entries, [part(file, group.entries)], [], ref.id, group.name)
    return agents.Link(found, group.name)


def agent_file(ref: SessionRef, path: Path, others: list[Path]) -> agents.Link:
    """A sub-agent with a file of its own, and its meta file where there is one."""
    file = lines.read(path)
    agent_id = bare(path).stem.removeprefix("agent-")
    found = build.trace(file.entries, [file.source], file.malformed, ref.id, agent_id)
    call_id = add_meta(found, path, others).get("toolUseId")
    return agents.Link(found, agent_id, call_id if isinstance(call_id, str) else None)


def orphan(ref: SessionRef, file: SessionFile, group: agents.Group, others: list[Path]) -> Trace:
    """A file that is nothing but a sub-agent: it names the session it belonged to.

    The writer of a compaction's summary is no work of a session: all its lines are events."""
    aside: list[dict[str, Any]] = []
    if group.name.startswith(agents.COMPACTION):
        aside = asides.costs(group.entries)
        for entry in group.entries:
            entry.role = "event"
    found = build.trace(file.entries, [file.source], file.malformed, ref.id)
    asides.keep(found, aside)
    found.info.lineage = Lineage(parent_trace=group.entries[0].text("sessionId"), relation="subagent", depth=1)
    agents.prompted(found)
    add_meta(found, Path(ref.path), others)
    return found


def add_meta(trace: Trace, path: Path, others: list[Path]) -> dict[str, Any]:
    """Keeps the meta file that lies beside `path` with the trace, and returns what it says."""
    meta = files.meta_of(path)
    entries = add_file(trace, meta, "meta") if meta in others else []
    said = entries[0].value if entries else {}
    for key, name in (("agentType", "agent_type"), ("description", "description")):
        if isinstance(said.get(key), str):
            trace.agent.extra[name] = said[key]
    return said


def add_file(trace: Trace, path: Path, mark: str = "") -> list[Entry]:
    """A file that is no conversation (a meta file, a journal of a workflow): its lines are events of the trace."""
    file = lines.read(path)
    number = len(trace.info.source.files)
    trace.info.source.files.append(file.source)
    trace.info.events += [build.event_of(entry, mark, number) for entry in file.entries]
    for bad in file.malformed:
        bad.file = number
    trace.info.malformed += file.malformed
    return file.entries


def set_aside(trace: Trace, path: Path) -> None:
    """The call that wrote a compaction's summary: counted, and no trace, since it is no work of the session."""
    file = lines.read(path)
    source = file.source
    asides.keep(trace, asides.costs(file.entries))
    number = len(trace.info.source.files)
    trace.info.source.files.append(source)
    raw = {"path": source.path, "lines": source.lines, "malformed": source.malformed, "bytes": source.bytes}
    trace.info.events.append(Event(type=kinds.COMPACTION_AGENT, raw=raw, file=number))
