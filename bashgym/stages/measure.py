"""A trained model in; its scores beside its base's and the controls' on the same rows, out."""

import hashlib
import time

import msgspec
import orjson

from bashgym import jsonl
from bashgym.records import Dataset, Score, Subject
from bashgym.stages import base_scores
from bashgym.stages.context import Run
from bashgym.stages.train import Trained


def run_benchmarks(run: Run, dataset: Dataset, trained: Trained) -> list[Score]:
    """Every benchmark of the recipe over the base, the trained model and the controls; cached by their inputs."""
    scores: list[Score] = []
    for choice in run.recipe.all("benchmark"):
        started = time.perf_counter()
        if not dataset.rows["test"]:
            run.screen.say(f"benchmark {choice.label}: no test rows, so nothing is measured; add sessions")
            scores.append(nothing(choice.label))
            continue
        found = [score for role in ("base", "trained") for score in measured(run, choice.label, dataset, trained, role)]
        benchmark = run.plugin(choice)
        found += list(benchmark.controls(subject(run, dataset, trained, "trained", choice.label)))
        n = max((score.n for score in found), default=0)
        for score in found:
            run.screen.say(line(score))
        run.manifest.stage(f"benchmark {choice.label}", dataset.rows["test"], n, {}, time.perf_counter() - started)
        scores += found
    run.manifest.update(scores=[msgspec.to_builtins(score) for score in scores])
    return scores


def line(score: Score) -> str:
    """A score as it is told while the run goes on."""
    value = "missing" if score.value is None else f"{score.value:.4g} ({score.evidence}, n={score.n})"
    return f"score {score.metric} of {score.role}: {value}{'; ' + score.note if score.note else ''}"


def nothing(label: str) -> Score:
    return Score(benchmark=label, metric="", role="trained", value=None, evidence="missing", note="no test rows")


def measured(run: Run, label: str, dataset: Dataset, trained: Trained, role: str) -> list[Score]:
    """The scores of one model on one benchmark; a rerun after a kill takes what was measured before."""
    chosen = next(choice for choice in run.recipe.all("benchmark") if choice.label == label)
    model = subject(run, dataset, trained, role, label)
    parts = [
        dataset.sha256,
        model.path,
        trained.checkpoint.steps,
        chosen.values(),
        chosen.plugin.sha256,
        run.manifest.content.get("run"),
    ]
    key = hashlib.sha256(orjson.dumps(parts, option=orjson.OPT_SORT_KEYS)).hexdigest()
    note = run.folder / "benchmarks" / label / f"{role}.scores.json"
    if note.exists():
        content = orjson.loads(note.read_bytes())
        if content["key"] == key:
            return msgspec.convert(content["scores"], list[Score])
    benchmark, revision = run.plugin(chosen), run.recipe.settings.model.revision
    settings = [chosen.values(), chosen.plugin.sha256]
    name = base_scores.key(benchmark, settings, model, revision) if role == "base" else None
    scores = base_scores.kept(name) if name else None
    if scores is None:
        run.screen.say(f"benchmark {label}: measuring the {role} model on the test rows")
        scores = list(benchmark.run(model))
        if name:
            base_scores.keep(name, scores, str(run.manifest.content.get("run")))
    else:
        run.screen.say(f"benchmark {label}: the base model was measured on these rows before: reused")
    jsonl.replace(note, orjson.dumps({"key": key, "scores": [msgspec.to_builtins(score) for score in scores]}))
    return scores


def subject(run: Run, dataset: Dataset, trained: Trained, role: str, label: str) -> Subject:
    settings = run.recipe.settings.model
    return Subject(
        role=role,
        path=str(trained.base) if role == "base" else trained.checkpoint.path,
        dataset=dataset.folder,
        folder=str(run.folder / "benchmarks" / label),
        chat_template="tokenizer_default" if settings.base == "scratch" else settings.chat_template,
        sequence_len=settings.sequence_len,
    )
