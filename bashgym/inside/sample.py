"""Answers of a model to the prompts of some rows: one greedy, several drawn.

    python -m sample --model DIR --rows test.jsonl --out answers.jsonl --samples 8 --temperature 1.0 --new-tokens 256

A line per row: {id, greedy, drawn: [texts], cut: answers that did not come to their end}."""

import argparse
import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")


def main() -> None:
    options = arguments()
    import sparing  # noqa: F401
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(options.model, padding_side="left")
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    model = AutoModelForCausalLM.from_pretrained(options.model).to(options.device).eval()
    torch.manual_seed(options.seed)
    rows = [json.loads(line) for line in options.rows.read_text(encoding="utf-8").splitlines()]
    with options.out.open("w", encoding="utf-8") as file:
        for start in range(0, len(rows), options.batch_size):
            for line in answered(model, tokenizer, rows[start : start + options.batch_size], options):
                file.write(json.dumps(line) + "\n")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="sample", description="answers of a model to prompts")
    parser.add_argument("--model", required=True)
    parser.add_argument("--rows", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--samples", type=int, default=8)
    parser.add_argument("--temperature", type=float, default=1.0)
    parser.add_argument("--new-tokens", type=int, default=256)
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--seed", type=int, default=42)
    return parser.parse_args()


def answered(model: Any, tokenizer: Any, rows: Sequence[dict[str, Any]], options: Any) -> Iterator[dict[str, Any]]:
    """A line for each of some rows, generated together."""
    import torch

    asked = tokenizer([row["prompt"] for row in rows], return_tensors="pt", padding=True).to(model.device)
    asked.pop("token_type_ids", None)
    common = {"max_new_tokens": options.new_tokens, "pad_token_id": tokenizer.pad_token_id}
    width = asked["input_ids"].shape[1]
    with torch.no_grad():
        best = model.generate(**asked, do_sample=False, **common)[:, width:]
        chance = {"do_sample": True, "temperature": options.temperature, "top_k": 0, "top_p": 1.0}
        drawn = model.generate(**asked, num_return_sequences=options.samples, **chance, **common)[:, width:]
    for number, row in enumerate(rows):
        mine = drawn[number * options.samples : (number + 1) * options.samples]
        ends = ending(model, tokenizer)
        yield {
            "id": row["id"],
            "greedy": tokenizer.decode(best[number], skip_special_tokens=True),
            "drawn": tokenizer.batch_decode(mine, skip_special_tokens=True),
            "cut": sum(not ends & set(one.tolist()) for one in mine),
        }


def ending(model: Any, tokenizer: Any) -> set[int]:
    """Tokens that end an answer."""
    told = model.generation_config.eos_token_id
    listed = told if isinstance(told, list) else [told]
    return {one for one in [*listed, tokenizer.eos_token_id] if one is not None}


if __name__ == "__main__":
    main()
