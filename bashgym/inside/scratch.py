"""Makes a small model with random weights and a tokenizer of its own from the rows of a dataset.

    python -m scratch --rows train.jsonl --out DIR --seed 42 --template chatml_tools.jinja --vocab-size 4096 ...

The tokenizer is a byte-level BPE learnt from the rows as the chat template renders them, so any text can be written in
it. The same rows, settings and seed give the same files. It prints one JSON line that says what was made."""

import argparse
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

PAD = "<|endoftext|>"
CHATML, LLAMA = ("<|im_start|>", "<|im_end|>"), ("<s>", "</s>")  # what begins and what ends a turn
# not "special" to the tokenizer: whoever decodes without special tokens must still see the calls
MARKS = ("<tool_call>", "</tool_call>", "<tool_response>", "</tool_response>", "<think>", "</think>")
TEXTS = ("prompt", "completion", "chosen", "rejected")  # columns of rows that are text already


def main() -> None:
    options = arguments()
    import sparing  # noqa: F401
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    template = options.template.read_text(encoding="utf-8")
    start, end = turns = CHATML if CHATML[0] in template else LLAMA
    settings = {"bos_token": start, "eos_token": end, "pad_token": PAD, "model_max_length": options.context}
    blank = PreTrainedTokenizerFast(tokenizer_object=bpe(), **settings)
    blank.chat_template = template
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=learnt(texts(options.rows, blank, turns), turns, options), padding_side="right", **settings
    )
    tokenizer.chat_template = template
    tokenizer.save_pretrained(options.out)
    torch.manual_seed(options.seed)
    model = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(tokenizer),
            hidden_size=options.hidden,
            intermediate_size=4 * options.hidden,
            num_hidden_layers=options.layers,
            num_attention_heads=options.heads,
            max_position_embeddings=options.context,
            tie_word_embeddings=True,
            # the usual 0.02 is made for wide models: at widths of some hundred attention starts too flat to learn from
            # few rows (measured: half the loss after the same steps)
            initializer_range=options.hidden**-0.5,
            bos_token_id=tokenizer.bos_token_id,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
        )
    )
    made = {"path": str(options.out), "parameters": model.num_parameters(), "vocab_size": len(tokenizer)}
    if options.warm_start:
        from warm_start import taught

        made["warm_start"] = taught(model, tokenizer, options.rows, json.loads(options.warm_start), options.seed)
    model.save_pretrained(options.out)
    print(json.dumps(made))


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scratch", description="a small model with random weights, from a dataset")
    here = Path(__file__).parent
    parser.add_argument("--rows", type=Path, required=True, help="train.jsonl: rows of messages and tools, or of text")
    parser.add_argument("--out", type=Path, required=True, help="where model and tokenizer are written")
    parser.add_argument("--template", type=Path, default=here / "templates" / "chatml_tools.jinja")
    parser.add_argument("--seed", type=int, default=42)
    parser.add_argument("--vocab-size", type=int, default=4096)
    parser.add_argument("--hidden", type=int, default=256)
    parser.add_argument("--layers", type=int, default=4)
    parser.add_argument("--heads", type=int, default=4)
    parser.add_argument("--context", type=int, default=2048, help="tokens the model can see")
    parser.add_argument("--warm-start", default="", help="settings of warm_start.py, as JSON")
    return parser.parse_args()


def bpe() -> Any:
    """An empty byte-level BPE tokenizer."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer


def learnt(lines: Iterator[str], turns: tuple[str, str], options: argparse.Namespace) -> Any:
    """A tokenizer learnt from `lines`, at most `vocab_size` entries, all 256 bytes among them."""
    from tokenizers import AddedToken, pre_tokenizers, trainers

    tokenizer = bpe()
    trainer = trainers.BpeTrainer(
        vocab_size=options.vocab_size - len(MARKS),
        special_tokens=[PAD, *turns],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(lines, trainer)
    tokenizer.add_tokens([AddedToken(mark, normalized=False) for mark in MARKS])
    return tokenizer


def texts(rows: Path, tokenizer: Any, turns: tuple[str, str]) -> Iterator[str]:
    """Every row as text, cut at the marks, which are entries of their own and must not be learnt as letters."""
    marks = re.compile("|".join(re.escape(mark) for mark in (PAD, *turns, *MARKS)))
    with rows.open(encoding="utf-8") as file:
        for line in file:
            text = said(json.loads(line), tokenizer)
            yield from (part for part in marks.split(text) if part)


def said(row: dict[str, Any], tokenizer: Any) -> str:
    """What a row says: its messages as the template writes them, or its texts as they are."""
    if "messages" in row:
        return str(tokenizer.apply_chat_template(row["messages"], tools=row.get("tools") or None, tokenize=False))
    task = json.loads(row["verifier"]).get("task", {}) if row.get("verifier") else {}
    known = [task[name] for name in ("good", "bad") if task.get(name)]
    return "\n".join([*(str(row[name]) for name in TEXTS if row.get(name)), *known])


if __name__ == "__main__":
    main()
