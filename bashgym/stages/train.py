"""A dataset in; a checkpoint with its loss curve out. Runs where the recipe's cloud says."""

import hashlib
import os
import shutil
import time
from contextlib import nullcontext
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from bashgym import axolotl, environment, jsonl
from bashgym.errors import RecipeError
from bashgym.gate import vault
from bashgym.gate.outgoing import gate
from bashgym.gate.report import require
from bashgym.kinds import Prepared
from bashgym.records import Checkpoint, Dataset, Job, Model
from bashgym.rented import ledger
from bashgym.stages import agreement, rewards
from bashgym.stages.context import Run
from bashgym.stages.job import carried_out
from bashgym.training.tracking import tracked

MODEL_MADE = "made.json"  # written last into model/, with what it was made from


class Trained(NamedTuple):
    """The model that was started from, what became of it, and its metrics by step."""

    base: Path | str
    checkpoint: Checkpoint
    curves: list[dict[str, Any]]


def ensure_environment(run: Run) -> None:
    """Makes the training environment where it is missing, and says so; nothing where cloud.python names another."""
    started = time.perf_counter()
    made = environment.ensure(getattr(run.recipe.one("cloud").config, "python", ""), run.screen.step)
    if made.fresh:
        run.manifest.stage("environment", None, None, {}, time.perf_counter() - started)
    # plugins of every kind reach the same environment through this variable
    os.environ[environment.OVERRIDE] = str(made.python)


def provisional(run: Run, dataset: Dataset | None = None) -> Job:
    """The job as it would be, also before there is a dataset: for questions of place and price."""
    format_plugin = run.plugin(run.recipe.one("format"))
    settings = run.recipe.settings.model
    dataset = dataset or Dataset(
        folder=str(run.folder / "dataset"),
        sha256="",
        rows={},
        stanza=format_plugin.stanza(),
        schema=format_plugin.schema,
    )
    base = str(run.folder / axolotl.MODEL) if settings.base == "scratch" else settings.base
    model = Model(
        base=base,
        chat_template=settings.chat_template,
        sequence_len=settings.sequence_len,
        revision=settings.revision or None,
        measures=measures(run) if settings.base == "scratch" else None,
    )
    job: Job = checked_training(run, dataset).plan(dataset, model, run.folder)
    return tracked(job, run.recipe.settings.track)


def measures(run: Run) -> tuple[int, int, int]:
    """Width, layers and vocabulary of the model that is made from the data."""
    scratch = run.recipe.settings.model.scratch
    return scratch.hidden_size, scratch.layers, scratch.vocab_size


def preflight(run: Run) -> None:
    """Asks the cloud before any work is done; raises RecipeError for what stands in the way."""
    choice, job = run.recipe.one("cloud"), provisional(run)
    for finding in run.plugin(choice).preflight(job):
        if finding.level == "error":
            prefix = f"cloud={choice.label}: "
            raise RecipeError(f"{prefix}{finding.message.removeprefix(prefix)}")
        run.screen.say(f"{finding.level}: {finding.message}")
    rewards.preflight(run)
    agreement.foreseen(run, job)


def run_training(run: Run, dataset: Dataset) -> Trained:
    """Trains, or takes up a training that was cut off, or finds it done. Raises RunFailed with the log's place, and
    PrivacyError where the dataset is not the one that the leak gate passed."""
    started = time.perf_counter()
    require(run.folder)
    rewards.tested(run, dataset)
    model = prepared_model(run, dataset)
    job = planned(run, dataset, model)
    done = finished(run, job, dataset)
    if done is None:
        environment.place(run.folder)
        rewards.placed(run)
        environment.check_config(run.folder)
        prepared(run, dataset, job)
        with run.budget.counting(run.folder) if run.budget else nullcontext():
            carried_out(hired(run), job, inputs(job, dataset), run.screen, lambda: agreement.agreed(run, job))
    curves = metrics(run.folder)
    checkpoint = done or describe(run.folder / job.output, curves, time.perf_counter() - started)
    jsonl.replace(run.folder / "checkpoint.json", orjson.dumps({"inputs": inputs(job, dataset), **to_dict(checkpoint)}))
    run.manifest.update(training={**to_dict(checkpoint), "memory": memory(run.folder, job)}, **rented(run.folder))
    if done is None:
        strategy = run.recipe.one("training").label
        cut = left_out(run.folder)
        dropped = {"row longer than the sequence length": cut} if cut else {}
        run.manifest.stage(
            "training", dataset.rows["train"], 1, dropped, checkpoint.seconds, steps=checkpoint.steps, strategy=strategy
        )
    return Trained(model.base, checkpoint, curves)


def prepared(run: Run, dataset: Dataset, job: Job) -> None:
    """What a strategy must fetch before its job runs (a teacher's word over a network), past the leak gate."""
    training = run.plugin(run.recipe.one("training"))
    if not hasattr(training, "prepare"):
        return
    started = time.perf_counter()
    removed = vault.all_of(run.store, require(run.folder).sessions)
    check = gate(removed, run.plugins("sanitizer"))
    found: Prepared | None = training.prepare(job, check, run.screen.say)
    if found:
        rows = dataset.rows["train"] + dataset.rows.get("validation", 0)
        run.manifest.stage("teacher", rows, found.rows, found.dropped, time.perf_counter() - started, **found.told)


def hired(run: Run) -> Any:
    """The recipe's cloud, told what is left of the money where several runs share it."""
    cloud = run.plugin(run.recipe.one("cloud"))
    if run.budget is not None and hasattr(cloud, "left_usd"):
        cloud.left_usd = run.budget.left
    return cloud


