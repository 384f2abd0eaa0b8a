"""What a training will take, before it is begun: tokens, steps, arithmetic, memory. All of it is estimated.

The model's measures come from its own config.json where that is on this disk, from the recipe where the model is made,
else from its name. Formulas: arithmetic of a transformer 2 operations per parameter and token forward, twice that
backward (Kaplan et al. 2020, section 2.1); activations of a layer 34 bytes per token and unit of width in 16 bit
(Korthikanti et al. 2022, section 4.1, with attention that is not kept)."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from bashgym.records import Dataset, Model
from bashgym.training.memory import billions, made
from bashgym.training.settings import TrainingConfig

BYTES_PER_TOKEN = 3.3  # of rows of code and JSON, as general tokenizers cut them
# what the process holds before a model is there, measured: torch, transformers and axolotl on a CPU; CUDA's context
CPU_BASE, GPU_BASE = 0.87e9, 1.5e9
# width and layers of models that are made, by billions of parameters
SIZES = ((0.2, 576, 30), (0.7, 896, 24), (1.2, 2048, 16), (2, 1536, 28), (4, 3072, 28), (9, 4096, 32), (16, 5120, 40))
LARGEST = (8192, 64)
# entries of the tokenizer, and keys and values as a share of the width, by a word of the name
FAMILIES = {"llama-3": (128_256, 1 / 4), "llama": (32_016, 1.0), "smol": (49_152, 1 / 3)}
OTHERS = (151_936, 1 / 4)  # large, as most are now; Qwen 2.5's keys are fewer still, a sixth or a seventh


@dataclass(frozen=True)
class Shape:
    """Measures of a model; `source` says where they are from."""

    parameters: float
    width: int
    layers: int
    vocabulary: int
    source: str
    keys: float = 1.0  # width of a layer's keys, and of its values, as a share of its own: less where heads share them


@dataclass(frozen=True)
class Load:
    """How a strategy differs from reading each row once."""

    sequences: int = 1  # per row
    reference: bool = False  # the untrained model is asked too
    answers: int = 1  # per row and step; each is a row of the batch
    generated: int = 0  # tokens of an answer


def of(dataset: Dataset, model: Model, config: TrainingConfig, load: Load) -> dict[str, Any]:
    """The estimate as data: parameters, tokens, steps, flops, memory_gb; None for what is not known yet.

    Tokens and steps are counted from the rows, and so are known only once the dataset is written."""
    shape = shape_of(model)
    rows, longest, total = lengths(dataset, model.sequence_len)
    steps = steps_of(rows * load.answers, config) if rows else None
    tokens = None
    if steps:
        per_row = total / rows + load.generated
        tokens = round(steps * config.batch_size * config.gradient_accumulation * per_row * load.sequences)
    held = (longest or model.sequence_len) + load.generated
    return {
        "parameters": round(shape.parameters),
        "measures_from": shape.source,
        "tokens": tokens,
        "steps": steps,
        "flops": tokens * flops_per_token(shape, config, load) if tokens else None,
        "memory_gb": round(memory(shape, config, load, min(held, model.sequence_len)) / 1e9, 2),
        "evidence": "estimated",
    }


def steps_of(rows: int, config: TrainingConfig) -> int:
    """Optimizer steps: rows once per epoch, in batches."""
    batches = -(-rows // config.batch_size)
    steps = max(1, int(-(-batches // config.gradient_accumulation) * config.epochs))
    return min(steps, config.max_steps) if config.max_steps else steps


def lengths(dataset: Dataset, most: int) -> tuple[int, int, int]:
    """Rows to train on, tokens of the longest and of all, none longer than `most`; zeros where nothing is written."""
    file = Path(dataset.folder) / "train.jsonl"
    if not file.exists():
        return 0, 0, 0
    rows, longest, total = 0, 0, 0
    with file.open("rb") as lines:
        for line in lines:
            tokens = min(most, round(len(line) / BYTES_PER_TOKEN))
            rows, longest, total = rows + 1, max(longest, tokens), total + tokens
    return rows, longest, total


def flops_per_token(shape: Shape, config: TrainingConfig, load: Load) -> float:
    """Forward 2 per parameter, backward 4, of which an adapter needs half; forward again where it is recomputed."""
    passes = 2 + (4 if config.method == "full" else 2) + (2 if config.device == "gpu" else 0) + 2 * load.reference
    return passes * shape.parameters


def memory(shape: Shape, config: TrainingConfig, load: Load, length: int) -> float:
    """Bytes at the peak: what is there anyway, weights with what their training keeps, and the larger of what learning
    and generating hold beside them, which come one after the other. Which card is rented is another question
    (memory.vram_gb).

    Of a weight that is trained: itself, its gradient and Adam's two moments (Kingma and Ba 2015). An adapter's are in
    32 bit whatever the base is (PEFT's autocast_adapter_dtype): 16 bytes of r numbers for each input and each output of
    a layer's seven matrices, which are 23 times the width (4 of width to width, 3 to or from 4 times the width). A
    reference model is another copy of the weights, and none where an adapter is just taken off (TRL)."""
    gpu = config.device == "gpu"
    number = 2 if gpu else 4
    kept = {"full": 4 * number, "lora": number, "qlora": 0.7}[config.method]
    weights = shape.parameters * (kept + (number if load.reference and config.method == "full" else 0))
    adapter = 16 * config.lora.r * 23 * shape.width * shape.layers if config.method != "full" else 0
    beside = max(learning(shape, config, load, length), generating(shape, config, load, length))
    return (GPU_BASE if gpu else CPU_BASE) + weights + adapter + beside


def learning(shape: Shape, config: TrainingConfig, load: Load, length: int) -> float:
    """Bytes of activations and logits in a forward and backward pass of one batch of sequences.

    On a CPU all is in 32 bit and nothing is recomputed; on a GPU 16 bit, and of all layers but one the inputs alone are
    kept (gradient checkpointing). Logits: as they come, in 32 bit, and their gradient. Where answers are learnt from
    rewards they are those of the answers alone (logits_to_keep of TRL 1.9's GRPOTrainer), in 32 bit, with a gradient by
    the token that was drawn and another by the sum over all (its selective_log_softmax)."""
    gpu = config.device == "gpu"
    number = 2 if gpu else 4
    rows = config.batch_size * load.sequences
    layer = 17 * number * shape.width * rows * length
    activations = layer + shape.layers * number * shape.width * rows * length if gpu else shape.layers * layer
    asked = min(load.generated or length, length)
    return activations + rows * asked * shape.vocabulary * (10 if gpu and not load.generated else 12)


def generating(shape: Shape, config: TrainingConfig, load: Load, length: int) -> float:
    """Bytes while the answers of a step are generated, all at once (TRL's generation batch: batch_size times
    gradient_accumulation): keys and values of each layer and token, and a layer's activations while the prompts are
    read, without gradients. What vLLM takes for itself, where it generates, is not in it."""
    if not load.generated:
        return 0
    number = 2 if config.device == "gpu" else 4
    rows = config.batch_size * config.gradient_accumulation
    cache = 2 * shape.layers * shape.width * shape.keys * number * rows * length
    return cache + 17 * number * shape.width * rows * max(0, length - load.generated)


def shape_of(model: Model) -> Shape:
    """As the recipe says of a model that is made; else from config.json, here or in the hub's cache; else by name."""
    if model.measures:
        width, layers, vocabulary = model.measures
        return Shape(made(width, layers, vocabulary), width, layers, vocabulary, "the recipe")
    file = config_file(model)
    if file is None:
        return named(model)
    try:
        told = orjson.loads(file.read_bytes())
        width, layers, vocabulary = told["hidden_size"], told["num_hidden_layers"], told["vocab_size"]
    except (orjson.JSONDecodeError, KeyError):
        return named(model)
    inner = told.get("intermediate_size") or 4 * width
    heads = told.get("num_attention_heads") or 1
    shared = (told.get("num_key_value_heads") or heads) / heads
    tables = 1 if told.get("tie_word_embeddings") else 2
    counted = layers * (width * width * (2 + 2 * shared) + 3 * width * inner) + tables * vocabulary * width
    return Shape(model.parameters or counted, width, layers, vocabulary, "its config.json", shared)


def config_file(model: Model) -> Path | None:
    """The model's config.json, where it is on this disk."""
    local = Path(model.base).expanduser()
    if local.is_dir():
        return local / "config.json" if (local / "config.json").is_file() else None
    home = Path(os.environ.get("HF_HOME") or Path.home() / ".cache" / "huggingface")
    cache = Path(os.environ.get("HF_HUB_CACHE") or home / "hub") / f"models--{model.base.replace('/', '--')}"
    return max(cache.glob("snapshots/*/config.json"), key=lambda path: path.stat().st_mtime, default=None)


def named(model: Model) -> Shape:
    """Measures that models of this many parameters usually have."""
    size = billions(model)
    width, layers = next(((width, layers) for most, width, layers in SIZES if size <= most), LARGEST)
    name = model.base.lower()
    vocabulary, keys = next((known for word, known in FAMILIES.items() if word in name), OTHERS)
    return Shape(size * 1e9, width, layers, vocabulary, "its name", keys)
