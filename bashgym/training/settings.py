"""The settings that every training strategy has; a strategy's own `Config` extends them."""

from typing import Any, Literal

from pydantic import Field, model_validator

from bashgym.config import Config as BaseConfig


class LoraConfig(BaseConfig):
    r: int = Field(default=16, ge=1)
    """Rank of the adapter: more can learn more and needs more memory."""
    alpha: int = Field(default=32, ge=1)
    """Strength of the adapter; twice the rank is usual."""
    dropout: float = Field(default=0.0, ge=0, lt=1)
    """Share of the adapter's inputs left out at random while training."""
    target_linear: bool = True
    """Adapt all linear layers, not only those of attention."""


class TrainingConfig(BaseConfig):
    """Optimizer, adapter, precision, place, and when it logs, evaluates and saves."""

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
    def cpu_has_no_fp16(self) -> "TrainingConfig":
        if self.device == "cpu" and self.precision == "fp16":
            raise ValueError("precision fp16 needs a GPU; on a CPU take fp32 or auto")
        return self
