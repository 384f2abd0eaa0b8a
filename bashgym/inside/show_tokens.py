"""The exact tokens of one row as they would be trained: tokenized by Axolotl itself, or as TRL does it with text.

    python -m show_tokens --config axolotl.yaml --row row.json --schema chat

It prints one JSON object: parts, each with a name and its tokens as [text, learnt, how many tokens that text is]; how
many tokens there are and how many are learnt; and how many a row may have."""

import argparse
import contextlib
import json
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

os.environ.setdefault("AXOLOTL_DO_NOT_TRACK", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

IGNORED = -100
ENDINGS = {"preference": ("chosen", "rejected"), "feedback": ("completion",), "prompts": ()}


def main() -> None:
    parser = argparse.ArgumentParser(prog="show_tokens", description="one row as tokens")
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--row", type=Path, required=True)
    parser.add_argument("--schema", required=True)
    options = parser.parse_args()
    row = json.loads(options.row.read_text(encoding="utf-8"))
    out = sys.stdout
    with contextlib.redirect_stdout(sys.stderr):  # what libraries print is not the answer
        from axolotl.cli.config import load_cfg
        from axolotl.loaders import load_tokenizer

        cfg = load_cfg(str(options.config))
        tokenizer = load_tokenizer(cfg)
        made = dict(
            texts(row, options.schema, tokenizer) if options.schema in ENDINGS else tokenized(row, cfg, tokenizer)
        )
    parts = [
        {
            "name": name,
            "tokens": list(pieces(ids, labels, tokenizer)),
            "total": len(ids),
            "learnt": sum(label != IGNORED for label in labels),
        }
        for name, (ids, labels) in made.items()
    ]
    print(json.dumps({"parts": parts, "sequence_len": cfg.sequence_len}), file=out)


def tokenized(row: dict[str, Any], cfg: Any, tokenizer: Any) -> Iterator[tuple[str, tuple[list[int], list[int]]]]:
    """The row through the strategy that the configuration names."""
    from axolotl.utils.data.wrappers import get_dataset_wrapper
    from datasets import Dataset

    cfg.dataset_num_proc = None  # one row: no process for it
    config = cfg.datasets[0]
    base = config.type.split(":")[0] if isinstance(config.type, str) else None
    made, _ = get_dataset_wrapper(config, tokenizer, cfg, base, Dataset.from_list([row]))
    for number in range(len(made)):
        one = made[number]
        yield "text" if len(made) == 1 else f"text {number + 1}", (list(one["input_ids"]), list(one["labels"]))


def texts(row: dict[str, Any], schema: str, tokenizer: Any) -> Iterator[tuple[str, tuple[list[int], list[int]]]]:
    """A prompt and each text that may follow it, as TRL's trainers tokenize them."""
    asked = tokenizer(row["prompt"])["input_ids"]
    if not ENDINGS[schema]:
        yield "prompt", (asked, [IGNORED] * len(asked))
    for name in ENDINGS[schema]:
        text = row[name] if row[name].endswith(tokenizer.eos_token) else row[name] + tokenizer.eos_token
        whole = tokenizer(row["prompt"] + text)["input_ids"]
        yield name, (whole, [IGNORED] * len(asked) + whole[len(asked) :])


def pieces(ids: Sequence[int], labels: Sequence[int], tokenizer: Any) -> Iterator[tuple[str, bool, int]]:
    """(text, learnt, tokens): a token each, but several where only together they are letters."""
    held: list[int] = []
    before: list[int] = []
    for number, (token, label) in enumerate(zip(ids, labels, strict=True)):
        held.append(token)
        known = tokenizer.decode(before)
        text = tokenizer.decode(before + held)[len(known) :]
        last = number + 1 == len(ids) or (labels[number + 1] == IGNORED) != (label == IGNORED)
        if not text.endswith("\N{REPLACEMENT CHARACTER}") or last:
            yield text, label != IGNORED, len(held)
            before, held = held[-1:], []


if __name__ == "__main__":
    main()
