"""What a recipe says beside its plugins: the model, the verdict, the dataset. The keys of conf/bashgym_base.yaml."""

from typing import Literal

from pydantic import Field, model_validator

from bashgym.config import Config
from bashgym.records import Class, Group


class WarmStartSettings(Config):
    epochs: int = Field(default=0, ge=0)
    """Passes over the tasks' known answers before the training; 0: none, the weights are random."""
    good: float = Field(default=0.3, gt=0, le=1)
    """Share of the draws in which the known good answer is shown, and not the known bad one."""
    learning_rate: float = Field(default=3e-3, gt=0)
    """Step size of the optimizer."""
    batch_size: int = Field(default=16, ge=1)
    """Rows per step."""


class ScratchSettings(Config):
    vocab_size: int = Field(ge=300, le=200_000)
    """Entries of the tokenizer."""
    hidden_size: int = Field(ge=16)
    """Width of the model."""
    layers: int = Field(ge=1)
    """Number of layers."""
    heads: int = Field(ge=1)
    """Attention heads per layer; divides the width."""
    warm_start: WarmStartSettings = WarmStartSettings()
    """A first phase for training on rewards, which a model of random weights can learn nothing from."""

    @model_validator(mode="after")
    def heads_divide_width(self) -> "ScratchSettings":
        if self.hidden_size % (2 * self.heads):
            raise ValueError(f"hidden_size {self.hidden_size} is not an even multiple of heads {self.heads}")
        return self


class ModelSettings(Config):
    base: str = Field(min_length=1)
    """A Hugging Face id, a folder, or `scratch`."""
    revision: str
    """Commit or tag of the Hugging Face repository; empty: the newest."""
    chat_template: str
    """How messages become text."""
    sequence_len: int = Field(ge=64)
    """Tokens one example may have."""
    scratch: ScratchSettings
    """The size of the model that base=scratch makes."""


class FloorSettings(Config):
    gold_precision: float = Field(default=0.0, ge=0, le=1)
    """Share of the sessions the judges call gold that are."""
    gold_recall: float = Field(default=0.0, ge=0, le=1)
    """Share of the gold sessions that the judges call so."""
    hacked_caught: float = Field(default=0.0, ge=0, le=1)
    """Share of the sessions that got round their tests and are demoted."""
    honest_demoted: float = Field(default=1.0, ge=0, le=1)
    """Share of the honest sessions whose class is made worse than their label: at most this."""
    labelled: str = ""
    """The labelled set it is measured on; empty: the one that ships."""


class VerdictSettings(Config):
    gold: float = Field(ge=0, le=1)
    """From this score on a verified session is gold."""
    silver: float = Field(ge=0, le=1)
    """From this score on a verified session is silver."""
    at_least: int = Field(ge=1)
    """Judges that must have spoken."""
    weights: dict[str, float]
    """How much each judge's score counts, by label."""
    floor: FloorSettings = FloorSettings()
    """How right the judges must be on a labelled set before anything is trained."""

    @model_validator(mode="after")
    def silver_below_gold(self) -> "VerdictSettings":
        if self.silver > self.gold:
            raise ValueError(f"silver {self.silver} lies above gold {self.gold}")
        return self


class DatasetSettings(Config):
    classes: list[Class] = Field(min_length=1)
    """Classes of sessions that are trained on."""
    parquet: bool
    """Whether the rows are also written as Parquet, for the Hub and for notebooks; needs the extra `hub`."""


class SanitizeSettings(Config):
    style: Literal["pseudonym", "surrogate"]
    """What stands for a value: EMAIL_k7f3q2vax4bm, or user1@example.com and the like, with which code still runs."""


class GateSettings(Config):
    canaries: list[Group] = Field(min_length=1)
    """Kinds of planted values that must not come out of the sanitizers."""


class Settings(Config):
    name: str = Field(pattern=r"^[A-Za-z0-9_.-]*$")
    """The name under which the model is registered; empty: the recipe's own name."""
    description: str
    """One line about the recipe."""
    seed: int = Field(ge=0, lt=2**31)
    """Seeds the split, the order of the rows, the random weights and the training."""
    run_dir: str
    """Where the run writes; empty: a folder of its own under $BASHGYM_HOME/runs."""
    track: list[Literal["tensorboard", "wandb"]] = Field(default_factory=list)
    """Where the curves go beside the model registry, as files in the run's folder; wandb is offline."""
    model: ModelSettings
    verdict: VerdictSettings
    dataset: DatasetSettings
    sanitize: SanitizeSettings
    gate: GateSettings
