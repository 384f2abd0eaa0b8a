"""Runs beside each other: the keys their recipes differ in, above the scores they came to."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from bashgym.recipebook.diffed import of_run, same
from bashgym.runs.listed import Past


class Compared(NamedTuple):
    """`keys` and `figures`: name -> one cell a run; a figure's cell is (value, evidence)."""

    runs: list[str]
    keys: dict[str, list[Any]]
    figures: dict[str, list[tuple[Any, str]]]


def compared(runs: Sequence[Past]) -> Compared:
    """Raises InputError for a folder that holds no lock."""
    meanings = [of_run(run.folder) for run in runs]
    names = list(dict.fromkeys(key for meaning in meanings for key in meaning))
    keys = {key: [meaning.get(key) for meaning in meanings] for key in names}
    differing = {key: cells for key, cells in keys.items() if not all(same(cells[0], cell) for cell in cells)}
    return Compared([run.name for run in runs], differing, figures([run.content for run in runs]))


def of_manifests(contents: Sequence[dict[str, Any]]) -> Compared:
    """The runs of a sweep, as each ended; reused ones lie where they lay."""
    return compared([Past(Path(content["folder"]), content, False) for content in contents])


def figures(contents: Sequence[dict[str, Any]]) -> dict[str, list[tuple[Any, str]]]:
    """Rows, losses and scores with their evidence; `missing` where a run has none."""
    every = [figures_of(content) for content in contents]
    names = list(dict.fromkeys(name for one in every for name in one))
    return {name: [one.get(name, (None, "missing")) for one in every] for name in names}


def figures_of(content: dict[str, Any]) -> dict[str, tuple[Any, str]]:
    found: dict[str, tuple[Any, str]] = {}
    for split, rows in content.get("dataset", {}).get("rows", {}).items():
        found[f"{split} rows"] = (rows, "measured")
    training = content.get("training")
    if training:
        found["last loss"] = (training["last_loss"], training["evidence"])
    for score in content.get("scores", []):
        found[f"{score['metric']}, {score['role']}"] = (score["value"], score["evidence"])
    return found
