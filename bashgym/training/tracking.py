"""Curves for other programs to show, beside the model registry's: TensorBoard's event files, W&B's offline runs.

Off unless a recipe asks (`track`). Both are files in the run's folder and neither sends anything. A W&B run goes to
W&B when its owner types `wandb sync`: the metrics and the training's configuration, which may name paths of this
machine, and no row. What W&B would write besides (host, user, repository, code, console) is switched off."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal

import msgspec
import yaml

from bashgym import axolotl, jsonl
from bashgym.records import Job

Tracker = Literal["tensorboard", "wandb"]
KEYS: dict[Tracker, dict[str, Any]] = {
    "tensorboard": {"use_tensorboard": True},
    "wandb": {"use_wandb": True, "wandb_project": "bashgym", "wandb_mode": "offline"},
}
WANDB = {
    "WANDB_MODE": "offline",
    "WANDB_DIR": ".",
    "WANDB_SILENT": "true",
    "WANDB_DISABLE_GIT": "true",
    "WANDB_DISABLE_CODE": "true",
    "WANDB_CONSOLE": "off",
    "WANDB_X_DISABLE_META": "true",
    "WANDB_X_DISABLE_MACHINE_INFO": "true",
    "WANDB_X_DISABLE_STATS": "true",
    "WANDB_HOST": "here",
    "WANDB_USERNAME": "bashgym",
}


def tracked(job: Job, trackers: Iterable[Tracker]) -> Job:
    """The job with its `axolotl.yaml` saying so too; keys that the recipe sets itself (training.axolotl) win."""
    wanted = list(dict.fromkeys(trackers))
    keys = {key: value for name in wanted for key, value in KEYS[name].items() if key not in job.config}
    if "wandb" in wanted and "wandb_name" not in job.config:
        keys["wandb_name"] = job.name
    if not keys:
        return job
    path = Path(job.folder) / axolotl.CONFIG
    jsonl.replace(path, path.read_bytes() + yaml.safe_dump(keys, sort_keys=False, width=1000).encode())
    env = {**job.env, **(WANDB if "wandb" in wanted else {})}
    return msgspec.structs.replace(job, config={**job.config, **keys}, env=env)
