"""All that is known of a user's history added up, every reply once: what `bashgym collect` shows."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from bashgym.history import agents
from bashgym.history.reading import Found, Session
from bashgym.history.units import TOKENS, Tally, Unit, enlarge, same, tallied

EVIDENCE = {
    "sessions": "measured",
    "sub_agents": "measured",
    "repositories": "measured",
    "tokens": "measured",
    "cost": "estimated",
    "failures": "measured",
    "verdicts": "estimated",
    "would_give": "estimated",
    "retention": "estimated",
    "not_read": "measured",
}


class Share(NamedTuple):
    """What one session adds to the whole once copies of earlier ones are taken out of it."""

    session: Session
    tallies: Sequence[Tally]
    examples: tuple[int, ...]  # by trace
    copied: int  # replies that an earlier session has already


def shares(sessions: Iterable[Session]) -> list[Share]:
    """Each session's own part, the oldest first: a reply belongs to the session that had it first."""
    ordered = sorted(sessions, key=lambda one: (started(one) or "~", one.ref.id))
    seen: set[int] = set()
    shared: set[int] = set()
    for one in ordered:
        mine = set(one.facts.messages)
        shared |= seen & mine
        seen |= mine
    known: dict[int, list[Unit]] = {}
    parts = [(one, None if shared.isdisjoint(one.facts.messages) else fresh(one, shared, known)) for one in ordered]
    return [whole(one) if left is None else share(one, left) for one, left in parts]


def fresh(session: Session, shared: set[int], known: dict[int, list[Unit]]) -> list[Unit]:
    """The units of a session that no earlier one has; the earlier ones are enlarged by what the copies know."""
    left = []
    for unit in session.units():
        earlier = known.setdefault(unit.message, []) if unit.message in shared else []
        original = next((one for one in earlier if same(one, unit)), None)
        if original is None:
            earlier.append(unit)
            left.append(unit)
        else:
            enlarge(original, unit)
    return left


def whole(session: Session) -> Share:
    return Share(session, session.facts.tallies, tuple(trace.examples for trace in session.facts.traces), 0)


def share(session: Session, left: Sequence[Unit]) -> Share:
    """A session of which only `left` is its own: an example counts where one of its replies is."""
    within = {(unit.trace, unit.example) for unit in left if unit.example >= 0}
    examples = Counter(trace for trace, _ in within)
    replies = sum(tally.replies for tally in session.facts.tallies)
    mine = tallied(left)
    counts = tuple(examples[number] for number in range(len(session.facts.traces)))
    return Share(session, mine, counts, replies - sum(tally.replies for tally in mine))


def started(session: Session) -> str:
    return min((trace.started for trace in session.facts.traces if trace.started), default="")


def summary(found: Found) -> dict[str, Any]:
    """Everything `bashgym collect` tells, as plain data. Token totals stand at the top, each reply counted once."""
    parts = shares(found.sessions)
    tallies = [tally for part in parts for tally in part.tallies]
    mains = [trace for one in found.sessions for trace in one.facts.traces[:1] if not trace.subagent and trace.steps]
    repos = {repo_of(part.session.facts.cwd) for part in parts if part.session.facts.cwd}
    times = sorted(trace.started for one in found.sessions for trace in one.facts.traces if trace.started)
    return {
        **tokens(tallies),
        "sessions": len(mains),
        "sub_agents": sum(trace.subagent for one in found.sessions for trace in one.facts.traces),
        "repositories": len(repos),
        "first": times[0] if times else None,
        "last": max((trace.ended for one in found.sessions for trace in one.facts.traces), default=None),
        "bytes": sum(one.ref.size for one in found.sessions),
        "turns": sum(trace.turns for trace in mains),
        "replies": sum(tally.replies for tally in tallies),
        "tool_calls": sum(tally.calls for tally in tallies),
        "cost": cost(tallies),
        "failures": {
            "tool_errors": sum(tally.errors for tally in tallies),
            "rejections": sum(tally.rejections for tally in tallies),
            "interrupts": sum(tally.interrupts for tally in tallies),
        },
        "verdicts": {
            name: sum(trace.label == name for trace in mains) for name in ("gold", "silver", "unverified", "failed")
        },
        "would_give": would_give(parts, tallies),
        "by_source": by_source(parts),
        "by_month": by_month(parts),
        "by_repo": by_repo(parts),
        "retention": [row for agent in found.agents if (row := retention(agent))],
        "copied_replies": sum(part.copied for part in parts),
        "undercounted_sessions": sum(not one.facts.reliable for one in found.sessions),
        "not_read": {
            "unreadable": found.unreadable,
            "malformed_lines": sum(one.facts.malformed for one in found.sessions),
            "empty": sum(not any(trace.steps for trace in one.facts.traces) for one in found.sessions),
            "left_out": dict(found.left_out),
        },
        "absent": found.absent,
        "opened": found.read,
        "seconds": round(found.seconds, 3),
        "evidence": EVIDENCE,
    }


