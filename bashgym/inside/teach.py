"""An Axolotl plugin that gives every training row its teacher's distributions, for Axolotl's KD plugin to learn from.

Key it adds to the Axolotl configuration: `bashgym_teacher` ({model, revision, collected, top_k, scratch}). The rows are
tokenized by Axolotl as for supervised fine-tuning; then each gets target_token_ids, target_logprobs and target_mask.

In Axolotl 0.19 the loss compares what stands at position p with the student's word on token p + 1, while its own reader
pads a row so that the teacher's word on token p stands there, and masks by that token: a student would learn to repeat
(measured in tests/training/test_distill.py). So the rows are made here.

    python -m teach --config axolotl.yaml --out FILE

tokenizes the rows and writes {split, row, ids, places, text} a line, for a teacher that is asked over a network."""

import argparse
import contextlib
import gc
import json
import math
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

os.environ.setdefault("AXOLOTL_DO_NOT_TRACK", "1")

import teacher
from axolotl.integrations.base import BasePlugin
from pydantic import BaseModel

NO_TOKEN = -1e9  # the log probability of what fills a place, as Axolotl's collator writes it


class TeachArgs(BaseModel):
    bashgym_teacher: dict[str, Any] | None = None


class TeachPlugin(BasePlugin):
    def get_input_args(self) -> str:
        return "teach.TeachArgs"

    def load_datasets(self, cfg: Any, preprocess: bool = False) -> Any:
        """The datasets as Axolotl loads them, with the teacher's columns."""
        from axolotl.common.datasets import TrainDatasetMeta, load_datasets
        from axolotl.loaders import load_tokenizer

        settings = dict(cfg.bashgym_teacher)
        loaded = load_datasets(cfg=cfg)
        tokenizer = load_tokenizer(cfg)
        if settings["model"] == teacher.SCRATCH:
            place = Path(teacher.FOLDER) / "model"
            rows = list(loaded.train_dataset.select_columns(["input_ids", "labels"]))
            settings["model"] = teacher.made(rows, tokenizer, settings["scratch"], cfg.sequence_len, place)
        parts = [part for part in (loaded.train_dataset, loaded.eval_dataset) if part is not None]
        kept = asked(parts, settings, tokenizer)
        taught = [with_teacher(part, kept, settings, cfg.kd_temperature or 1.0, len(tokenizer)) for part in parts]
        return TrainDatasetMeta(taught[0], taught[1] if len(taught) > 1 else None, loaded.total_num_steps)


def asked(parts: Sequence[Any], settings: dict[str, Any], tokenizer: Any) -> teacher.Kept:
    """The teacher's word on every row: what was collected before, else worked out now where it is missing."""
    if settings.get("collected"):
        return teacher.Kept(Path(settings["collected"]))
    name = f"{teacher.identity(settings['model'])}-{settings['top_k']}.jsonl"
    kept = teacher.Kept(Path(teacher.FOLDER) / name)
    rows = [row for part in parts for row in part.select_columns(["input_ids", "labels"])]
    missing = [row for row in rows if teacher.row_key(row["input_ids"], row["labels"]) not in kept.places]
    if missing:
        from transformers import AutoTokenizer

        revision = settings.get("revision") or None
        theirs = AutoTokenizer.from_pretrained(settings["model"], revision=revision)
        teacher.check_vocabulary(theirs, tokenizer, settings["model"])
        model = teacher.load(settings["model"], revision)
        for row in missing:
            places = teacher.positions(row["labels"])
            found = teacher.top(model, row["input_ids"], places, settings["top_k"])
            kept.add(teacher.row_key(row["input_ids"], row["labels"]), found)
        del model
        gc.collect()
        empty_cache()
    print(f"teacher: {len(rows)} rows, {len(missing)} of them asked for now", flush=True)
    return kept


def empty_cache() -> None:
    import torch

    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def with_teacher(part: Any, kept: teacher.Kept, settings: dict[str, Any], temperature: float, size: int) -> Any:
    """The dataset with the teacher's columns; a row that no teacher spoke of is left out."""
    import datasets

    here = [
        number
        for number, row in enumerate(part.select_columns(["input_ids", "labels"]))
        if teacher.row_key(row["input_ids"], row["labels"]) in kept.places
    ]
    if not here:
        raise ValueError("training.teacher: the teacher spoke of none of the rows; see the log for what was left out")
    part = part.select(here) if len(here) < len(part) else part
    # position by position: its tokens
    lists = {"target_token_ids": "int32", "target_logprobs": "float32", "target_mask": "int8"}
    features = part.features.copy()
    features.update({name: datasets.List(datasets.List(datasets.Value(kind))) for name, kind in lists.items()})
    return part.map(
        lambda row: columns(row, kept, settings["top_k"], temperature, size),
        features=features,
        load_from_cache_file=False,
        desc="what the teacher says",
    )


def columns(row: dict[str, Any], kept: teacher.Kept, k: int, temperature: float, size: int) -> dict[str, Any]:
    """What stands at position p is the teacher's word on token p + 1; nothing where that is not learnt."""
    said = kept.get(teacher.row_key(row["input_ids"], row["labels"]))
    empty = ([0] * k, [NO_TOKEN] * k, [0] * k)
    rows = [empty] * len(row["input_ids"])
    if said is not None:
        for place, ids, logprobs in zip(teacher.positions(row["labels"]), said.ids, said.logprobs, strict=True):
            rows[place] = cell(ids, logprobs, k, temperature, size)
    ids_of, logprobs_of, mask_of = zip(*rows, strict=True)
    return {"target_token_ids": ids_of, "target_logprobs": logprobs_of, "target_mask": mask_of}


def cell(
    ids: Sequence[int], logprobs: Sequence[float], k: int, temperature: float, size: int
) -> tuple[list[int], list[float], list[int]]:
    """One position's k tokens, cooled or warmed to `temperature` and made to sum to one.

    A teacher's table may be longer than the student's vocabulary (padding); such tokens are left out."""
    known = [(one, value / temperature) for one, value in zip(ids, logprobs, strict=True) if one < size][:k]
    whole = math.log(sum(math.exp(value) for _, value in known)) if known else 0.0
    missing = k - len(known)
    return (
        [one for one, _ in known] + [0] * missing,
        [value - whole for _, value in known] + [NO_TOKEN] * missing,
        [1] * len(known) + [0] * missing,
    )


def main() -> None:
    parser = argparse.ArgumentParser(prog="teach", description="the rows as tokens and as the text they are")
    parser.add_argument("--config", required=True)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    out = sys.stdout
    with contextlib.redirect_stdout(sys.stderr):  # what libraries print is not the answer
        from axolotl.cli.config import load_cfg
        from axolotl.common.datasets import load_datasets
        from axolotl.loaders import load_tokenizer

        cfg = load_cfg(options.config)
        loaded, tokenizer = load_datasets(cfg=cfg), load_tokenizer(cfg)
        count = 0
        with options.out.open("w", encoding="utf-8") as file:
            for split, part in (("train", loaded.train_dataset), ("validation", loaded.eval_dataset)):
                for row in part if part is not None else ():
                    ids, labels = list(row["input_ids"]), list(row["labels"])
                    line = {"split": split, "row": teacher.row_key(ids, labels), "ids": ids}
                    line |= {"places": teacher.positions(labels), "text": tokenizer.decode(ids)}
                    file.write(json.dumps(line) + "\n")
                    count += 1
    print(json.dumps({"rows": count, "vocabulary": len(tokenizer)}), file=out)


if __name__ == "__main__":
    main()
