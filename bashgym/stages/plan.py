"""What a run would do, without doing it: sessions counted, files rendered, machines priced."""

import time
from pathlib import Path
from typing import Any

from bashgym import jsonl, paths
from bashgym.errors import InputError
from bashgym.manifest import now
from bashgym.records import Dataset, Job, Quote
from bashgym.rented import asking
from bashgym.rented.settings import limits_of
from bashgym.stages.context import Run
from bashgym.stages.offers import Answer, as_data, priced, side_by_side
from bashgym.stages.train import provisional


def run_plan(run: Run) -> dict[str, Any]:
    """The plan as data; `axolotl.yaml` and, for a rented machine, `sky.yaml` are written into the run's folder."""
    cloud = run.recipe.one("cloud")
    if limits_of(cloud.config) is not None:
        asking.beforehand()
    dataset = written_dataset(run)
    job = provisional(run, dataset)
    quote: Quote = run.plugin(cloud).quote(job)
    jsonl.replace(run.folder / "recipe.lock.yaml", run.recipe.lock_text("not used yet").encode())
    return {
        "recipe": run.recipe.name,
        "description": run.recipe.settings.description,
        "made": now(),
        "folder": str(run.folder),
        "sources": [counted(run, label) for label, _ in run.plugins("source")],
        "stages": chosen(run),
        "dataset": dataset.rows if dataset else None,
        "base": run.recipe.settings.model.base,
        "training": {"strategy": run.recipe.one("training").label, "gpu": job.gpu, "config": job.config},
        "estimate": job.estimate,
        "cloud": cloud.label,
        "preflight": [{"level": one.level, "message": one.message} for one in run.plugin(cloud).preflight(job)],
        "quote": priced(quote),
        "clouds": elsewhere(run, job, quote),
        "files": files(job, run.folder),
    }


def elsewhere(run: Run, job: Job, quote: Quote) -> list[dict[str, Any]]:
    """The offers of all clouds that rent, this one's among them; only its own where it costs nothing."""
    chosen = run.recipe.one("cloud")
    if limits_of(chosen.config) is None:
        return as_data([Answer(chosen.label, quote, "", {})])
    argv = [f"recipe={run.recipe.file}", *run.recipe.overrides]
    return as_data(side_by_side(argv, run.recipe, job, quote))


def written_dataset(run: Run) -> Dataset | None:
    """The dataset that this folder already holds, where `--until dataset` has written one."""
    noted = run.manifest.content.get("dataset")
    folder = run.folder / "dataset"
    if noted is None or not folder.is_dir():
        return None
    stanza = run.plugin(run.recipe.one("format")).stanza()
    return Dataset(
        folder=str(folder), sha256=noted["sha256"], rows=noted["rows"], stanza=stanza, schema=noted["schema"]
    )


def counted(run: Run, label: str) -> dict[str, Any]:
    """Sessions and bytes of one source; `missing`, with the reason, where it cannot be listed."""
    plugin = dict(run.plugins("source"))[label]
    started = time.perf_counter()
    try:
        refs = list(plugin.list())
    except InputError as error:
        return {"source": label, "evidence": "missing", "note": str(error)}
    seconds = round(time.perf_counter() - started, 3)
    return {
        "source": label,
        "sessions": len(refs),
        "bytes": sum(ref.size for ref in refs),
        "seconds": seconds,
        "evidence": "measured",
    }


def chosen(run: Run) -> dict[str, list[str]]:
    """kind -> labels, in order."""
    found: dict[str, list[str]] = {}
    for choice in run.recipe.choices:
        found.setdefault(choice.kind, []).append(choice.label)
    return found


def files(job: Job, folder: Path) -> list[str]:
    """What was written for the reader of the plan."""
    return [str(path) for path in sorted(folder.glob("*.yaml"))]


def plan_folder(name: str) -> Path:
    """One folder a recipe, written anew by each plan."""
    folder = paths.home() / "plans" / name
    folder.mkdir(parents=True, exist_ok=True)
    return folder
