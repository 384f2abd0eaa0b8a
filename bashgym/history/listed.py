"""Sessions filtered and found by the beginning of their id; the table of `bashgym traces list`."""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any, NamedTuple

from rich.table import Table

from bashgym.display import Terminal
from bashgym.errors import InputError, did_you_mean
from bashgym.history import agents, collect
from bashgym.history.census import TraceFacts
from bashgym.history.printed import ROOMY, clean, console, homely, money, short
from bashgym.history.reading import Found, Session, find
from bashgym.history.units import TOKENS
from bashgym.show import as_json

NEAR = 5  # ids named where a beginning fits several
SHORTEST = 8  # characters of an id that are shown at least


class Wanted(NamedTuple):
    """Which sessions; everything None means all. Dates are the first and the last day, both included."""

    repo: str | None = None
    since: str | None = None
    until: str | None = None
    verdict: str | None = None
    source: str | None = None


def day(text: str | None, where: str) -> str | None:
    """A date as typed, checked."""
    try:
        return date.fromisoformat(text).isoformat() if text else None
    except ValueError:
        raise InputError(f"{where} {text}: not a date; write it as 2026-11-21") from None


def sessions(wanted: Wanted, screen: Terminal) -> tuple[list[Session], Found]:
    """The sessions that are wanted, the newest first, and all that was found beside them."""
    known = [agent.label for agent in agents.agents()]
    if wanted.source is not None and wanted.source not in known:
        raise InputError(
            f"--source {wanted.source}: no such source of an agent's history{did_you_mean(wanted.source, known)}"
        )
    found = find(screen, wanted.source)
    fitting = [one for one in found.sessions if one.facts.traces and fits(one, wanted)]
    return sorted(fitting, key=lambda one: (collect.started(one), one.ref.id), reverse=True), found


def fits(session: Session, wanted: Wanted) -> bool:
    began = collect.started(session)[:10]
    repo = collect.repo_of(session.facts.cwd)
    return (
        (wanted.repo is None or repo_fits(repo, wanted.repo))
        and (wanted.since is None or began >= wanted.since)
        and (wanted.until is None or "" < began <= wanted.until)
        and (wanted.verdict is None or session.facts.traces[0].label == wanted.verdict)
    )


def repo_fits(repo: str, typed: str) -> bool:
    """Whether `typed` is the repository's path, the end of it from a slash on, or `.` for the one stood in."""
    name = collect.repo_of(str(agents.paths.project())) if typed == "." else typed.rstrip("/")
    return repo == name or repo.endswith(f"/{name}") or homely(repo) == name


def by_id(typed: str, found: Iterable[Session]) -> tuple[Session, str | None]:
    """The session whose id begins with `typed`; with the id of its sub-agent where `typed` names one.

    Raises InputError when none does, or several do."""
    known = list(found)
    whole = [one for one in known if one.ref.id == typed]
    fitting = whole or [one for one in known if one.ref.id.startswith(typed)]
    if len(fitting) == 1:
        return fitting[0], None
    if not fitting:
        inner = [(one, trace.id) for one in known for trace in one.facts.traces[1:] if begins(one, trace, typed)]
        if len(inner) == 1:
            return inner[0]
        fitting = [one for one, _ in inner]
    if not fitting:
        raise InputError(f"{typed}: no session's id begins so; `bashgym traces list` shows them")
    names = ", ".join(one.ref.id for one in fitting[:NEAR])
    raise InputError(f"{typed}: {len(fitting)} sessions begin so ({names} ...); type more of the id")


def begins(session: Session, trace: TraceFacts, typed: str) -> bool:
    """Whether `typed` is a beginning of SESSION/AGENT, where the session's id may be shortened, too."""
    start, slash, agent = typed.rpartition("/")
    return bool(slash) and session.ref.id.startswith(start) and trace.id.rpartition("/")[2].startswith(agent)


def listed(wanted: Wanted, json: bool) -> None:
    found, everything = sessions(wanted, Terminal())
    rows = [row(one) for one in found]
    if json:
        as_json(rows)
        return
    if not rows:
        console().print(
            "No session fits; leave out a filter, or see what there is with: bashgym collect"
            if everything.sessions
            else "There are no sessions yet; `bashgym collect` says where it looked."
        )
        return
    table(rows, shortened([one["id"] for one in rows]))


def row(session: Session) -> dict[str, Any]:
    """One session as `--json` gives it: its own tokens, copies of other sessions' replies included."""
    facts = session.facts
    main = facts.traces[0]
    return {
        "id": session.ref.id,
        "source": session.agent.label,
        "agent": session.agent.name,
        "repo": collect.repo_of(facts.cwd),
        "branch": facts.branch,
        "started": main.started or None,
        "ended": main.ended or None,
        "model": main.model,
        "turns": main.turns,
        "tool_calls": sum(tally.calls for tally in facts.tallies),
        "sub_agents": sum(trace.subagent for trace in facts.traces[1:]),
        **collect.tokens(facts.tallies),
        **{f"cost_{key}": value for key, value in collect.cost(facts.tallies).items() if key in ("usd", "evidence")},
        "verdict": main.label,
        "score": main.score,
        "verdict_evidence": "estimated",
        "path": session.ref.path,
    }


def shortened(ids: Sequence[str]) -> list[str]:
    """Beginnings of uuids that tell these sessions apart; other ids whole."""
    long = [one for one in ids if len(one) == 36 and one.count("-") == 4]
    length = SHORTEST
    while length < 36 and len({one[:length] for one in long}) < len(set(long)):
        length += 1
    return [one[:length] if one in long else one for one in ids]


COLOURS = {"gold": "yellow", "silver": "white", "failed": "red", "unverified": "dim"}


COLUMNS = ("session", "began", "repository", "agent", "turns", "calls", "tokens", "cost (est.)", "verdict (est.)")
LEFT = ("session", "began", "repository", "agent", "verdict (est.)")
FEWER = {70: ("session", "repository", "verdict (est.)"), ROOMY: ("session", "began", "repository", *COLUMNS[-2:])}


def table(rows: Sequence[dict[str, Any]], ids: Sequence[str]) -> None:
    """All columns where there is room for them; FEWER below so many characters a line."""
    screen = console()
    columns = next((few for width, few in FEWER.items() if screen.width < width), COLUMNS)
    shown = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for name in columns:
        words = name in ("session", "repository")
        shown.add_column(name, justify="left" if name in LEFT else "right", overflow="fold", no_wrap=not words)
    for name, one in zip(ids, rows, strict=True):
        cells = {
            "session": clean(name),
            "began": clean((one["started"] or "unknown")[:16].replace("T", " ")),
            "repository": clean(one["repo"].rstrip("/").rpartition("/")[2] or "none named"),
            "agent": clean(one["agent"]),
            "turns": f"{one['turns']:,}",
            "calls": f"{one['tool_calls']:,}",
            "tokens": short(sum(one[field] for field in TOKENS)),
            "cost (est.)": money(one["cost_usd"]),
            "verdict (est.)": f"[{COLOURS[one['verdict']]}]{one['verdict']}[/]",
        }
        shown.add_row(*(cells[column] for column in columns))
    screen.print(shown)
