"""What `bashgym collect` and `bashgym traces list` print: tables for people, JSON for scripts."""

import sys
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from bashgym.display import Terminal, printable
from bashgym.errors import InputError, did_you_mean
from bashgym.history import agents, collect
from bashgym.history.reading import Found, find
from bashgym.history.units import TOKENS
from bashgym.report.figures import size
from bashgym.show import as_json

WIDE = 120  # where nobody looks
MONTHS = 12
REPOS = 8
SHOWN = 5  # reasons of one kind before they are only counted
COLUMNS = ("sessions", "replies", "input", "output", "cache read", "cache write", "cost (est.)")
FEW = ("sessions", "replies", "cost (est.)")  # of them where the terminal is narrower than all of them want
ROOMY = 100  # characters a line
CRAMPED = 60  # below this a figure is a line of words, not of columns
SHORTEST = 8  # characters that are left of a long name


def collected(only: str | None, json: bool) -> None:
    known = [agent.label for agent in agents.agents()]
    if only is not None and only not in known:
        raise InputError(f"collect --source {only}: no such source of an agent's history{did_you_mean(only, known)}")
    found = find(Terminal(), only)
    told = collect.summary(found)
    if json:
        as_json(told)
    elif not found.agents and not found.unreadable:
        nothing(found)
    else:
        summary(told)


def console() -> Console:
    return Console(highlight=False, width=None if sys.stdout.isatty() else WIDE)


def nothing(found: Found) -> None:
    """What was looked for, and what to do."""
    screen = console()
    screen.print("[bold]No history of a coding agent was found on this machine.[/]\n")
    for agent, reason in found.absent.items():
        screen.print(f"  {clean(agent)}: {clean(reason)}")
    screen.print(
        "\nWork with one of them once and come back, or name a folder of sessions in a recipe:\n"
        "  bashgym run recipe=quickstart source=claude_code source.claude_code.path=FOLDER\n"
        "To see a whole run on the bundled example sessions:\n"
        "  bashgym run recipe=quickstart"
    )


def summary(told: dict[str, Any]) -> None:
    screen = console()
    names = ", ".join(dict.fromkeys(one["agent"] for one in told["by_source"])) or "no agent"
    span = f", {day(told['first'])} to {day(told['last'])}" if told["first"] else ""
    screen.print(f"\n[bold]Your history with {clean(names)}[/]{span}\n")
    figures(screen, told)
    breakdown(screen, "agent", [(one["agent"], one) for one in told["by_source"]], len(told["by_source"]))
    breakdown(screen, "month", [(one["month"], one) for one in told["by_month"][-MONTHS:]], len(told["by_month"]))
    repos = [(homely(one["repo"]) or "no folder named", one) for one in told["by_repo"][:REPOS]]
    breakdown(screen, "repository", repos, len(told["by_repo"]))
    warnings(screen, told)
    following(screen, told)


def figures(screen: Console, told: dict[str, Any]) -> None:
    """The figures that matter, each with what it rests on."""
    wrong, verdicts, gives = told["failures"], told["verdicts"], told["would_give"]
    total = sum(told[field] for field in TOKENS)
    spent = told["cost"]
    unpriced = sum(spent["unpriced_replies"].values())
    rows = [
        ("sessions", f"{told['sessions']:,}", f"{size(told['bytes'])} in {many(told['repositories'], 'repository')}"),
        ("sub-agents", f"{told['sub_agents']:,}", ""),
        ("turns of yours", f"{told['turns']:,}", f"answered by {many(told['replies'], 'reply')}"),
        ("tool calls", f"{told['tool_calls']:,}", ""),
        ("tokens", short(total), f"{short(told['output_tokens'])} of them written by the model"),
        ("cost at list prices", money(spent["usd"]), f"{many(unpriced, 'reply')} without a price" if unpriced else ""),
        (
            "went wrong",
            f"{wrong['tool_errors']:,}",
            f"tool errors; {many(wrong['rejections'], 'rejection')}, {many(wrong['interrupts'], 'interrupt')} by you",
        ),
        (
            "likely gold",
            f"{verdicts['gold']:,}",
            f"and {verdicts['silver']:,} silver, {verdicts['unverified']:,} unverified, {verdicts['failed']:,} failed",
        ),
        (
            "training examples",
            f"{gives['examples']:,}",
            f"from {' and '.join(gives['classes'])}, each a row or more; {gives['examples_of_all_classes']:,} from all",
        ),
        ("preference pairs", f"{gives['preference_pairs']:,}", "a call that failed, then the like of it that worked"),
    ]
    proof = [*["measured"] * 5, spent["evidence"], "measured", *["estimated"] * 3]
    if screen.width < CRAMPED:
        for (name, value, more), evidence in zip(rows, proof, strict=True):
            screen.print(f"[bold]{name}[/] [cyan]{value}[/]{f', {more}' if more else ''} [dim]({evidence})[/]")
        return
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(style="bold")
    table.add_column(justify="right", style="cyan", no_wrap=True)
    table.add_column()
    table.add_column(style="dim", no_wrap=True)
    for (name, value, more), evidence in zip(rows, proof, strict=True):
        table.add_row(name, value, more, evidence)
    screen.print(table)


