"""The job of a training strategy: its Axolotl configuration and rows written into a folder, and the command to run."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bashgym import axolotl, environment, paths
from bashgym.errors import RecipeError
from bashgym.records import Dataset, Job, Model
from bashgym.training import estimate
from bashgym.training.memory import vram_gb
from bashgym.training.settings import TrainingConfig

COMMAND = ("axolotl", "train", axolotl.CONFIG, "--launcher", "python")


@dataclass(frozen=True)
class Strategy:
    """What sets one strategy apart: `keys` of Axolotl over the shared ones, `stanza` over the format's own.

    `plugins` are Axolotl's own or modules of bashgym/inside/, beside the one that writes the metrics."""

    title: str  # as one would say it: Supervised fine-tuning
    keys: dict[str, Any] = field(default_factory=dict)
    stanza: dict[str, Any] = field(default_factory=dict)
    plugins: tuple[str, ...] = ()
    reference: bool = False  # whether the untrained model is kept beside the one in training
    env: dict[str, str] = field(default_factory=dict)
    uploads: tuple[str, ...] = ()  # paths in the folder that go along to another machine, beside the rows
    answers: int = 1  # made per row at each step, by strategies that learn from what the model says
    generated: int = 0  # most tokens of such an answer


def plan(dataset: Dataset, model: Model, folder: Path, config: TrainingConfig, strategy: Strategy) -> Job:
    """Writes `axolotl.yaml`, the rows as Axolotl reads them and our code for the other side into `folder`.

    Raises RecipeError when there is nothing to train on or a key of `training.axolotl` is unknown."""
    if dataset.rows and not dataset.rows.get("train"):  # none are known yet when only the plan is wanted
        raise RecipeError(
            f"{dataset.folder}/train.jsonl has no rows to train on; see what was dropped in manifest.json, "
            f"or let more sessions in with dataset.classes"
        )
    rendered = axolotl.render(
        dataset, model, config.model_dump(), folder, strategy.keys, strategy.stanza, strategy.plugins
    )
    environment.place(folder)
    rows = axolotl.prepare(dataset, folder)
    axolotl.write(rendered, folder, notes(strategy, config, dataset, rendered))
    model_folder = [rendered["base_model"]] if axolotl.travels(rendered, folder) else []
    return Job(
        name=folder.name,
        folder=str(folder),
        command=COMMAND,
        env={**surroundings(axolotl.is_local(rendered, folder)), **strategy.env},
        output=axolotl.OUTPUT,
        config=rendered,
        gpu=gpu(config, model, strategy),
        uploads=(axolotl.CONFIG, paths.INSIDE, *rows, *model_folder, *strategy.uploads),
        estimate=estimate.of(dataset, model, config, load(dataset, strategy)),
    )


def load(dataset: Dataset, strategy: Strategy) -> estimate.Load:
    """A pair is two sequences."""
    pairs = 2 if dataset.schema == "preference" else 1
    return estimate.Load(pairs, strategy.reference, strategy.answers, strategy.generated)


def gpu(config: TrainingConfig, model: Model, strategy: Strategy) -> dict[str, Any]:
    if config.device == "cpu":
        return {}
    return {"min_vram_gb": config.min_vram_gb or vram_gb(config.method, model, strategy.reference), "count": 1}


def notes(strategy: Strategy, config: TrainingConfig, dataset: Dataset, rendered: dict[str, Any]) -> list[str]:
    """Comments on top of `axolotl.yaml`."""
    rows = dataset.rows.get("train", 0)
    return [
        f"{strategy.title} ({config.method}) of {rendered['base_model']} on {rows} rows.",
        "Written by BashGym from the recipe; paths are relative to this folder.",
        f"By hand, from this folder: PYTHONPATH=inside axolotl train {axolotl.CONFIG} --launcher python",
    ]


def surroundings(local: bool) -> dict[str, str]:
    """Variables of the job wherever it runs: nobody is told of it, and what is local is not looked for elsewhere.

    Axolotl writes prepared rows from a process of their own, for each split, whose start takes as long as its own;
    dataset_num_proc=0 does not keep it from that, this variable does (0.19.0, axolotl/utils/data/shared.py)."""
    quiet = {"AXOLOTL_DO_NOT_TRACK": "1", "DO_NOT_TRACK": "1", "HF_HUB_DISABLE_TELEMETRY": "1"}
    places = {"PYTHONPATH": paths.INSIDE, "HF_DATASETS_CACHE": f"{axolotl.PREPARED}/cache"}
    one = {"TOKENIZERS_PARALLELISM": "false", "AXOLOTL_DATASET_NUM_PROC": "0"}
    return {**quiet, **places, **one, **({"HF_HUB_OFFLINE": "1"} if local else {})}
