"""One session in a terminal: its turns, thinking, calls with results, tokens and cost. As it is, unsanitized."""

from collections.abc import Iterable, Iterator
from typing import Any

from rich.console import Group
from rich.padding import Padding
from rich.rule import Rule
from rich.text import Text

from bashgym import prices
from bashgym.display import Terminal
from bashgym.errors import InputError
from bashgym.history import listed
from bashgym.history.diffs import Line, diff
from bashgym.history.printed import console, homely, many, money, short
from bashgym.history.reading import Session
from bashgym.history.text import body, legible, title, written
from bashgym.records import SessionRef
from bashgym.show import as_json
from bashgym.signals.calls import Called
from bashgym.trace import Step, Trace, to_builtins

LINES = 12  # of a text that is shown short
HALF = 4  # of these, the last lines
WHO = {"human": "you", "agent": "model", "compact_summary": "summary of what was before"}
STYLES = {"human": "bold cyan", "agent": "bold green", "interrupt": "bold red", "api_error": "bold red"}
WINDOWS = {
    "compact_auto": "context compacted",
    "compact_manual": "context compacted by the user",
    "micro": "old tool results cleared",
}
SIGNS = {"add": ("+", "green"), "del": ("-", "red"), "same": (" ", "dim"), "place": ("@", "cyan")}


def shown(typed: str, full: bool, json: bool) -> None:
    """Prints the session (or sub-agent) whose id begins with `typed`."""
    found, _ = listed.sessions(listed.Wanted(), Terminal())
    session, agent = listed.by_id(typed, found)
    traces = read(session)
    if agent is not None:
        traces = [trace for trace in traces if name_of(trace) == agent]
    if json:
        as_json([to_builtins(trace) for trace in traces])
        return
    if not traces:
        raise InputError(f"{typed}: there is no conversation in it")
    screen = console()
    for part in header(traces[0], session.ref, traces[1:]):
        screen.print(part)
    for step, window in marked(traces[0]):
        if window:
            screen.print(Rule(window, style="dim"))
        screen.print(step_view(step, full))


def read(session: Session) -> list[Trace]:
    return list(session.agent.source.read(session.ref))


def name_of(trace: Trace) -> str:
    return f"{trace.session_id}/{trace.trajectory_id}" if trace.trajectory_id else trace.session_id


def header(trace: Trace, ref: SessionRef, subagents: Iterable[Trace]) -> Iterator[Any]:
    bill = prices.bill(trace.steps, prices.load())
    totals, seen = trace.info.totals, trace.info.outcome
    tokens = (
        totals.input_tokens + totals.output_tokens + totals.cache_read_input_tokens + totals.cache_creation_input_tokens
    )
    yield Text(legible(name_of(trace)), style="bold")
    rows = [
        ("agent", f"{trace.agent.name} {trace.agent.version or ''}, {trace.agent.model_name or 'model unknown'}"),
        ("where", f"{homely(trace.info.project.cwd or 'unknown')}  {trace.info.project.git_branch or ''}"),
        ("file", homely(ref.path)),
        ("tokens", f"{short(tokens)}, {money(bill.usd)} ({bill.evidence}), {many(totals.replies, 'reply')}"),
        (
            "went wrong",
            f"{many(seen.tool_errors, 'tool error')}, {many(seen.rejections, 'rejection')}, "
            f"{many(seen.interrupts, 'interrupt')}; it ended: {seen.ended}",
        ),
    ]
    rows += [("sub-agent", f"{name_of(one)}  {many(len(one.steps), 'step')}") for one in subagents]
    if trace.info.malformed:
        rows.append(("malformed", f"{many(len(trace.info.malformed), 'line')} kept aside"))
    for name, value in rows:
        yield Text.assemble((f"  {name:<12}", "dim"), legible(value).replace("\n", " "))
    yield Text()


