"""What `bashgym runs` and the end of a sweep print."""

from collections.abc import Sequence
from typing import Any

from bashgym.display import printable, table
from bashgym.runs.compared import Compared
from bashgym.runs.listed import Past
from bashgym.runs.pruned import Judged
from bashgym.show import as_json, number, scores, written


def megabytes(n: int) -> str:
    return f"{n / 1e6:,.1f} MB"


def listing(runs: Sequence[Past], json: bool) -> None:
    rows = [
        {
            "run": run.name,
            "recipe": run.content.get("recipe", ""),
            "state": run.state,
            "alive": run.alive,
            "started": run.content.get("started", ""),
            "sessions": run.content.get("stages", [{}])[0].get("in") if run.content.get("stages") else None,
            "rows": run.content.get("dataset", {}).get("rows", {}).get("train"),
            "model": run.model,
            "bytes": run.bytes(),
            "folder": str(run.folder),
        }
        for run in runs
    ]
    if json:
        as_json(rows)
        return
    if not rows:
        print("no runs yet; make one: bashgym run recipe=quickstart")
        return
    shown = (
        [row["run"], row["state"], row["started"], *counts(row), row["model"], megabytes(row["bytes"])] for row in rows
    )
    table(["run", "state", "started", "sessions", "training rows", "model", "on disk"], shown)
    print(f"{len(rows)} run{'s' * (len(rows) != 1)}, {megabytes(sum(row['bytes'] for row in rows))} (measured)")


def counts(row: dict[str, Any]) -> list[str]:
    return ["" if row[key] is None else number(row[key]) for key in ("sessions", "rows")]


def one(run: Past, json: bool) -> None:
    if json:
        as_json(
            {**run.content, "state": run.state, "alive": run.alive, "bytes": run.bytes(), "folder": str(run.folder)}
        )
        return
    content = run.content
    print(
        printable(
            f"{run.name}: {run.state}{', under way' if run.alive else ''}\n{run.folder}, {megabytes(run.bytes())}"
        )
    )
    if content.get("error"):
        print(printable(f"error: {content['error']}"))
    print(printable(f"typed: {' '.join(content.get('overrides', [])) or 'nothing beside the recipe'}\n"))
    stages = (
        [
            stage["name"],
            "" if stage["in"] is None else number(stage["in"]),
            "" if stage["out"] is None else number(stage["out"]),
            ", ".join(f"{n} {why}" for why, n in stage["dropped"].items()),
            number(stage["seconds"], " s"),
            stage["evidence"],
        ]
        for stage in content.get("stages", [])
    )
    table(["stage", "in", "out", "dropped", "time", "evidence"], stages)
    if content.get("scores"):
        print()
        scores(content["scores"])


def comparison(found: Compared, json: bool) -> None:
    """Keys that differ first, then every figure with its evidence."""
    if json:
        as_json(found._asdict())
        return
    rows = [[key, *("" if cell is None else written(cell) for cell in cells)] for key, cells in found.keys.items()]
    rows += [[name, *map(figure, cells)] for name, cells in found.figures.items()]
    table(["", *found.runs], rows)


def figure(cell: tuple[Any, str]) -> str:
    value, evidence = cell
    return "missing" if value is None else f"{number(value)} ({evidence})"


def pruning(found: Sequence[Judged], json: bool) -> None:
    if json:
        rows = [{"run": one.run.name, "goes": not one.stays, "why": one.stays, "bytes": one.bytes} for one in found]
        as_json(rows)
        return
    if not found:
        return
    shown = ([one.run.name, one.run.state, megabytes(one.bytes), one.stays or "may go"] for one in found)
    table(["run", "state", "on disk", ""], shown)
