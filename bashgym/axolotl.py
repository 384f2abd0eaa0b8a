"""Renders and checks an Axolotl configuration, for all training plugins. Axolotl itself is never imported here."""

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from bashgym import jsonl, paths
from bashgym.errors import RecipeError, did_you_mean
from bashgym.records import Dataset, Model
from bashgym.training import stanzas

CONFIG = "axolotl.yaml"
PREPARED = "prepared"
OUTPUT = "checkpoint"
METRICS = "metrics.jsonl"
MODEL = "model"  # where a model made from the data lies
TEMPLATES = f"{paths.INSIDE}/templates"

# What our own templates need of a tokenizer. CodeLlama has no padding token, and </s> ends its turns anyway.
TEMPLATE_KEYS: dict[str, dict[str, Any]] = {
    "chatml_tools": {"eot_tokens": ["<|im_end|>"]},
    "llama2_tools": {"special_tokens": {"pad_token": "</s>"}},
}
# Keys the run itself stands on; a recipe that changed them would lose the checkpoint or the metrics.
OURS = frozenset(["base_model", "datasets", "test_datasets", "output_dir", "plugins", "dataset_prepared_path"])
STRATEGY = frozenset(["rl", "reward_model"])  # what the strategy itself is made of


def render(
    dataset: Dataset,
    model: Model,
    training: Mapping[str, Any],
    folder: Path,
    keys: Mapping[str, Any] | None = None,
    stanza: Mapping[str, Any] | None = None,
    plugins: Sequence[str] = (),
) -> dict[str, Any]:
    """The configuration of a training in `folder`, all paths in it relative to there.

    `training` has the keys of bashgym/training/settings.py; `keys`, `stanza` and `plugins` are the strategy's own and
    win over what all have; None takes a key away. Raises RecipeError for a key Axolotl has not."""
    gpu = training["device"] == "gpu"
    config: dict[str, Any] = {
        "base_model": base_model(model, folder),
        **({"revision_of_model": model.revision} if model.revision else {}),
        **template(model),
        **data(dataset, model, stanza or {}),
        "sequence_len": model.sequence_len,
        "excess_length_strategy": "drop",  # metrics.jsonl says how many
        "sample_packing": False,
        "eval_sample_packing": False,
        "pad_to_sequence_len": False,
        **adapter(training, gpu),
        **optimization(training, gpu),
        **precision(training, gpu),
        "attn_implementation": "sdpa",
        "gradient_checkpointing": gpu,
        "dataset_num_proc": 0,  # in this process: another one takes longer to start than most datasets to tokenize
        "dataloader_num_workers": 0,
        "dataloader_pin_memory": gpu,
        **schedule(training, bool(dataset.rows.get("validation"))),
        "output_dir": OUTPUT,
        "auto_resume_from_checkpoints": True,
        "seed": training["seed"],
        "include_tokens_per_second": True,  # else the metrics lack the number of tokens
        "plugins": ["metrics.MetricsPlugin", *plugins],
        "bashgym_metrics": METRICS,
        "bashgym_rows": dataset.rows.get("train", 0),
        **(keys or {}),
    }
    extra = tied(training["axolotl"])
    refuse(extra)
    return {key: value for key, value in {**config, **extra}.items() if value is not None}


def base_model(model: Model, folder: Path) -> str:
    """A hub id, or a folder: relative when it lies in the run's folder, so that it can travel with it."""
    local = Path(model.base).expanduser()
    if not local.is_absolute() and not local.exists():
        return model.base
    try:
        return str(local.resolve().relative_to(folder.resolve()))
    except ValueError:
        return str(local.resolve())


def is_local(config: Mapping[str, Any], folder: Path) -> bool:
    """Whether the base model is a folder here, also one that is only made later."""
    return Path(config["base_model"]).is_absolute() or travels(config, folder)


