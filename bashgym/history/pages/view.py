"""Traces of one session as a page shows them: turns, steps, calls with their sub-agents, what they cost."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from bashgym import prices
from bashgym.history.diffs import diff
from bashgym.history.pages.shapes import (
    OPENING,
    Argument,
    CallView,
    Request,
    SessionView,
    StepView,
    Subagent,
    Turn,
)
from bashgym.history.printed import many
from bashgym.history.text import body, title, written
from bashgym.records import Verdict
from bashgym.signals.calls import EDIT_TOOLS, OPAQUE_TOOLS, WRITE_TOOLS, Called
from bashgym.trace import ContextWindow, Step, Trace

WHO = {
    "human": "You",
    "agent": "Model",
    "system": "System",
    "compact_summary": "Summary of what was before",
    "interrupt": "You interrupted",
    "api_error": "Error of the model's server",
    "tool_result": "Result without a call",
}
REASONS = {
    "start": "",
    "compact_auto": "Context compacted: from here the model saw a summary of what was before",
    "compact_manual": "Context compacted by the user: from here the model saw a summary of what was before",
    "micro": "Old tool results were cleared from the model's context",
}
COMMAND = re.compile(r"<command-name>(.*?)</command-name>", re.DOTALL)
ARGUMENTS = re.compile(r"<command-args>(.*?)</command-args>", re.DOTALL)
INNER = 12  # levels of sub-agents within sub-agents


class Maker:
    """Builds the view of one session; remembers which sub-agents have found their place."""

    def __init__(self, traces: Sequence[Trace]) -> None:
        self.table = prices.load()
        self.main, self.children = traces[0], list(traces[1:])
        self.numbers = {id(trace): number for number, trace in enumerate(self.children, 1)}
        self.placed: set[int] = set()

    def turns(self) -> list[Turn]:
        """The turns, numbered from 1; what comes before the first words of a person is number 0."""
        turns: list[Turn] = []
        number = 0
        for step in self.steps(self.main, "", 0):
            if opens_turn(step):
                number += 1
                turns.append(Turn(number, opening(step.text), []))
            elif not turns:
                turns.append(Turn(0, "Before the first words", []))
            turns[-1].steps.append(step)
        return turns

    def steps(self, trace: Trace, prefix: str, depth: int) -> list[StepView]:
        begins = {window.first_step: window for window in trace.info.context_windows}
        return [self.step(trace, step, prefix, depth, begins.get(step.step_id)) for step in trace.steps]

    def step(self, trace: Trace, step: Step, prefix: str, depth: int, window: ContextWindow | None) -> StepView:
        kind = step.info.kind
        who = WHO.get(kind, kind.replace("_", " ").capitalize())
        own = step.observation.results if step.observation and not step.tool_calls else []
        text = "\n".join(filter(None, (body(step.message), *(body(result.content) for result in own))))
        return StepView(
            anchor=f"{prefix}s{step.step_id}",
            number=step.step_id,
            kind=kind,
            who="Caller" if step.info.origin == "parent" else who,
            time=(step.timestamp or "")[11:19],
            date=(step.timestamp or "")[:10],
            model=step.model_name or "",
            active=step.info.active,
            copied=step.is_copied_context,
            request=self.request(step),
            thinking=step.reasoning_content or "",
            silent=not step.reasoning_content and "thinking" in step.info.blocks,
            text=text,
            calls=list(self.calls(trace, step, depth)),
            window=REASONS[window.reason] if window else "",
        )

    def request(self, step: Step) -> Request | None:
        if step.metrics is None:
            return None
        usage = step.metrics.extra.bashgym
        usd = prices.cost(step.metrics, step.model_name, self.table, step.timestamp)
        told = step.metrics.cost_usd is not None
        evidence = "missing" if usd is None else "measured" if told else "estimated"
        read, wrote = usage.cache_read_input_tokens, usage.cache_creation_input_tokens
        fresh = usage.input_tokens or max(0, (step.metrics.prompt_tokens or 0) - read - wrote)
        return Request(fresh, read, wrote, step.metrics.completion_tokens or 0, usd, evidence)

    def calls(self, trace: Trace, step: Step, depth: int) -> Iterator[CallView]:
        results = step.results()
        for index, call in enumerate(step.tool_calls or ()):
            called = Called((0, index), step, call, results.get(call.tool_call_id))
            changed = diff(called)
            yield CallView(
                tool=call.function_name,
                about=title(called),
                state=state(called),
                failed=called.failed or call.extra.bashgym.denied is not None,
                milliseconds=call.extra.bashgym.duration_ms,
                arguments=arguments(called, bool(changed)),
                diff=changed,
                result=body(called.result.content) if called.result else None,
                agents=[self.subagent(one, depth + 1) for one in self.started(trace, called)],
            )

    def started(self, trace: Trace, called: Called) -> list[Trace]:
        """The sub-agents that a call of `trace` started, each placed once."""
        references = (called.result.subagent_trajectory_ref or []) if called.result else []
        named = {one.get("trajectory_id") for one in references}
        parent = f"{trace.session_id}/{trace.trajectory_id}" if trace.trajectory_id else trace.session_id
        found = []
        for child in self.children:
            lineage = child.info.lineage
            by_call = lineage.parent_call_id == called.call.tool_call_id and lineage.parent_trace == parent
            if (
                id(child) not in self.placed
                and child is not trace
                and (by_call or child.trajectory_id in named - {None})
            ):
                self.placed.add(id(child))
                found.append(child)
        return found

    def subagent(self, trace: Trace, depth: int) -> Subagent:
        bill = prices.bill(trace.steps, self.table)
        return Subagent(
            id=trace.trajectory_id or trace.session_id,
            kind=str(trace.agent.extra.get("agent_type") or trace.agent.extra.get("description") or "Sub-agent"),
            steps=self.steps(trace, f"a{self.numbers[id(trace)]}", depth) if depth <= INNER else [],
            tokens=tokens(trace),
            usd=bill.usd,
            evidence=bill.evidence,
            ended=trace.info.outcome.ended,
        )

    def loose(self) -> list[Subagent]:
        found = []
        for child in self.children:
            if id(child) not in self.placed:
                self.placed.add(id(child))
                found.append(self.subagent(child, 1))
        return found


def state(called: Called) -> str:
    if called.call.extra.bashgym.denied:
        return f"refused by the {called.call.extra.bashgym.denied}"
    if called.result is None:
        return "no result"
    code = called.result.extra.bashgym.exit_code
    if called.failed:
        return "failed" if code is None else f"failed, exit {code}"
    return f"exit {code}" if code else ""


def arguments(called: Called, has_diff: bool) -> list[Argument]:
    """What the call was given; of an edit only what its diff does not show."""
    edit = has_diff and called.tool in EDIT_TOOLS | WRITE_TOOLS | OPAQUE_TOOLS
    hidden = {
        "oldstring",
        "newstring",
        "oldstr",
        "newstr",
        "content",
        "filetext",
        "edits",
        "patch",
        "input",
        "newsource",
    }
    return [
        Argument(name, written(value))
        for name, value in called.call.arguments.items()
        if not (edit and name.replace("_", "").lower() in hidden)
    ]


def tokens(trace: Trace) -> int:
    found = trace.info.totals
    return found.input_tokens + found.output_tokens + found.cache_read_input_tokens + found.cache_creation_input_tokens


def opens_turn(step: StepView) -> bool:
    """Whether a person began something here: with words, or with a command."""
    return step.kind == "human" or (step.kind == "command" and bool(COMMAND.search(step.text)))


def opening(text: str) -> str:
    """The first words of a turn; a command as it was typed."""
    typed, arguments = COMMAND.search(text), ARGUMENTS.search(text)
    if typed is None:
        return shortened(text)
    return shortened(f"{typed[1]} {arguments[1] if arguments else ''}")


def shortened(text: str) -> str:
    words = " ".join(text.split())
    return words if len(words) <= OPENING else f"{words[:OPENING]}…"


def view(traces: Sequence[Trace], verdicts: Sequence[Verdict], label: str) -> SessionView:
    """The session whose trace is the first of `traces`, with the sub-agents that follow it."""
    maker = Maker(traces)
    main = maker.main
    turns = maker.turns()
    steps = [step for turn in turns for step in turn.steps]
    asked = [(step.anchor, step.request) for step in steps if step.request and step.kind == "agent"]
    first = next((turn.opening for turn in turns if turn.opening and turn.number), "")
    return SessionView(
        id=main.session_id,
        title=first or "A session without words",
        facts=facts(main),
        tiles=tiles(traces, turns, maker.table),
        turns=turns,
        loose=maker.loose(),
        requests=asked,
        windows=windows(steps),
        verdicts=[(one.judge, "abstains" if one.score is None else f"{one.score:.2f}", one.reason) for one in verdicts],
        label=label,
        lines=sum(file.lines for trace in traces for file in trace.info.source.files),
        events=Counter(event.type or "no type" for trace in traces for event in trace.info.events).most_common(),
        malformed=[
            (f"file {one.file + 1}, line {one.line_no}", one.reason, one.raw)
            for trace in traces
            for one in trace.info.malformed
        ],
    )


def windows(steps: Sequence[StepView]) -> list[int]:
    """The requests (by number) before which a context window began, the first one left out."""
    found, asked = [], 0
    for step in steps:
        if step.window:
            found.append(asked)
        asked += bool(step.request and step.kind == "agent")
    return found


def facts(main: Trace) -> list[tuple[str, str]]:
    project = main.info.project
    times = sorted(step.timestamp for step in main.steps if step.timestamp)
    found = [
        ("agent", f"{main.agent.name} {main.agent.version or ''}".strip()),
        ("model", main.agent.model_name or ""),
        ("folder", project.cwd or ""),
        ("branch", project.git_branch or ""),
        ("began", times[0][:16].replace("T", " ") if times else ""),
        ("last line", times[-1][:16].replace("T", " ") if times else ""),
        ("ended", main.info.outcome.ended),
        ("session", main.session_id),
    ]
    return [(name, value) for name, value in found if value]


def tiles(traces: Sequence[Trace], turns: Sequence[Turn], table: prices.Table) -> list[tuple[str, str, str, str]]:
    bill = prices.bill((step for trace in traces for step in trace.steps), table)
    outcome = [trace.info.outcome for trace in traces]
    calls = sum(len(step.tool_calls or ()) for trace in traces for step in trace.steps)
    errors = sum(one.tool_errors for one in outcome)
    output = sum(trace.info.totals.output_tokens for trace in traces)
    doubt = "" if all(trace.info.usage_reliable for trace in traces) else "; this client wrote too few of these"
    unpriced = sum(bill.unpriced.values())
    rejections, interrupts = sum(one.rejections for one in outcome), sum(one.interrupts for one in outcome)
    return [
        (
            "turns of the user",
            f"{sum(step.kind == 'human' for turn in turns for step in turn.steps):,}",
            f"{many(rejections, 'rejection')}, {many(interrupts, 'interrupt')}",
            "measured",
        ),
        ("tool calls", f"{calls:,}", f"{errors:,} failed", "measured"),
        ("tokens", f"{sum(map(tokens, traces)):,}", f"{output:,} written by the model{doubt}", "measured"),
        (
            "cost at list prices",
            "missing" if bill.usd is None else f"${bill.usd:,.2f}",
            f"{many(unpriced, 'reply')} without a price" if unpriced else "",
            bill.evidence,
        ),
        ("sub-agents", f"{len(traces) - 1:,}", "", "measured"),
    ]
