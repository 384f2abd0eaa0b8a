"""Supervised fine-tuning with Axolotl: the whole model, LoRA, or QLoRA in 4 bits."""

import re
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, model_validator

from bashgym import axolotl, paths
from bashgym.config import Config as BaseConfig
from bashgym.errors import RecipeError
from bashgym.records import Dataset, Job, Model


class LoraConfig(BaseConfig):
    r: int = Field(default=16, ge=1)
    """Rank of the adapter: more can learn more and needs more memory."""
    alpha: int = Field(default=32, ge=1)
    """Strength of the adapter; twice the rank is usual."""
    dropout: float = Field(default=0.0, ge=0, lt=1)
    """Share of the adapter's inputs left out at random while training."""
    target_linear: bool = True
    """Adapt all linear layers, not only those of attention."""


class Training:
    schema = "chat"

    class Config(BaseConfig):
        method: Literal["full", "lora", "qlora"] = "full"
        """What is trained: all weights (full), an adapter (lora), an adapter on a 4-bit model (qlora)."""
        learning_rate: float = Field(default=2e-4, gt=0)
        """Step size of the optimizer at its peak."""
        epochs: float = Field(default=3, gt=0)
        """Passes over the training rows."""
        max_steps: int = Field(default=0, ge=0)
        """Stops after so many optimizer steps; 0: by epochs alone."""
        batch_size: int = Field(default=4, ge=1)
        """Rows per device and forward pass."""
        gradient_accumulation: int = Field(default=1, ge=1)
        """Forward passes per optimizer step."""
        warmup_ratio: float = Field(default=0.03, ge=0, le=1)
        """Share of the steps in which the learning rate rises to its peak."""
        warmup_steps: int = Field(default=0, ge=0)
        """The same as a number of steps; 0: by ratio."""
        scheduler: Literal["cosine", "linear", "constant", "constant_with_warmup"] = "cosine"
        """How the learning rate falls after its peak."""
        weight_decay: float = Field(default=0.0, ge=0)
        """Pull of all weights towards zero."""
        lora: LoraConfig = Field(default_factory=LoraConfig)
        """The adapter, for the methods lora and qlora."""
        sample_packing: bool = False
        """Puts several short rows into one sequence: faster where rows are much shorter than sequence_len."""
        precision: Literal["auto", "fp32", "bf16", "fp16"] = "auto"
        """Number format of the computation; auto: bf16 on a GPU that has it, fp32 on a CPU."""
        device: Literal["cpu", "gpu"] = "cpu"
        """What the training needs to run on."""
        min_vram_gb: int = Field(default=0, ge=0)
        """Memory the GPU must have, in GB; 0: estimated from method and number of parameters."""
        logging_steps: int = Field(default=1, ge=1)
        """Steps from one line of metrics to the next."""
        eval_steps: int = Field(default=0, ge=0)
        """Steps from one evaluation on the validation rows to the next; 0: once per epoch."""
        save_steps: int = Field(default=0, ge=0)
        """Steps from one saved checkpoint to the next; 0: once per epoch."""
        keep_checkpoints: int = Field(default=1, ge=1)
        """How many of the saved checkpoints stay on disk, beside the final model."""
        seed: int = 42
        """Seeds the order of the rows and the adapter's first weights."""
        axolotl: dict[str, Any] = Field(default_factory=dict)
        """Further keys of Axolotl, passed on as they are after a check that it knows them."""

        @model_validator(mode="after")
        def cpu_has_no_fp16(self) -> "Training.Config":
            if self.device == "cpu" and self.precision == "fp16":
                raise ValueError("precision fp16 needs a GPU; on a CPU take fp32 or auto")
            return self

    def __init__(self, config: Config) -> None:
        self.config = config

    def plan(self, dataset: Dataset, model: Model, folder: Path) -> Job:
        """Writes `axolotl.yaml`, the rows as Axolotl reads them and our code for the other side into `folder`.

        Raises RecipeError when there is nothing to train on or a key of `training.axolotl` is unknown."""
        if dataset.rows and not dataset.rows.get("train"):  # none are known yet when only the plan is wanted
            raise RecipeError(
                f"{dataset.folder}/train.jsonl has no rows to train on; see what was dropped in manifest.json, "
                f"or let more sessions in with dataset.classes"
            )
        from bashgym import environment

        config = axolotl.render(dataset, model, self.config.model_dump(), folder)
        environment.place(folder)
        rows = axolotl.prepare(dataset, folder)
        axolotl.write(config, folder, self.notes(dataset, config))
        model_folder = [config["base_model"]] if axolotl.travels(config, folder) else []
        return Job(
            name=folder.name,
            folder=str(folder),
            command=("axolotl", "train", axolotl.CONFIG, "--launcher", "python"),
            env=surroundings(axolotl.is_local(config, folder)),
            output=axolotl.OUTPUT,
            config=config,
            gpu=self.gpu(model),
            uploads=(axolotl.CONFIG, paths.INSIDE, *rows, *model_folder),
        )

    def gpu(self, model: Model) -> dict[str, Any]:
        if self.config.device == "cpu":
            return {}
        return {"min_vram_gb": self.config.min_vram_gb or vram_gb(self.config.method, model), "count": 1}

    def notes(self, dataset: Dataset, config: dict[str, Any]) -> list[str]:
        rows = dataset.rows.get("train", 0)
        return [
            f"Supervised fine-tuning ({self.config.method}) of {config['base_model']} on {rows} rows.",
            "Written by BashGym from the recipe; paths are relative to this folder.",
            f"By hand, from this folder: PYTHONPATH=inside axolotl train {axolotl.CONFIG} --launcher python",
        ]


def surroundings(local: bool) -> dict[str, str]:
    """Variables of the job wherever it runs: nobody is told of it, and what is local is not looked for elsewhere."""
    quiet = {"AXOLOTL_DO_NOT_TRACK": "1", "DO_NOT_TRACK": "1", "HF_HUB_DISABLE_TELEMETRY": "1"}
    places = {"PYTHONPATH": paths.INSIDE, "HF_DATASETS_CACHE": f"{axolotl.PREPARED}/cache"}
    return {**quiet, **places, "TOKENIZERS_PARALLELISM": "false", **({"HF_HUB_OFFLINE": "1"} if local else {})}


def vram_gb(method: str, model: Model) -> int:
    """GB of memory a GPU should have, an estimate: bytes per parameter (4-bit weights with their scales 0.7; bf16
    weights 2.2; bf16 weights and gradients with fp32 copies and Adam's two moments 16) and 12 GB for activations,
    logits and CUDA itself; rounded up to a size that is made. A model of unknown size counts as one of 7 billion."""
    named = re.search(r"(\d+(?:\.\d+)?)b(?![a-z])", model.base.lower())
    billions = model.parameters / 1e9 if model.parameters else float(named.group(1)) if named else 7.0
    needed = billions * {"qlora": 0.7, "lora": 2.2, "full": 16.0}[method] + 12
    return next((size for size in (16, 24, 40, 48, 80, 141, 192) if size >= needed), int(needed))
