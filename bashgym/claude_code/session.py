"""One session with its sub-agents: its files to traces, every line in one of them."""

from pathlib import Path
from typing import Any

from bashgym.claude_code import agents, build, files, lines
from bashgym.claude_code.lines import Entry, SessionFile
from bashgym.records import SessionRef
from bashgym.trace import Event, Lineage, Trace


def read(ref: SessionRef) -> list[Trace]:
    """The session's trace first, then one for each sub-agent. Raises InputError when a file cannot be read."""
    main_file = lines.read(Path(ref.path))
    others = [Path(name) for name in ref.files]
    own, groups = agents.split(main_file.entries)
    alone = agents.sole(own, groups)
    if alone and groups[0].name.startswith(agents.COMPACTION):
        for entry in groups[0].entries:
            entry.role = "event"  # the writer of a summary, copied out alone: no work of a session
    main = conversation(ref, main_file, main_file.entries if alone else own, ref.id)
    links = [] if alone else [inline(ref, main_file, group) for group in groups]
    for path in others:
        if path.suffix == ".json":
            continue
        if path.name.startswith(f"agent-{agents.COMPACTION}"):
            set_aside(main, path)
        elif path.name.startswith("agent-"):
            links.append(agent_file(ref, path, others))
        else:
            add_file(main, path)
    agents.tie(main, links)
    if alone:
        orphan(main, groups[0], others)
    return [main, *(link.trace for link in links)]


def conversation(ref: SessionRef, file: SessionFile, entries: list[Entry], name: str) -> Trace:
    """A trace of all of `file`, or of those of its lines that are `entries`."""
    return build.trace(entries, [file.source], file.malformed, ref.id, name)


def inline(ref: SessionRef, file: SessionFile, group: agents.Group) -> agents.Link:
    """A sub-agent among the session's own lines; what is malformed stays with the session."""
    found = build.trace(group.entries, [file.source], [], ref.id, f"{ref.id}/{group.name}")
    return agents.Link(found, group.name)


def agent_file(ref: SessionRef, path: Path, others: list[Path]) -> agents.Link:
    """A sub-agent with a file of its own, and its meta file where there is one."""
    file = lines.read(path)
    agent_id = path.stem.removeprefix("agent-")
    found = conversation(ref, file, file.entries, f"{ref.id}/{agent_id}")
    meta = add_meta(found, path, others)
    call_id = meta.get("toolUseId")
    return agents.Link(found, agent_id, call_id if isinstance(call_id, str) else None)


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
    source = lines.read(path).source
    number = len(trace.info.source.files)
    trace.info.source.files.append(source)
    raw = {"path": source.path, "lines": source.lines, "malformed": source.malformed, "bytes": source.bytes}
    trace.info.events.append(Event(type="compaction_agent", raw=raw, file=number))


def orphan(trace: Trace, group: agents.Group, others: list[Path]) -> None:
    """A file that is nothing but a sub-agent: it names the session it belonged to."""
    trace.info.lineage = Lineage(parent_trace=group.entries[0].text("sessionId"), relation="subagent", depth=1)
    agents.prompted(trace)
    add_meta(trace, Path(trace.info.source.files[0].path), others)