def breakdown(screen: Console, name: str, rows: Sequence[tuple[str, dict[str, Any]]], whole: int) -> None:
    """One line each with tokens and cost; all but the costs is measured."""
    if not rows:
        return
    columns = COLUMNS if screen.width >= ROOMY else FEW
    cells = [dict(zip(COLUMNS, cells_of(one), strict=True)) for _, one in rows]
    taken = sum(2 + max(len(column), *(len(cell[column]) for cell in cells)) for column in columns)
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column(name if whole <= len(rows) else f"{name} ({len(rows)} of {whole})", overflow="fold")
    for column in columns:
        table.add_column(column, justify="right", no_wrap=True)
    for (label, _), cell in zip(rows, cells, strict=True):
        table.add_row(ending(clean(label), screen.width - taken - 2), *(cell[column] for column in columns))
    screen.print()
    screen.print(table)


def cells_of(one: dict[str, Any]) -> list[str]:
    """What stands below COLUMNS."""
    return [f"{one['sessions']:,}", f"{one['replies']:,}", *(short(one[field]) for field in TOKENS), money(one["usd"])]


def ending(path: str, room: int) -> str:
    """The end of a name that is too long for `room` characters: of a folder, that is what tells it from others."""
    room = max(room, SHORTEST)
    return path if len(path) <= room else f"…{path[1 - room :]}"


def warnings(screen: Console, told: dict[str, Any]) -> None:
    lines = [*deletions(told["retention"]), *doubts(told)]
    if lines:
        screen.print()
    for line in lines:
        screen.print(clean(line), style="yellow", soft_wrap=True)
    if told["absent"]:
        names = clean(", ".join(told["absent"]))
        screen.print(f"no history of {names} (--json says where it was looked for)", style="dim", soft_wrap=True)


def deletions(rows: Iterable[dict[str, Any]]) -> Iterable[str]:
    for one in rows:
        if one["days"] is None:
            yield f"When {one['agent']} deletes sessions is missing: {one['note']}"
        elif one["sessions"]:
            yield (
                f"{one['agent']} deletes sessions after {one['days']} days: {many(one['sessions'], 'session')} "
                f"({size(one['bytes'])}) from {day(one['first'])} on, not archived (estimated). "
                "Keep them: bashgym capture rescue"
            )


def doubts(told: dict[str, Any]) -> Iterable[str]:
    """What was left out, and which figures are too small."""
    missed = told["not_read"]
    yield from limited("could not be read", missed["unreadable"])
    if missed["malformed_lines"]:
        yield f"{many(missed['malformed_lines'], 'malformed line')} kept aside, uncounted (measured)"
    if missed["empty"]:
        yield f"{many(missed['empty'], 'session file')} without a conversation (measured)"
    for reason, n in missed["left_out"].items():
        yield f"{many(n, 'session')} left out: {reason} (measured)"
    if told["copied_replies"]:
        yield f"{many(told['copied_replies'], 'reply')} in forks and resumes are copies, counted once (measured)"
    if told["undercounted_sessions"]:
        yield (
            f"{many(told['undercounted_sessions'], 'session')} by clients that wrote too few output tokens: "
            "the true figures are higher"
        )
    unpriced = told["cost"]["unpriced_replies"]
    if unpriced:
        models = ", ".join(f"{model} ({n:,})" for model, n in list(unpriced.items())[:SHOWN])
        yield f"cost missing for models without a price: {models}; add them in conf/prices.yaml"


def limited(what: str, reasons: Sequence[str]) -> Iterable[str]:
    yield from (f"{what}: {reason}" for reason in reasons[:SHOWN])
    if len(reasons) > SHOWN:
        yield f"{what}: {len(reasons) - SHOWN:,} more; --json names them all"


def following(screen: Console, told: dict[str, Any]) -> None:
    source = told["by_source"][0]["source"] if told["by_source"] else "claude_code"
    anew = many(told["opened"], "session")
    screen.print(
        f"\n[dim]{anew} read anew, {told['seconds']:.1f} s; nothing left this machine.[/]\n"
        "  bashgym traces list --verdict gold     the best of them\n"
        "  bashgym traces report ID               one as a page\n"
        f"  bashgym run recipe=quickstart source={source}    train on them"
    )


def clean(text: str) -> str:
    """Text of a session for rich: neither control characters nor markup."""
    return escape(printable(text).replace("\n", " "))


def homely(path: str) -> str:
    home = str(Path.home())
    return "~" + path[len(home) :] if path == home or path.startswith(home + "/") else path


def short(n: int) -> str:
    """Tokens as people say them."""
    for unit, scale in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if n >= scale * 0.9995:
            return f"{n / scale:.3g} {unit}" if n < scale * 999.5 else f"{n / scale:,.0f} {unit}"
    return str(n)


def money(value: float | None) -> str:
    if value is None:
        return "missing"
    return f"${value:,.2f}" if value >= 0.005 or value == 0 else "< $0.01"


IRREGULAR = {"reply": "replies", "repository": "repositories"}


def many(n: int, name: str) -> str:
    return f"{n:,} {name if n == 1 else IRREGULAR.get(name, name + 's')}"


def day(text: str | None) -> str:
    try:
        return f"{datetime.fromisoformat(text or ''):%-d %b %Y}"
    except ValueError:
        return "unknown"