def travels(config: Mapping[str, Any], folder: Path) -> bool:
    """Whether the base model lies in the run's folder; a hub id has one slash and no such folder."""
    base = config["base_model"]
    return not Path(base).is_absolute() and (base == MODEL or (folder / base).exists())


def template(model: Model) -> dict[str, Any]:
    """The keys that say how messages become text."""
    if model.chat_template == "tokenizer_default":
        return {"chat_template": "tokenizer_default"}
    name = model.chat_template
    template_file(name)
    path = f"{TEMPLATES}/{name}.jinja"
    return {"chat_template": "jinja", "chat_template_jinja": path, **TEMPLATE_KEYS.get(name, {})}


def template_file(name: str) -> Path:
    """Where one of our chat templates lies; raises RecipeError for a name that is none."""
    file = paths.HERE / TEMPLATES / f"{name}.jinja"
    if not file.is_file():
        known = ["tokenizer_default", *(path.stem for path in file.parent.glob("*.jinja"))]
        raise RecipeError(f"model.chat_template: no template '{name}'{did_you_mean(name, known)}")
    return file


def data(dataset: Dataset, model: Model, stanza: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """`datasets`, `test_datasets` (where there are validation rows) and where their tokens are kept."""
    read = {**stanzas.BY_SCHEMA.get(dataset.schema, {}), **dataset.stanza, **(stanza or {})}
    keys: dict[str, Any] = {"datasets": [{"path": f"{PREPARED}/train.jsonl", **read}], "val_set_size": 0.0}
    if dataset.rows.get("validation"):
        keys["test_datasets"] = [{"path": f"{PREPARED}/validation.jsonl", "split": "train", **read}]
    # Axolotl keys its cache by the file's path: other rows or another template would meet the tokens of the old ones
    text = "" if model.chat_template == "tokenizer_default" else template_file(model.chat_template).read_text("utf-8")
    digest = hashlib.sha256(f"{dataset.sha256}\n{text}".encode()).hexdigest()[:16]
    return {**keys, "dataset_prepared_path": f"{PREPARED}/{digest}"}


def adapter(training: Mapping[str, Any], gpu: bool) -> dict[str, Any]:
    if training["method"] == "full":
        return {}
    lora = training["lora"]
    keys: dict[str, Any] = {
        "adapter": training["method"],
        "load_in_4bit": training["method"] == "qlora",
        "lora_r": lora["r"],
        "lora_alpha": lora["alpha"],
        "lora_dropout": lora["dropout"],
        "lora_target_linear": lora["target_linear"],
    }
    if not gpu:  # on by default, and CUDA only
        keys |= {f"lora_{part}_kernel": False for part in ("mlp", "qkv", "o", "embedding")}
    return keys


def tied(extra: Mapping[str, Any]) -> dict[str, Any]:
    """The recipe's further keys of Axolotl. Embeddings that are trained whole beside an adapter stay one table with the
    head where the model has one for both: of two, `axolotl merge-lora` keeps only the first and says nothing."""
    whole = {"embed_tokens", "lm_head"} & set(extra.get("lora_modules_to_save") or ())
    return {**({"peft_ensure_weight_tying": True} if whole else {}), **extra}


def optimization(training: Mapping[str, Any], gpu: bool) -> dict[str, Any]:
    warmup = {"warmup_steps": training["warmup_steps"]} if training["warmup_steps"] else {}
    return {
        "learning_rate": training["learning_rate"],
        "num_epochs": training["epochs"],
        **({"max_steps": training["max_steps"]} if training["max_steps"] else {}),
        "micro_batch_size": training["batch_size"],
        "gradient_accumulation_steps": training["gradient_accumulation"],
        **(warmup or {"warmup_ratio": training["warmup_ratio"]}),
        "lr_scheduler": training["scheduler"],
        "weight_decay": training["weight_decay"],
        "optimizer": "adamw_bnb_8bit" if gpu and training["method"] == "qlora" else "adamw_torch",
    }


def precision(training: Mapping[str, Any], gpu: bool) -> dict[str, Any]:
    """`auto` is bf16 on a GPU that has it and fp32 on a CPU, where half precision is slower."""
    wanted = training["precision"]
    if wanted == "auto":
        return {"bf16": "auto" if gpu else False, "fp16": False, "tf32": gpu}
    return {"bf16": wanted == "bf16", "fp16": wanted == "fp16", "tf32": gpu and wanted != "fp32"}


def schedule(training: Mapping[str, Any], validation: bool) -> dict[str, Any]:
    """When it logs, saves and evaluates; 0 steps means once per epoch."""
    keys: dict[str, Any] = {
        "logging_steps": training["logging_steps"],
        "save_total_limit": training["keep_checkpoints"],
    }
    for name, steps in (("save", training["save_steps"]), ("eval", training["eval_steps"] if validation else None)):
        strategy = "no" if steps is None else "steps" if steps else "epoch"
        keys |= {f"{name}_strategy": strategy, **({f"{name}_steps": steps} if steps else {})}
    return keys


@lru_cache
def known_keys() -> frozenset[str]:
    """Top-level keys of the pinned Axolotl, and those our metrics plugin adds."""
    shipped = jsonl.parse((paths.HERE / paths.INSIDE / "axolotl_keys.json").read_bytes())
    return frozenset(shipped["keys"]) | {"bashgym_metrics", "bashgym_rows"}


def refuse(extra: Mapping[str, Any]) -> None:
    """Raises RecipeError for keys of `training.axolotl` that Axolotl does not know, or that are the run's own."""
    for key in extra:
        where = f"training.axolotl.{key}"
        if key in OURS or key.startswith("bashgym_"):
            raise RecipeError(f"{where}: the run sets this key itself; leave it out")
        if key in STRATEGY:
            raise RecipeError(f"{where}: this is what a strategy is made of; choose one with training=")
        if key not in known_keys():
            raise RecipeError(f"{where}: Axolotl has no such key{did_you_mean(key, known_keys())}")


def write(config: Mapping[str, Any], folder: Path, notes: Iterable[str] = ()) -> Path:
    """`axolotl.yaml` in `folder`, with `notes` as comments on top."""

    class Dumper(yaml.SafeDumper):
        def ignore_aliases(self, data: Any) -> bool:
            return True  # anchors are hard to read

    head = "".join(f"# {re.sub(r'[^ -~]', '?', note)}\n" for note in notes)
    body = yaml.dump(dict(config), Dumper=Dumper, sort_keys=False, allow_unicode=True, width=1000)
    jsonl.replace(folder / CONFIG, (head + body).encode())
    return folder / CONFIG


def prepare(dataset: Dataset, folder: Path) -> list[str]:
    """Copies the rows that are trained on for Axolotl to read, each list in them written as one JSON string.

    Axolotl parses such strings itself. As they stand, the rows would be read through Arrow, which takes the types of
    the first 10 MB for those of all (a later tool with other parameters ends in an error), and nulls in arguments
    would be dropped. Returns the files' paths, relative to `folder`."""
    made = []
    for split in ("train", "validation"):
        if not dataset.rows.get(split):
            continue
        target = folder / PREPARED / f"{split}.jsonl"
        target.parent.mkdir(parents=True, exist_ok=True)
        unfinished = target.with_suffix(".part")
        with unfinished.open("wb") as file:
            for line in jsonl.read_lines(Path(dataset.folder) / f"{split}.jsonl"):
                if line.error:
                    raise RecipeError(f"{dataset.folder}/{split}.jsonl line {line.number}: {line.error}; make it anew")
                file.write(jsonl.dumps(as_strings(line.value)) + b"\n")
        unfinished.replace(target)
        made.append(f"{PREPARED}/{split}.jsonl")
    return made


def as_strings(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key: jsonl.dumps(value).decode() if isinstance(value, (list, dict)) else value for key, value in row.items()
    }