def rented(folder: Path) -> dict[str, Any]:
    """What rented machines took, where there were any: hours, dollars (bashgym/rented/ending.py)."""
    told = ledger.past(folder)
    return {"rented": told} if told else {}


def memory(folder: Path, job: Job) -> dict[str, Any]:
    """The most memory the training had in use (GB, measured; missing where the system does not tell) beside what was
    estimated before it began."""
    peak = next((event["peak_bytes"] for event in reversed(events(folder)) if event.get("peak_bytes")), None)
    told = {"estimated_gb": job.estimate.get("memory_gb"), "peak_gb": None if peak is None else round(peak / 1e9, 2)}
    return {**told, "evidence": "missing" if peak is None else "measured"}


def to_dict(checkpoint: Checkpoint) -> dict[str, Any]:
    return {name: getattr(checkpoint, name) for name in checkpoint.__struct_fields__}


def planned(run: Run, dataset: Dataset, model: Model) -> Job:
    """The job, with `axolotl.yaml` written; raises RecipeError when the format is not what the training needs."""
    job: Job = checked_training(run, dataset).plan(dataset, model, run.folder)
    return tracked(job, run.recipe.settings.track)


def checked_training(run: Run, dataset: Dataset) -> Any:
    training = run.plugin(run.recipe.one("training"))
    if training.schema != dataset.schema:
        raise RecipeError(
            f"training={run.recipe.one('training').label} needs rows of schema '{training.schema}', and "
            f"format={run.recipe.one('format').label} makes '{dataset.schema}'; choose another format="
        )
    rewards.hand_over(run, training)
    return training


def prepared_model(run: Run, dataset: Dataset) -> Model:
    """The model to start from; `scratch` is made from the training rows once per dataset and settings."""
    settings = run.recipe.settings.model
    if settings.base != "scratch":
        local = Path(settings.base).expanduser()
        base = str(local.resolve()) if local.is_dir() else settings.base
        return Model(
            base=base,
            chat_template=settings.chat_template,
            sequence_len=settings.sequence_len,
            revision=settings.revision or None,
        )
    folder = run.folder / axolotl.MODEL
    wanted = {"dataset": dataset.sha256, "settings": settings.model_dump(), "seed": run.recipe.settings.seed}
    made = folder / MODEL_MADE
    if not made.exists() or orjson.loads(made.read_bytes())["from"] != orjson.loads(orjson.dumps(wanted)):
        shutil.rmtree(folder, ignore_errors=True)
        started = time.perf_counter()
        run.screen.say("making a small model with random weights, and a tokenizer from the training rows")
        facts = environment.make_scratch_model(
            run.folder,
            settings.chat_template,
            settings.sequence_len,
            settings.scratch.model_dump(),
            run.recipe.settings.seed,
        )
        jsonl.replace(made, orjson.dumps({"from": wanted, **facts}))
        run.manifest.stage("model", dataset.rows["train"], 1, {}, time.perf_counter() - started, **facts)
    parameters = orjson.loads(made.read_bytes()).get("parameters")
    return Model(
        base=str(folder), chat_template="tokenizer_default", sequence_len=settings.sequence_len, parameters=parameters
    )


def inputs(job: Job, dataset: Dataset) -> str:
    """A hash of all that the training depends on."""
    return hashlib.sha256(orjson.dumps([job.config, dataset.sha256], option=orjson.OPT_SORT_KEYS)).hexdigest()


def finished(run: Run, job: Job, dataset: Dataset) -> Checkpoint | None:
    """The checkpoint of an earlier, complete training with the same inputs in this folder."""
    note = run.folder / "checkpoint.json"
    if not note.exists():
        return None
    content = orjson.loads(note.read_bytes())
    if content.pop("inputs") != inputs(job, dataset) or not Path(content["path"]).is_dir():
        return None
    return Checkpoint(**content)


def metrics(folder: Path) -> list[dict[str, Any]]:
    """The training's own log events by step; of a step logged twice (a resumed training) the later one."""
    logged: dict[tuple[int, str], dict[str, Any]] = {}
    for event in events(folder):
        if event.get("event") in {"log", "eval"}:
            key = (event.get("step", 0), event["event"])
            before = logged.get(key, {})  # the last step is logged once more, with how long it all took and no loss
            told = {**before.get("metrics", {}), **event.get("metrics", {})}
            logged[key] = {**before, **event, **({"metrics": told} if told else {})}
    return [logged[key] for key in sorted(logged)]


def events(folder: Path) -> list[dict[str, Any]]:
    """Every event that the training has written so far; none where it has not begun."""
    path = folder / "metrics.jsonl"
    lines = jsonl.read_lines(path) if path.exists() else ()
    return [line.value for line in lines if isinstance(line.value, dict)]


def left_out(folder: Path) -> int:
    """Rows that the trainer itself left out: those that are too long once real tokens are counted."""
    begun = (event for event in reversed(events(folder)) if event.get("event") == "begin")
    return next((int(event.get("left_out") or 0) for event in begun), 0)


def describe(output: Path, curves: list[dict[str, Any]], seconds: float) -> Checkpoint:
    losses = [event["metrics"]["loss"] for event in curves if "loss" in (event.get("metrics") or {})]
    return Checkpoint(
        path=str(output),
        steps=max((event.get("step", 0) for event in curves), default=0),
        first_loss=losses[0] if losses else None,
        last_loss=losses[-1] if losses else None,
        seconds=round(seconds, 1),
        evidence="measured" if losses else "missing",
    )
