"""Rows of every format through the readers they are for: Axolotl's own loading and tokenizing, and TRL's trainers.

All in one process of the training environment, as its imports take longer than the work."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bashgym import axolotl, environment, jsonl, registry
from bashgym.records import Dataset, Example, Model

SIZE = {"vocab_size": 600, "hidden_size": 16, "layers": 1, "heads": 1}
SFT = ("chat", "distill", "sharegpt", "alpaca", "prompt_completion")
RL = {"dpo": "dpo", "kto": "kto", "grpo": "grpo", "orpo": "orpo"}

READ = """
import json
from pathlib import Path

LISTS = ("input_ids", "prompt_ids", "chosen_ids", "rejected_ids", "completion_ids", "chosen_input_ids",
         "rejected_input_ids", "prompt_input_ids")


def learnt(ids, labels):
    pieces = [[]]
    for token, label in zip(ids, labels):
        if label == -100 and pieces[-1]:
            pieces.append([])
        if label != -100:
            pieces[-1].append(token)
    return [tokenizer.decode(piece) for piece in pieces if piece]


def told(rows):
    for row in rows:
        said = {}
        for key, value in row.items():
            if key in LISTS:
                said[key] = tokenizer.decode(value)
            elif isinstance(value, (str, bool)):
                said[key] = value
        for kind in ("", "chosen_", "rejected_"):
            if kind + "labels" in row:
                said[kind + "learnt"] = learnt(row[kind + "input_ids"], row[kind + "labels"])
        yield said


def trainer(kind, rows):
    import trl
    from transformers import AutoModelForCausalLM
    from trl.experimental.orpo import ORPOConfig, ORPOTrainer

    model = AutoModelForCausalLM.from_pretrained("model")
    quiet = dict(output_dir="out", use_cpu=True, bf16=False, report_to="none", per_device_train_batch_size=2)
    tables = dict(model=model, train_dataset=rows, processing_class=tokenizer)
    if kind == "dpo":
        return trl.DPOTrainer(args=trl.DPOConfig(**quiet, max_length=4096), **tables)
    if kind == "kto":
        return trl.KTOTrainer(args=trl.KTOConfig(**quiet, max_length=4096, loss_type="apo_zero_unpaired"), **tables)
    if kind == "orpo":
        return ORPOTrainer(args=ORPOConfig(**quiet, max_length=4096), **tables)
    if kind == "sft":
        return trl.SFTTrainer(args=trl.SFTConfig(**quiet, max_length=4096), **tables)
    seen = []
    def reward(completions, **columns):
        seen.append({key: value[0] for key, value in columns.items()
                     if isinstance(value, list) and isinstance(value[0], str)})
        return [float(len(text)) for text in completions]
    args = trl.GRPOConfig(**quiet, num_generations=2, max_completion_length=4, max_steps=1)
    made = trl.GRPOTrainer(args=args, reward_funcs=[reward], **tables)
    made.train()
    made.train_dataset = [{**rows[0], **seen[0]}]
    return made


def main():
    global tokenizer
    from axolotl.cli.args import PreprocessCliArgs
    from axolotl.cli.config import load_cfg
    from axolotl.common.datasets import load_datasets, load_preference_datasets
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained("model")
    found = {"axolotl": {}, "trl": {}}
    for file in sorted(Path(".").glob("*.yaml")):
        cfg = load_cfg(str(file))
        cfg.dataset_num_proc = None  # in this process
        load = load_preference_datasets if cfg.rl else load_datasets
        rows = load(cfg=cfg, cli_args=PreprocessCliArgs()).train_dataset
        found["axolotl"][file.stem] = list(told(rows))
        if cfg.rl:
            found["trl"][file.stem] = list(told(trainer(file.stem, rows).train_dataset))
    from datasets import load_dataset
    for name in ("prompt_completion", "chat"):
        rows = load_dataset("json", data_files=f"{name}/train.jsonl", split="train", cache_dir="cache")
        keep = {"prompt", "completion", "messages", "tools"}
        rows = rows.remove_columns([one for one in rows.column_names if one not in keep])
        found["trl"][name] = list(told(trainer("sft", rows).train_dataset))
    # as Unsloth's notebooks do it: messages through the template, a batch at a time, into a column of texts
    rows = load_dataset("json", data_files="chat/train.jsonl", split="train", cache_dir="cache")
    texts = lambda batch: {"text": [tokenizer.apply_chat_template(talk, tools=tools, tokenize=False)
                                    for talk, tools in zip(batch["messages"], batch["tools"])]}
    found["unsloth"] = list(rows.map(texts, batched=True)["text"])
    print("FOUND" + json.dumps(found))


if __name__ == "__main__":  # Axolotl's worker processes import this file: nothing slow may stand above
    main()
"""


def consume(python: Path, folder: Path, examples: list[Example], render: Callable[..., Any]) -> dict[str, Any]:
    """{reader: {format: rows as read}}."""
    for name in (*SFT, *RL):
        plugin = "dpo" if name == "orpo" else name
        rows = [row.data for example in examples for row in render(plugin, example, sequence_len=4096)[0]]
        assert rows, name
        (folder / name).mkdir()
        (folder / name / "train.jsonl").write_bytes(
            b"".join(jsonl.dumps(row) + b"\n" for row in rows) * 2
        )  # Axolotl fails on one
    (folder / "dataset").symlink_to("chat")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(environment.OVERRIDE, str(python))
        environment.make_scratch_model(folder, "chatml_tools", 4096, SIZE, 1)
    for name in (*SFT, *RL):
        write_config(folder, name)
    there = environment.Environment(python)
    (folder / "read.py").write_text(READ)
    quiet = {"AXOLOTL_DO_NOT_TRACK": "1", "HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}
    out = environment.run(there, ["python", "read.py"], folder, folder / "log", env=quiet)
    return json.loads(next(line for line in out.splitlines() if line.startswith("FOUND")).removeprefix("FOUND"))


def write_config(folder: Path, name: str) -> None:
    """`NAME.yaml`: the format's own stanza, all else as the training plugin has it."""
    format_plugin = registry.load("format", "dpo" if name == "orpo" else name)
    plugin = format_plugin(format_plugin.Config())
    dataset = Dataset(
        folder=str(folder / name), sha256=name, rows={"train": 1}, stanza=plugin.stanza(), schema=plugin.schema
    )
    model = Model(base=str(folder / "model"), chat_template="tokenizer_default", sequence_len=4096)
    training = registry.load("training", "sft")
    config = axolotl.render(dataset, model, training.Config(method="full").model_dump(), folder)
    config.pop("plugins"), config.pop("bashgym_metrics"), config.pop("bashgym_rows")
    config["datasets"][0]["path"] = f"prepared/{name}.jsonl"
    config["dataset_prepared_path"] = f"prepared/{name}"
    if name in RL:
        config |= {"rl": RL[name], "remove_unused_columns": False}
        if name == "grpo":
            config |= {"trl": {"num_generations": 2, "reward_funcs": ["x.y"]}}
    axolotl.prepare(dataset, folder)
    (folder / "prepared" / "train.jsonl").rename(folder / "prepared" / f"{name}.jsonl")
    path = axolotl.write(config, folder)
    path.rename(folder / f"{name}.yaml")
