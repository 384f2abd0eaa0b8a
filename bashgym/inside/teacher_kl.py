"""What the teacher_kl benchmark does in the training environment: two models over the same tokens of replies.

    python -m teacher_kl --rows rows.jsonl --teacher DIR --model DIR --template FILE --context 2048

prints one JSON line: forward_kl (nats per token), agreement, their standard errors, tokens, rows, left_out."""

import argparse
import json
import math
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

import lm_task
import teacher


def main() -> None:
    parser = argparse.ArgumentParser(prog="teacher_kl", description="the distance of a model from its teacher")
    parser.add_argument("--rows", type=Path, required=True)
    parser.add_argument("--teacher", required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--template", type=Path, help="a chat template; without it the model's own")
    parser.add_argument("--context", type=int, required=True, help="tokens the models can see")
    options = parser.parse_args()
    import sparing  # noqa: F401
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(options.model)
    if options.template:
        tokenizer.chat_template = options.template.read_text(encoding="utf-8")
    teacher.check_vocabulary(AutoTokenizer.from_pretrained(options.teacher), tokenizer, options.teacher)
    one, other = teacher.load(options.teacher), teacher.load(options.model)
    measured, left_out = [], 0
    with options.rows.open(encoding="utf-8") as lines:
        for line in lines:
            ids, places, lacking = replies(json.loads(line), tokenizer, options.context)
            left_out += lacking
            if places:
                measured.append((*apart(one, other, ids, places), len(places)))
    print(json.dumps({**summed(measured), "rows": len(measured), "left_out": left_out}))


def replies(row: dict[str, Any], tokenizer: Any, context: int) -> tuple[list[int], list[int], int]:
    """The row's tokens, the positions before each token of its learnt replies, and how many replies cannot be shown."""
    messages = [lm_task.message(one) for one in row["messages"]]
    tools = row.get("tools") or None

    def text(until: int, prompt: bool = False) -> str:
        return str(
            tokenizer.apply_chat_template(messages[:until], tools=tools, tokenize=False, add_generation_prompt=prompt)
        )

    whole, spans, lacking = text(len(messages)), [], 0
    for number, message in enumerate(row["messages"]):
        if message["role"] != "assistant" or message.get("train") is False or not number:
            continue
        before, after = text(number, prompt=True), text(number + 1)
        if whole.startswith(before) and whole.startswith(after.rstrip()) and len(after) > len(before):
            spans.append((len(before), len(after.rstrip())))
        else:
            lacking += 1
    told = tokenizer(whole, add_special_tokens=False, return_offsets_mapping=True)
    places = [place - 1 for place, (start, _) in enumerate(told["offset_mapping"]) if place and within(start, spans)]
    return told["input_ids"][:context], [place for place in places if place + 1 < context], lacking


def within(start: int, spans: Sequence[tuple[int, int]]) -> bool:
    return any(first <= start < last for first, last in spans)


def apart(one: Any, other: Any, ids: Sequence[int], places: Sequence[int]) -> tuple[float, int]:
    """Sum over `places` of KL(one || other) over the tokens that both have, and how often their likeliest is the same.

    Two tables of one tokenizer may be padded to different lengths; what only one has is left out of both."""
    import torch

    with torch.inference_mode():
        words = [list(logits(model, ids, places)) for model in (one, other)]
        size = min(len(words[0][0]), len(words[1][0]))
        total, same = 0.0, 0
        for theirs, ours in zip(*words, strict=True):
            p, q = (torch.log_softmax(word[:size].float(), -1) for word in (theirs, ours))
            total += float((p.exp() * (p - q)).sum())
            same += int(p.argmax() == q.argmax())
    return total, same


def logits(model: Any, ids: Sequence[int], places: Sequence[int]) -> Iterator[Any]:
    import torch

    asked = torch.tensor([list(ids)], device=model.device)
    keep = torch.tensor(list(places), device=model.device)
    yield from model(input_ids=asked, logits_to_keep=keep, use_cache=False).logits[0].cpu()


def summed(measured: Sequence[tuple[float, int, int]]) -> dict[str, Any]:
    """Means over all tokens; the standard error treats a row as one draw (a ratio estimate: tokens of a row hang
    together, so that counting each alone would promise too much)."""
    tokens = sum(n for _, _, n in measured)
    found: dict[str, Any] = {"tokens": tokens}
    for name, sums in (("forward_kl", [one for one, _, _ in measured]), ("agreement", [one for _, one, _ in measured])):
        mean = sum(sums) / tokens if tokens else None
        found |= {name: mean, f"{name}_stderr": None}
        if mean is not None and len(measured) > 1:
            off = sum((value - mean * n) ** 2 for value, (_, _, n) in zip(sums, measured, strict=True))
            found[f"{name}_stderr"] = math.sqrt(off * len(measured) / (len(measured) - 1)) / tokens
    return found


if __name__ == "__main__":
    main()
