"""How much a model prefers the better reply of each pair, told in the training environment.

    python -m pair_scores --pairs pairs.jsonl --model DIR [--adapter DIR] --reads likelihood --context 2048 --out FILE

Pairs are {id, prompt, chosen, rejected}, text. `likelihood` asks a language model: the log-probability of each reply
after the prompt. `reward` asks a reward model for the number it gives; from one that has no such head it makes one
with random weights, the same for the same seed. A line of FILE: id, and for chosen and rejected {value, tokens}.
A prompt that is too long loses its beginning; `cut` on the line says so."""

import argparse
import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")


class Text(NamedTuple):
    """A prompt and a reply as tokens; the last `reply` of them are the reply's."""

    ids: list[int]
    reply: int
    cut: bool


def main() -> None:
    options = arguments()
    import sparing  # noqa: F401
    import torch
    from transformers import AutoTokenizer

    torch.manual_seed(options.seed)
    tokenizer = AutoTokenizer.from_pretrained(options.tokenizer or options.model)
    model = loaded(options).to(options.device).eval()
    with options.pairs.open(encoding="utf-8") as lines:  # not splitlines, which also splits at U+2028
        pairs = [json.loads(line) for line in lines]
    texts = [text(tokenizer, pair, name, options) for pair in pairs for name in ("chosen", "rejected")]
    order = sorted(range(len(texts)), key=lambda number: len(texts[number].ids))  # little padding
    values: dict[int, float] = {}
    with torch.inference_mode():
        for start in range(0, len(order), options.batch_size):
            batch = order[start : start + options.batch_size]
            found = (rewards if options.reads == "reward" else likelihoods)(model, [texts[one] for one in batch])
            values |= dict(zip(batch, found, strict=True))
    with options.out.open("w", encoding="utf-8") as file:
        for number, pair in enumerate(pairs):
            told = {
                name: {"value": values[2 * number + at], "tokens": texts[2 * number + at].reply}
                for at, name in enumerate(("chosen", "rejected"))
            }
            cut = texts[2 * number].cut or texts[2 * number + 1].cut
            file.write(json.dumps({"id": pair["id"], **told, "cut": cut}) + "\n")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="pair_scores", description="which reply of each pair a model prefers")
    parser.add_argument("--pairs", type=Path, required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--adapter", default="", help="a LoRA adapter on top of it")
    parser.add_argument("--tokenizer", default="", help="where the tokenizer is, if not with the model")
    parser.add_argument("--reads", choices=["likelihood", "reward"], required=True)
    parser.add_argument("--context", type=int, required=True, help="tokens the model can see")
    parser.add_argument("--batch-size", type=int, default=8)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--seed", type=int, default=42)
    parser.add_argument("--out", type=Path, required=True)
    return parser.parse_args()


def loaded(options: argparse.Namespace) -> Any:
    """The model, its adapter merged in; on a CPU in 32 bits."""
    import torch
    from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification

    settings: dict[str, Any] = {"dtype": torch.float32 if options.device == "cpu" else "auto"}
    if options.reads == "likelihood":
        model = AutoModelForCausalLM.from_pretrained(options.model, **settings)
    else:
        model = AutoModelForSequenceClassification.from_pretrained(options.model, num_labels=1, **settings)
        model.config.pad_token_id = model.config.pad_token_id or 0  # where the number is read depends on it
    if options.adapter:
        from peft import PeftModel

        model = PeftModel.from_pretrained(model, options.adapter).merge_and_unload()
    return model


def text(tokenizer: Any, pair: dict[str, Any], name: str, options: argparse.Namespace) -> Text:
    """Tokenized as the trainers do it: prompt and reply together, the reply's end marked."""
    whole = pair["prompt"] + pair[name].rstrip()
    whole += "" if whole.endswith(tokenizer.eos_token) else tokenizer.eos_token
    asked, ids = tokenizer(pair["prompt"])["input_ids"], tokenizer(whole)["input_ids"]
    reply = min(len(ids) - len(asked), options.context - 1)
    return Text(ids[-options.context :], reply, len(ids) > options.context)


def padded(texts: Sequence[Text], device: Any) -> Any:
    """Ids filled up on the right; what is masked is never read."""
    import torch

    width = max(len(one.ids) for one in texts)
    ids = torch.zeros(len(texts), width, dtype=torch.long)
    mask = torch.zeros(len(texts), width, dtype=torch.long)
    for row, one in enumerate(texts):
        ids[row, : len(one.ids)] = torch.tensor(one.ids)
        mask[row, : len(one.ids)] = 1
    return ids.to(device), mask.to(device)


def likelihoods(model: Any, texts: Sequence[Text]) -> Iterator[float]:
    """Log-probability in nats of each reply, summed over its tokens."""
    import torch

    ids, mask = padded(texts, model.device)
    longest = max(one.reply for one in texts)
    width = ids.shape[1]
    shortest = min(len(one.ids) for one in texts)
    keep = width - shortest + longest + 1  # logits are large: only of positions that some reply needs
    logits = model(input_ids=ids, attention_mask=mask, logits_to_keep=keep).logits.float()
    first = width - logits.shape[1]
    for row, one in enumerate(texts):
        start, end = len(one.ids) - one.reply, len(one.ids)
        told = torch.log_softmax(logits[row, start - 1 - first : end - 1 - first], dim=-1)
        yield float(told.gather(1, ids[row, start:end].unsqueeze(1)).sum())


def rewards(model: Any, texts: Sequence[Text]) -> Iterator[float]:
    """The number a reward model gives each reply, read at its last token."""
    for one in texts:  # one by one: padding that looks like a token would move the place that is read
        ids, mask = padded([one], model.device)
        yield float(model(input_ids=ids, attention_mask=mask).logits[0, 0])


if __name__ == "__main__":
    main()
