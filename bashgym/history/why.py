"""`bashgym traces why ID`: a session judged by the base recipe's judges, and the verdict explained."""

from typing import Any

import msgspec

from bashgym import display, pseudonyms, scan
from bashgym.display import Terminal
from bashgym.errors import InputError
from bashgym.gate import outgoing
from bashgym.history import agents, listed
from bashgym.history.census import built, judges
from bashgym.history.reports import sanitizers
from bashgym.judging.why import Why, why
from bashgym.kinds import JudgeContext
from bashgym.records import Verdict
from bashgym.show import as_json
from bashgym.trace import Trace, from_builtins, to_builtins

WIDE = 160  # characters of one line


def explained(typed: str, json: bool) -> None:
    """Prints why the session whose id begins with `typed`, or its sub-agent SESSION/AGENT, has its class."""
    screen = Terminal(json)
    found, _ = listed.sessions(listed.Wanted(), screen)
    session, agent = listed.by_id(typed, found)
    with screen.waiting("replacing secrets and people, judging"):
        traces = list(built(session.agent.plugin).read(session.ref))
        trace = chosen(traces, agent, typed)
        verdicts = judged(trace, session.ref.id)
    told(session.ref.id if agent is None else agent, why(verdicts, agents.verdict_settings()), json)


def chosen(traces: list[Trace], agent: str | None, typed: str) -> Trace:
    if not traces:
        raise InputError(f"{typed}: there is no conversation in it")
    name = (agent or "").rpartition("/")[2]
    return next((trace for trace in traces if name and trace.trajectory_id == name), traces[0])


def judged(trace: Trace, session: str) -> list[Verdict]:
    """As a run would judge it: sanitized."""
    result = scan.sanitize(to_builtins(trace), sanitizers(), pseudonyms.load_key(), session)
    context = JudgeContext(gate=outgoing.gate(result.removed, sanitizers()))
    clean = from_builtins(result.value)
    return [msgspec.structs.replace(judge.judge(clean, context), judge=label) for label, judge in judges()]


def told(name: str, found: Why, json: bool) -> None:
    if json:
        as_json({"session": name, **plain(found)})
        return
    score = "no score" if found.score is None else f"score {found.score:.2f}"
    print(display.printable(f"{name}: {found.label}, {score}"))
    for reason in found.because:
        show("  because", reason)
    print("judges:")
    for word in found.words:
        said = "abstains" if word.score is None else f"{word.score:.2f}, weight {word.weight:g}"
        show(f"  {word.judge} ({said})", word.says)
        for signal in word.signals:
            show("     ", signal)
    print("what would change it:")
    for other in found.otherwise or ("nothing that the judges know of",):
        show("  -", other)


def show(head: str, text: str) -> None:
    """One line, of a session that may try to steer a terminal."""
    line = " ".join(display.printable(text).split())
    print(f"{head}: {line[:WIDE]}" if head.strip() not in ("-", "") else f"{head} {line[:WIDE]}")


def plain(found: Why) -> dict[str, Any]:
    return {**found._asdict(), "words": [word._asdict() for word in found.words]}
