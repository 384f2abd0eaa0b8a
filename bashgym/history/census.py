"""One session counted: what is kept of it are numbers, ids, times, models and its folder; none of its words."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import islice
from typing import Any, NamedTuple

import msgspec

from bashgym import examples, prices
from bashgym.claude_code import asides, kinds
from bashgym.claude_code.files import SOURCE
from bashgym.errors import BashGymError
from bashgym.history import agents
from bashgym.history.units import Tally, Unit, hashed, merged, tallied
from bashgym.kinds import JudgeContext
from bashgym.records import Class, Example, Record, SessionRef
from bashgym.registry import Plugin, build
from bashgym.signals.calls import Called, calls
from bashgym.signals.history import likeness
from bashgym.trace import Ending, Step, Trace
from bashgym.verdict import classify

LIKE = 20  # later calls of the same tool that are looked at for the one that did it right
LONGEST_TYPE = 80  # characters of the type of a line
UNDATED = "unknown"
MONTH = re.compile(r"\d{4}-(?:0[1-9]|1[0-2])(?=-)")


class TraceFacts(Record, frozen=True, kw_only=True):
    """What is known of one trace: the session, or one of its sub-agents."""

    id: str  # the session's id; a sub-agent's own follows after a slash
    subagent: bool
    version: str
    model: str
    started: str
    ended: str
    ending: Ending
    label: Class
    score: float | None
    steps: int
    turns: int  # of a person
    examples: int
    thoughts: int  # replies with thinking that has words
    empty_thoughts: int  # replies whose thinking is empty: only its signature is there


class SessionFacts(Record, frozen=True, kw_only=True):
    """What is known of one session, its sub-agents included."""

    session: str
    source: str
    cwd: str
    branch: str
    bytes: int
    lines: int
    malformed: int
    unknown: dict[str, int]  # lines of Claude Code of types that no version is known to write
    reliable: bool  # False: this client is known to have written too few output tokens
    traces: tuple[TraceFacts, ...]
    tallies: tuple[Tally, ...]
    messages: tuple[int, ...]  # Unit.message of all units


class Task(NamedTuple):
    """One session to be counted, by the plugin that reads it."""

    plugin: Plugin
    ref: SessionRef


class Counted(NamedTuple):
    """A session's facts, and its units as JSON; or why it could not be read."""

    facts: SessionFacts | None
    units: bytes
    fault: str


def count(task: Task) -> Counted:
    """Reads, judges and counts one session. No fault of one session ends the count of all: it is named."""
    try:
        traces = list(built(task.plugin).read(task.ref))
        facts, units = facts_of(traces, task.ref, task.plugin.name)
    except BashGymError as error:
        return Counted(None, b"", str(error))
    except Exception as error:  # its message may hold words of the session, so only its type and place are told
        trail = error.__traceback__
        while trail and trail.tb_next:
            trail = trail.tb_next
        place = f"{trail.tb_frame.f_code.co_filename.rpartition('/')[2]}:{trail.tb_lineno}" if trail else "unknown"
        return Counted(None, b"", f"{task.ref.path}: {type(error).__name__} at {place}; please report this")
    return Counted(facts, msgspec.json.encode(units), "")


@lru_cache
def built(plugin: Plugin) -> Any:
    return build(plugin, {}, f"source.{plugin.name}")


@lru_cache(1)
def judges() -> list[tuple[str, Any]]:
    return [(piece.label, piece.build()) for piece in agents.pieces("judge")]


def facts_of(traces: Sequence[Trace], ref: SessionRef, source: str) -> tuple[SessionFacts, list[Unit]]:
    found = [one_trace(trace, number) for number, trace in enumerate(traces)]
    units = merged(unit for _, units in found for unit in units)
    main = traces[0].info if traces else None
    facts = SessionFacts(
        session=sound(ref.id),
        source=source,
        cwd=sound(main.project.cwd if main else None),
        branch=sound(main.project.git_branch if main else None),
        bytes=ref.size,
        lines=sum(file.lines for trace in traces for file in trace.info.source.files),
        malformed=sum(len(trace.info.malformed) for trace in traces),
        unknown=types(sum((unknown(trace) for trace in traces), Counter[str]())),
        reliable=all(trace.info.usage_reliable for trace in traces),
        traces=tuple(facts for facts, _ in found),
        tallies=tuple(tallied(units)),
        messages=tuple({unit.message: None for unit in units}),
    )
    return facts, units


def types(found: Counter[str]) -> dict[str, int]:
    """Counts by type; a name that is too long for one is cut: it may be anything."""
    shown: Counter[str] = Counter()
    for name, n in found.items():
        shown[sound(name)[:LONGEST_TYPE]] += n
    return dict(shown)


def unknown(trace: Trace) -> Counter[str]:
    return kinds.unknown(trace) if trace.info.source.kind == SOURCE else Counter()


