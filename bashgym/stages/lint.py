"""A dataset about to be trained on: looked at once more, and refused where a model would learn something wrong."""

import time
from pathlib import Path

from bashgym.errors import RecipeError, RunFailed
from bashgym.records import Dataset
from bashgym.rows import template
from bashgym.rows.lint import lint
from bashgym.stages.context import Run


def run_lint(run: Run, dataset: Dataset) -> None:
    """Raises RunFailed with the faults, how many rows have each, and the first row."""
    started = time.perf_counter()
    chosen = known_template(run)
    for split in ("train", "validation"):
        found = lint(Path(dataset.folder) / f"{split}.jsonl", dataset.schema, chosen)
        if found:
            named = "; ".join(f"{fault.rows} x {fault.name}, first {fault.first}" for fault in found)
            raise RunFailed(
                f"{split}.jsonl is not fit to be trained on: {named}; "
                f"`bashgym examples show {found[0].first} --run {run.folder}` shows it"
            )
    rows = sum(dataset.rows.get(split, 0) for split in ("train", "validation"))
    looked_at = chosen.name if chosen else "missing"
    run.manifest.stage("lint", rows, rows, {}, time.perf_counter() - started, template=looked_at)


def known_template(run: Run) -> template.Template | None:
    """The model's chat template, where it lies on this disk; a model of the Hub is not fetched for that."""
    settings = run.recipe.settings.model
    try:
        return template.chosen(settings.chat_template, settings.base)
    except RecipeError:
        return None
