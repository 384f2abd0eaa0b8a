"""A session of Copilot CLI: its events and, told apart, those of its sub-agents, as traces.

A reply says how many tokens it is, not how many it was given: those are known for the session as a whole, once it has
been shut down. They are the totals of the session's own trace, what its sub-agents wrote taken off; without a
shutdown after the last reply, usage is not reliable."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bashgym.copilot import old
from bashgym.copilot.files import SOURCE
from bashgym.copilot.talk import Talk, consumed
from bashgym.reading import facts, lines, subagents
from bashgym.reading.conversation import source_info
from bashgym.reading.files import content
from bashgym.reading.heap import undisturbed
from bashgym.reading.lines import Entry, File
from bashgym.reading.values import record, text
from bashgym.records import SessionRef
from bashgym.trace import Agent, ProjectInfo, SourceFile, Totals, Trace

NAME = "copilot-cli"
OF_MAIN = "subagent."  # events about a sub-agent are those of the one who started it


@undisturbed()
def read(ref: SessionRef) -> list[Trace]:
    """The session's trace, then its sub-agents'. Raises InputError when the file cannot be read."""
    path = Path(ref.path)
    file = lines.read(path, lift=True)
    whole = old.single(content(path)) if path.suffix == ".json" or not file.entries else None
    talks: dict[str, Talk] = {"": Talk(ref.id)}
    if whole is not None:
        file = File(file.source, whole, [])
        for entry in whole:
            old.read(talks[""], entry)
    else:
        named = callers(file.entries)
        for entry in file.entries:
            talk_of(entry, named, talks, ref.id).read(entry)
    return list(traces(file, talks, ref.id))


def callers(entries: list[Entry]) -> dict[str, str]:
    """A sub-agent's id -> the call that started it."""
    found = {}
    for entry in entries:
        if (entry.text("type") or "").startswith(OF_MAIN):
            agent, call = entry.text("agentId"), text(entry.value, "data", "toolCallId")
            if agent and call:
                found[agent] = call
    return found


def talk_of(entry: Entry, named: dict[str, str], talks: dict[str, Talk], session: str) -> Talk:
    """The agent whose event this is; it is called by the call that started it, or by its id."""
    if (entry.text("type") or "").startswith(OF_MAIN):
        return talks[""]
    agent = entry.text("agentId")
    key = (named.get(agent, agent) if agent else None) or text(entry.value, "data", "parentToolCallId") or ""
    if key not in talks:
        talks[key] = begun(key, talks, session, asked=entry.text("type") == "user.message")
    return talks[key]


def begun(key: str, talks: dict[str, Talk], session: str, asked: bool) -> Talk:
    """A sub-agent's conversation, which begins with the prompt of the call unless it is `asked` in its own events."""
    talk = Talk(session)
    caller = next((one.made[key] for one in talks.values() if key in one.made), None)
    prompt = text(caller.arguments, "prompt") if caller else None
    if prompt and not asked:
        talk.say("user", prompt)
    return talk


def traces(file: File, talks: dict[str, Talk], session: str) -> Iterator[Trace]:
    main = talks[""]
    main.malformed.extend(file.malformed)
    for talk in talks.values():
        talk.finish()
    agent, project, version = told(main)
    made: dict[str, Trace] = {}
    for key, talk in talks.items():
        source = SourceFile(
            path=file.source.path,
            sha256=file.source.sha256,
            bytes=file.source.bytes if talk is main else 0,
            lines=talk.lines + (len(file.malformed) if talk is main else 0),
            malformed=len(talk.malformed),
        )
        own = Agent(name=NAME, version=version, extra=dict(agent))
        info = source_info(SOURCE, [source], version, text(agent, "producer"))
        trace = talk.trace(session, own, info, project, usage_reliable=metered(talk))
        base = facts.ended(talk.steps)
        trace.info.outcome.ended = "unknown" if base == "completed" and not talk.over else base
        trace.trajectory_id = key or None
        made[key] = trace
    tie(made, main)
    account(made, main)
    yield from made.values()


def told(main: Talk) -> tuple[dict[str, Any], ProjectInfo, str | None]:
    """What the file says of the agent and of where it worked; the last word holds."""
    agent: dict[str, Any] = {}
    context: dict[str, Any] = {}
    version = None
    for event in main.events:
        if event.type in ("session.start", "session.resume", "session.context_changed", "header"):
            data = record(event.raw, "data") or record(event.raw)
            version = text(data, "copilotVersion") or version
            agent.update({key: data[key] for key in ("producer",) if isinstance(data.get(key), str)})
            context.update({key: value for key, value in record(data, "context").items() if isinstance(value, str)})
    place = ProjectInfo(
        cwd=text(context, "cwd"), git_branch=text(context, "branch"), git_commit=text(context, "headCommit")
    )
    return agent, place, version


def tie(made: dict[str, Trace], main: Talk) -> None:
    """Sub-agents to the calls that started them, wherever those are; names of agents from the main one's events."""
    names = {text(event.raw, "data", "toolCallId"): text(event.raw, "data", "agentName") for event in main.events}
    for key, trace in made.items():
        if key:
            calls = {call.tool_call_id for step in trace.steps for call in step.tool_calls or ()}
            parent = next((one for one in made.values() if one is not trace and calls_of(one, key)), made[""])
            subagents.tie(trace, parent if key not in calls else made[""], key)
            if kind := names.get(key):
                trace.agent.extra["agent_type"] = kind


def calls_of(trace: Trace, call_id: str) -> bool:
    return any(call.tool_call_id == call_id for step in trace.steps for call in step.tool_calls or ())


def metered(talk: Talk) -> bool:
    """Whether every reply says what it was given."""
    replies = [step for step in talk.steps if step.info.kind == "agent"]
    return all(step.metrics is not None and step.metrics.prompt_tokens is not None for step in replies)


def account(made: dict[str, Trace], main: Talk) -> None:
    """The session's totals, where its last shutdown says them."""
    shutdowns = [event for event in main.events if event.type == "session.shutdown"]
    used = consumed(record(shutdowns[-1].raw, "data")) if shutdowns else {}
    if not used:
        return
    total = made[""].info.totals
    beside = sum(trace.info.totals.output_tokens for key, trace in made.items() if key)
    found = Totals(replies=total.replies)
    for one in used.values():
        found.input_tokens += one.extra.bashgym.input_tokens
        found.output_tokens += one.completion_tokens or 0
        found.cache_read_input_tokens += one.extra.bashgym.cache_read_input_tokens
        found.cache_creation_input_tokens += one.extra.bashgym.cache_creation_input_tokens
    found.output_tokens = max(found.output_tokens - beside, 0)
    made[""].info.totals = found
    last = max((number for step in main.steps if step.info.kind == "agent" for number in step.info.line_nos), default=0)
    made[""].info.usage_reliable = last < (shutdowns[-1].line_no or 0)