def one_trace(trace: Trace, number: int) -> tuple[TraceFacts, list[Unit]]:
    made = [one for one in examples.examples(trace, "") if isinstance(one, Example)]
    label, score = judged(trace)
    times = [step.timestamp for step in trace.steps if step.timestamp]
    name = f"{trace.session_id}/{trace.trajectory_id}" if trace.trajectory_id else trace.session_id
    facts = TraceFacts(
        id=sound(name),
        subagent=trace.info.lineage.relation == "subagent",
        version=sound(trace.agent.version),
        model=sound(trace.agent.model_name),
        started=sound(min(times, default="")),
        ended=sound(max(times, default="")),
        ending=trace.info.outcome.ended,
        label=label,
        score=score,
        steps=len(trace.steps),
        turns=sum(step.info.kind == "human" and step.info.origin != "parent" for step in trace.steps),
        examples=len(made),
        thoughts=sum(bool((step.reasoning_content or "").strip()) for step in trace.steps),
        empty_thoughts=sum(wordless(step) for step in trace.steps),
    )
    return facts, list(units_of(trace, number, made))


def wordless(step: Step) -> bool:
    """Whether a reply says that the model thought, and not what."""
    return "thinking" in step.info.blocks and not (step.reasoning_content or "").strip()


def judged(trace: Trace) -> tuple[Class, float | None]:
    """What the base recipe's judges say of the trace as it is, unsanitized: nothing of it leaves this process."""
    verdicts = [
        msgspec.structs.replace(judge.judge(trace, JudgeContext()), judge=label, signals=(), reason="")
        for label, judge in judges()
    ]
    return classify(verdicts, agents.verdict_settings())


def units_of(trace: Trace, number: int, made: Sequence[Example]) -> Iterator[Unit]:
    """The units of one trace, in order."""
    table = prices.load()
    within = {step_id: index for index, example in enumerate(made) for step_id in example.steps if step_id}
    better = preferred(trace)
    before, interrupts = hashed(trace.session_id, trace.trajectory_id or ""), 0
    month = UNDATED
    for step in trace.steps:
        month = month_of(step.timestamp) or month
        if step.info.kind == "interrupt":
            interrupts += 1
            at = hashed("interrupt", str(before), str(interrupts))
            yield Unit(at, 0, month, "", number, -1, 0, 0, 0, 0, 0, 0.0, 0, 0, 0, 1, 0)
        elif step.source == "agent":
            unit = of_reply(
                step, trace, number, month, prices.cost(step.metrics, step.model_name, table, step.timestamp)
            )
            unit.example, unit.pairs = within.get(step.step_id, -1), better.get(step.step_id, 0)
            before, interrupts = unit.message, 0
            yield unit
    for step in asides.replies(trace):
        usd = prices.cost(step.metrics, step.model_name, table, step.timestamp)
        yield of_reply(step, trace, number, month_of(step.timestamp) or month, usd)


def of_reply(step: Step, trace: Trace, number: int, month: str, usd: float | None) -> Unit:
    """A reply is known by its message id, else by its line's id, else by its place in its session."""
    own = (trace.session_id, trace.trajectory_id or "", str(step.step_id))
    message = hashed(step.info.message_id or "", *(() if step.info.message_id else step.info.uuids[:1] or own))
    metrics, answered = step.metrics, step.observation.results if step.observation else ()
    usage = metrics.extra.bashgym if metrics else None
    refused = {call.tool_call_id for call in step.tool_calls or () if call.extra.bashgym.denied == "user"}
    return Unit(
        message=message,
        request=hashed(step.info.request_id) if step.info.request_id else 0,
        month=month,
        model=sound(step.model_name),
        trace=number,
        example=-1,
        replies=int(step.info.kind == "agent"),
        input_tokens=usage.input_tokens if usage else 0,
        output_tokens=(metrics.completion_tokens or 0) if metrics else 0,
        cache_read_input_tokens=usage.cache_read_input_tokens if usage else 0,
        cache_creation_input_tokens=usage.cache_creation_input_tokens if usage else 0,
        usd=usd,
        calls=len(step.tool_calls or ()),
        errors=sum(one.extra.bashgym.is_error and one.source_call_id not in refused for one in answered),
        rejections=len(refused),
        interrupts=0,
        pairs=0,
    )


def sound(text: str | None) -> str:
    """`text` as UTF-8 can hold it: a lone surrogate, which JSON may have, becomes a question mark."""
    return (text or "").encode("utf-8", "replace").decode()


def month_of(time: str | None) -> str:
    found = MONTH.match(time or "")
    return found[0] if found else ""


def preferred(trace: Trace) -> dict[int, int]:
    """By step: calls that failed or were refused, and whose like did work soon after, with other arguments: the two
    are a pair of a worse and a better answer. Calls on the branch the session ended on, within one context window."""
    by_tool: dict[tuple[int, str], list[Called]] = {}
    ends = [window.last_step for window in trace.info.context_windows if window.reason != "micro"]
    for one in calls(trace):
        window = next((end for end in ends if one.step.step_id <= end), 0)
        by_tool.setdefault((window, one.tool), []).append(one)
    found: dict[int, int] = {}
    for made in by_tool.values():
        for at, one in enumerate(made):
            wrong = one.failed or one.call.extra.bashgym.denied == "user"
            if wrong and any(corrects(later, one) for later in islice(made, at + 1, at + 1 + LIKE)):
                found[one.step.step_id] = found.get(one.step.step_id, 0) + 1
    return found


def corrects(later: Called, one: Called) -> bool:
    return later.took_effect and later.call.arguments != one.call.arguments and likeness(later) == likeness(one)
