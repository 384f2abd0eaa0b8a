"""Memory that the GPU to be rented should have: a rule of thumb by the model's size, rounded up to cards that are made.

It is not the run's peak (estimate.memory), on purpose. A card is chosen before there are rows, and must not be another
one for a longer row or a larger batch: both can be made to fit the card, weights cannot. The peak is of this run as it
is set; it is measured against, and a quote warns with it where it is larger than the card."""

import re
from typing import Literal

from bashgym.records import Model

SIZES = (16, 24, 40, 48, 80, 141, 192)  # GB of GPUs that are made
# bytes per parameter: 4-bit weights with their scales; bf16 weights; bf16 weights and gradients with fp32 copies and
# Adam's two moments
TRAINED = {"qlora": 0.7, "lora": 2.2, "full": 16.0}
BESIDE = 12  # GB for activations, logits and CUDA itself


def vram_gb(method: Literal["full", "lora", "qlora"], model: Model, reference: bool = False) -> int:
    """GB of memory a GPU should have, an estimate, rounded up to a size that is made.

    `reference`: the loss compares with the untrained model; an adapter is just taken off for that, but where all
    weights are trained a bf16 copy of them stays in memory."""
    per_parameter = TRAINED[method] + (2.0 if reference and method == "full" else 0.0)
    needed = billions(model) * per_parameter + BESIDE
    return next((size for size in SIZES if size >= needed), int(needed))


def billions(model: Model) -> float:
    """Parameters in billions: counted, or by the measures of a model that is made, or as the name says (7b, 0.5B,
    135M); a name that says nothing counts as 7."""
    if model.parameters:
        return model.parameters / 1e9
    if model.measures:
        return made(*model.measures) / 1e9
    named = re.search(r"(\d+(?:\.\d+)?)([bm])(?![a-z])", model.base.lower())
    if not named:
        return 7.0
    return float(named.group(1)) / (1 if named.group(2) == "b" else 1000)


def made(width: int, layers: int, vocabulary: int) -> int:
    """Parameters of a model that is made from the data."""
    return layers * 16 * width**2 + vocabulary * width