def tokens(tallies: Iterable[Tally]) -> dict[str, int]:
    held = list(tallies)
    return {field: sum(getattr(tally, field) for tally in held) for field in TOKENS}


def cost(tallies: Iterable[Tally]) -> dict[str, Any]:
    """At list prices; `usd` is None where no reply has a price, and a lower bound where some have none."""
    held = [tally for tally in tallies if tally.replies]
    unpriced: Counter[str] = Counter()
    for tally in held:
        unpriced[tally.model or "unknown"] += tally.unpriced
    priced = sum(tally.replies - tally.unpriced for tally in held)
    return {
        "usd": round(sum(tally.usd for tally in held), 4) if priced else None,
        "evidence": "estimated" if priced else "missing",
        "unpriced_replies": {model: n for model, n in sorted(unpriced.items()) if n},
    }


def would_give(parts: Sequence[Share], tallies: Iterable[Tally]) -> dict[str, Any]:
    """Training examples (one a context window) and preference pairs that the history holds, before sanitizing."""
    good = set(agents.trained_classes())
    by_class: Counter[str] = Counter()
    for part in parts:
        for trace, n in zip(part.session.facts.traces, part.examples, strict=True):
            by_class[trace.label] += n
    return {
        "examples": sum(n for label, n in by_class.items() if label in good),
        "examples_of_all_classes": by_class.total(),
        "preference_pairs": sum(tally.pairs for tally in tallies),
        "classes": sorted(good),
    }


def row(parts: Sequence[Share]) -> dict[str, Any]:
    tallies = [tally for part in parts for tally in part.tallies]
    sessions = [part for part in parts if part.session.facts.traces[:1] and not part.session.facts.traces[0].subagent]
    return {
        "sessions": sum(bool(part.session.facts.traces[0].steps) for part in sessions),
        "replies": sum(tally.replies for tally in tallies),
        **tokens(tallies),
        "usd": cost(tallies)["usd"],
    }


def by_source(parts: Sequence[Share]) -> list[dict[str, Any]]:
    groups = grouped(parts, lambda part: (part.session.agent.label, part.session.agent.name))
    return [{"source": label, "agent": name, **row(group)} for (label, name), group in groups.items()]


def by_repo(parts: Sequence[Share]) -> list[dict[str, Any]]:
    """The busiest first; sessions that name no folder come under an empty name."""
    groups = grouped(parts, lambda part: repo_of(part.session.facts.cwd))
    rows = [{"repo": repo, **row(group)} for repo, group in groups.items()]
    return sorted(rows, key=lambda one: (-one["replies"], one["repo"]))


def by_month(parts: Sequence[Share]) -> list[dict[str, Any]]:
    """Oldest first. A session counts in the month in which it began, its replies in their own."""
    began = Counter(
        started(part.session)[:7] or "unknown"
        for part in parts
        if part.session.facts.traces[:1] and part.session.facts.traces[0].steps
        if not part.session.facts.traces[0].subagent
    )
    groups: dict[str, list[Tally]] = {}
    for tally in (tally for part in parts for tally in part.tallies):
        groups.setdefault(tally.month, []).append(tally)
    return [
        {
            "month": month,
            "sessions": began[month],
            "replies": sum(tally.replies for tally in groups.get(month, [])),
            **tokens(groups.get(month, [])),
            "usd": cost(groups.get(month, []))["usd"],
        }
        for month in sorted({*groups, *began})
    ]


def grouped(parts: Iterable[Share], name: Any) -> dict[Any, list[Share]]:
    groups: dict[Any, list[Share]] = {}
    for part in parts:
        groups.setdefault(name(part), []).append(part)
    return groups


@lru_cache
def repo_of(cwd: str) -> str:
    """The repository a session worked in: the nearest folder above that has `.git`, a linked worktree's main one;
    the folder itself where it is gone or in no repository."""
    folder = Path(cwd)
    if not cwd or not folder.is_absolute() or "\0" in cwd or not folder.is_dir():
        return cwd
    for above in (folder, *folder.parents):
        git = above / ".git"
        if git.is_dir():
            return str(above)
        if git.is_file():
            target = Path(git.read_text(errors="replace").partition("gitdir:")[2].strip())
            linked = target.is_absolute() and target.parent.name == "worktrees" and target.parents[1].name == ".git"
            return str(target.parents[2]) if linked else str(above)
    return cwd


def retention(agent: agents.Agent) -> dict[str, Any] | None:
    """What the agent will delete, and how much of that no archive holds; None for one that deletes nothing."""
    ask = getattr(agent.source, "deletion", None)
    told = ask() if ask else None
    if told is None:
        return None
    first = datetime.fromtimestamp(told.due[0][2], UTC).isoformat() if told.due else None
    return {
        "agent": agent.name,
        "days": told.days,
        "sessions": len(told.due),
        "bytes": sum(size for _, size, _ in told.due),
        "first": first,
        "archived": told.archived,
        "note": told.note,
        "evidence": "missing" if told.days is None else "estimated",
    }