def marked(trace: Trace) -> Iterator[tuple[Step, str]]:
    """The steps, each with the word for the context window that begins there, where one does after the first."""
    begins = {one.first_step: one.reason for one in trace.info.context_windows[1:]}
    for step in trace.steps:
        yield step, WINDOWS.get(begins.get(step.step_id, ""), "")


def step_view(step: Step, full: bool) -> Group:
    """One step as a block."""
    parts: list[Any] = [heading(step)]
    if step.reasoning_content:
        parts.append(indented(step.reasoning_content, full, "italic dim"))
    if step.message and (text := body(step.message)).strip():
        parts.append(indented(text, full, ""))
    results = step.results()
    for index, call in enumerate(step.tool_calls or ()):
        parts += call_view(Called((0, index), step, call, results.get(call.tool_call_id)), full)
    if step.observation and not step.tool_calls:
        parts += [indented(body(result.content), full, "dim") for result in step.observation.results]
    return Group(*parts, Text())


def heading(step: Step) -> Text:
    kind = step.info.kind
    who = "caller" if step.info.origin == "parent" else WHO.get(kind, kind.replace("_", " "))
    line = Text.assemble((f"{step.step_id:>4} ", "dim"), (who, STYLES.get(kind, "bold")))
    facts = [(step.timestamp or "")[11:19], step.model_name or ""]
    if step.metrics:
        usd = prices.cost(step.metrics, step.model_name, prices.load(), step.timestamp)
        facts.append(f"{short(step.metrics.prompt_tokens or 0)} in, {short(step.metrics.completion_tokens or 0)} out")
        facts.append(money(usd))
    if not step.info.active:
        facts.append("abandoned branch")
    line.append("  " + "  ".join(legible(one) for one in facts if one), style="dim")
    return line


def call_view(called: Called, full: bool) -> Iterator[Any]:
    """A call, what it changed, and what came back."""
    about = title(called)
    failed = called.failed or bool(called.call.extra.bashgym.denied)
    mark = ("✗ ", "bold red") if failed else ("› ", "bold green")
    name = legible(called.call.function_name).replace("\n", " ")
    yield Padding(Text.assemble(mark, (name, "bold"), " ", legible(about)), (0, 0, 0, 5))
    changed = diff(called)
    if changed:
        yield Padding(diff_view(changed, full), (0, 0, 0, 7))
    elif full and called.call.arguments:
        yield indented(written(called.call.arguments), True, "", 7)
    if denied := called.call.extra.bashgym.denied:
        yield indented(f"refused by the {denied}", True, "red", 7)
    if called.result is None:
        yield indented("no result", True, "dim", 7)
    elif (text := body(called.result.content)).strip():
        yield indented(text, full, "red" if failed else "dim", 7)
    for one in called.result.subagent_trajectory_ref or () if called.result else ():
        yield indented(f"sub-agent {one.get('session_id')}/{one.get('trajectory_id')}", True, "cyan", 7)


def diff_view(lines: list[Line], full: bool) -> Text:
    kept = lines if full else lines[: 2 * LINES]
    view = Text()
    for kind, text in kept:
        sign, style = SIGNS[kind]
        view.append(f"{sign} {legible(text)}\n", style=style)
    if len(kept) < len(lines):
        view.append(f"... {len(lines) - len(kept):,} more lines; --full shows them\n", style="dim italic")
    view.rstrip()
    return view


def indented(text: str, full: bool, style: str, by: int = 5) -> Padding:
    """A text, its middle left out unless `full`."""
    lines = legible(text).strip("\n").split("\n")
    view = Text(style=style)
    if full or len(lines) <= LINES + 1:
        view.append("\n".join(lines))
    else:
        gap = len(lines) - LINES
        view.append("\n".join(lines[: LINES - HALF]))
        view.append(f"\n... {gap:,} more lines; --full shows them\n", style="italic")
        view.append("\n".join(lines[-HALF:]))
    if not full and len(view) > 100 * LINES:
        view.truncate(100 * LINES)
        view.append(" ... cut; --full shows all", style="italic")
    return Padding(view, (0, 0, 0, by), expand=False)
