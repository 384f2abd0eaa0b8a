"""The card of a model, README.md in its folder: what it is, what it learnt from, how good it is, how to run it.

It takes the place of the one that Axolotl writes, which quotes the whole configuration, paths of this machine included.
Made of counts and names alone; a line in which the leak gate still finds something is left out."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from bashgym import __version__, axolotl, jsonl, yamls
from bashgym.gate import vault
from bashgym.gate.report import GateReport, require
from bashgym.gate.sweep import Sweep
from bashgym.records import Dataset, Score
from bashgym.stages import card
from bashgym.stages.context import Run
from bashgym.stages.train import Trained

CURVE = 12  # lines of the loss curve
SETTINGS = (
    "learning_rate", "num_epochs", "max_steps", "micro_batch_size", "gradient_accumulation_steps", "sequence_len",
    "lora_r", "lora_alpha", "kd_alpha", "kd_temperature", "seed",
)  # fmt: skip


def write(run: Run, dataset: Dataset, trained: Trained, scores: Sequence[Score]) -> Path:
    """Writes the card; the same run gives the same bytes."""
    report = require(run.folder)
    config: dict[str, Any] = yamls.load((run.folder / axolotl.CONFIG).read_text(encoding="utf-8"))
    path = Path(trained.checkpoint.path) / "README.md"
    lines = [*header(run, trained, scores), *body(run, dataset, trained, scores, report, config)]
    jsonl.replace(path, ("\n".join(lines) + "\n").encode())
    sweep = Sweep(vault.all_of(run.store, report.sessions))
    jsonl.replace(path, card.checked(path, sweep, run.plugins("sanitizer")).encode())
    return path


def base(run: Run) -> str:
    """The base model as others may read it: a hub id; of a folder here its name alone."""
    named = run.recipe.settings.model.base
    return Path(named).name if Path(named).expanduser().exists() else named


def on_the_hub(run: Run) -> bool:
    named = run.recipe.settings.model.base
    return named != "scratch" and not Path(named).expanduser().exists()


def header(run: Run, trained: Trained, scores: Sequence[Score]) -> Iterator[str]:
    """What the Hugging Face Hub reads."""
    adapter = (Path(trained.checkpoint.path) / "adapter_config.json").is_file()
    known: dict[str, Any] = {"library_name": "peft" if adapter else "transformers", "pipeline_tag": "text-generation"}
    if on_the_hub(run):
        known |= {"base_model": base(run), "base_model_relation": "adapter" if adapter else "finetune"}
    known |= {"license": "unknown", "tags": ["bashgym", "axolotl", run.recipe.one("training").label]}
    results = [
        {"type": one.metric, "name": f"{one.benchmark} {one.metric}", "value": one.value}
        for one in scores
        if one.role == "trained" and one.evidence == "measured" and one.value is not None and math.isfinite(one.value)
    ]
    if results:
        task = {"type": "text-generation"}
        about = {"task": task, "dataset": {"name": "own test sessions", "type": "private"}, "metrics": results}
        known["model-index"] = [{"name": run.recipe.model_name, "results": [about]}]
    yield "---"
    yield from yaml.safe_dump(known, sort_keys=False, allow_unicode=False, width=1000).splitlines()
    yield from ("---", "")


def body(
    run: Run,
    dataset: Dataset,
    trained: Trained,
    scores: Sequence[Score],
    report: GateReport,
    config: Mapping[str, Any],
) -> Iterator[str]:
    content = run.manifest.content
    yield f"# {run.recipe.model_name}"
    yield ""
    yield f"Made by BashGym {__version__} with the recipe `{run.recipe.name}`, run `{content.get('run', 'missing')}`."
    yield from section("Model", ("", ""), facts(run, trained, config))
    yield from section("Rows", ("split", "rows"), ([split, str(n)] for split, n in dataset.rows.items()))
    verdicts = content.get("verdicts", {})
    taken = run.recipe.settings.dataset.classes
    yield from section(
        "Sessions by class",
        ("class by the judges", "sessions", "trained on"),
        ([label, str(n), "yes" if label in taken else "no"] for label, n in sorted(verdicts.items())),
    )
    yield from section("Scores", ("score", "model", "value", "standard error", "n", "better", "evidence"), told(scores))
    yield from section("Loss", ("step", "training", "validation"), curve(trained.curves))
    yield from privacy(run, report)
    yield from use(run)


def facts(run: Run, trained: Trained, config: Mapping[str, Any]) -> Iterator[list[str]]:
    """What it is and how it was trained."""
    end = trained.checkpoint
    where = "random weights, and a tokenizer learnt from the rows" if base(run) == "scratch" else base(run)
    yield ["base model", where]
    yield ["licence", "unknown: that of the base model, and the owner's of the sessions; BashGym cannot tell"]
    yield ["strategy", run.recipe.one("training").label]
    yield ["format of the rows", run.recipe.one("format").label]
    yield ["chat template", run.recipe.settings.model.chat_template]
    yield ["steps", f"{end.steps} in {end.seconds:g} s ({end.evidence})"]
    yield ["loss", f"{number(end.first_loss)} -> {number(end.last_loss)} ({end.evidence})"]
    for key in SETTINGS:
        if key in config:
            yield [f"`{key}`", str(config[key])]


def told(scores: Iterable[Score]) -> Iterator[list[str]]:
    for one in scores:
        better = "higher" if one.higher_is_better else "lower"
        row = [f"{one.benchmark} {one.metric}", one.role, number(one.value), number(one.stderr), str(one.n), better]
        yield [*row, f"{one.evidence}{f' ({one.note})' if one.note else ''}"]


def number(value: float | None) -> str:
    return "missing" if value is None else f"{value:.4g}"


def curve(curves: Sequence[Mapping[str, Any]]) -> Iterator[list[str]]:
    """The loss at some steps, first and last among them; all of it is in the model registry."""
    steps: dict[int, dict[str, Any]] = {}
    for event in curves:
        for key in ("loss", "eval_loss"):
            if isinstance(event.get(key), float | int):
                steps.setdefault(int(event.get("step", 0)), {})[key] = float(event[key])
    known = sorted(steps)
    chosen = {known[round(n * (len(known) - 1) / (CURVE - 1))] for n in range(CURVE)} if known else set()
    for step in sorted(chosen):
        found = [f"{steps[step][key]:.4g}" if key in steps[step] else "" for key in ("loss", "eval_loss")]
        yield [str(step), *found]


def privacy(run: Run, report: GateReport) -> Iterator[str]:
    """The leak gate's word on what it learnt from."""
    sanitizers = ", ".join(choice.label for choice in run.recipe.all("sanitizer"))
    yield from ("", "## Privacy", "")
    yield f"Sanitizers, in this order: {sanitizers}. The leak gate {'passed' if report.passed else 'did not pass'} the"
    yield f"{report.rows} rows: {report.values} values that were removed from the sessions are nowhere in them, and all"
    yield f"{report.canaries} planted values were removed (measured). The rows' hash: `{report.dataset}`."
    yield "What a model learnt can be asked of it: think before you publish one that was trained on private sessions."


def use(run: Run) -> Iterator[str]:
    name = run.recipe.model_name
    yield from ("", "## Use", "", "```sh")
    for to in ("ollama", "vllm", "merged"):
        yield f"bashgym models export {name} ./{name} --to {to}"
    yield from ("```", "")


def section(title: str, names: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """A table, its cells on one line each; nothing where it has no rows."""
    plain = ([" ".join(str(cell).split()) for cell in row] for row in rows)
    return card.section(title, names, plain)
