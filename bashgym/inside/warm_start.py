"""Teaches a model of random weights the known answers of its tasks, good and bad ones mixed, so that rewards find
something to choose from: the stand-in for what a pretrained model brings along.

How often it then gives the good answer is measured afterwards, like everything, on tasks that are not among these."""

import json
import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch

IGNORED = -100


def taught(model: Any, tokenizer: Any, rows: Path, settings: dict[str, Any], seed: int) -> dict[str, Any]:
    """Trains `model` in place; returns {epochs, good, steps, first_loss, last_loss, answers by kind}."""
    draw = random.Random(seed)
    torch.manual_seed(seed)
    tasks = list(known(rows))
    size, epochs = settings["batch_size"], settings["epochs"]
    steps = epochs * -(-len(tasks) // size)
    optimizer = torch.optim.AdamW(model.parameters(), lr=settings["learning_rate"])
    decay = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, max(steps, 1))
    model.train()
    losses: list[float] = []
    shown = {"good": 0, "bad": 0}
    for _ in range(epochs):
        draw.shuffle(tasks)
        for start in range(0, len(tasks), size):
            batch = [chosen(task, settings["good"], draw, shown) for task in tasks[start : start + size]]
            loss = model(**padded(batch, tokenizer)).loss
            loss.backward()
            optimizer.step()
            decay.step()
            optimizer.zero_grad()
            losses.append(float(loss.detach()))
    model.eval()
    told = {"first_loss": round(losses[0], 4), "last_loss": round(losses[-1], 4)} if losses else {}
    return {"epochs": epochs, "good": settings["good"], "steps": len(losses), "answers": shown, **told}


def known(rows: Path) -> Iterator[tuple[str, str, str]]:
    """(prompt, good answer, bad answer) of each row that has a task; "" where no bad answer is known."""
    for line in rows.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        task = json.loads(row.get("verifier") or "{}").get("task")
        if task:
            yield row["prompt"], task["good"], task.get("bad", "")


def chosen(task: tuple[str, str, str], good: float, draw: random.Random, shown: dict[str, int]) -> tuple[str, str]:
    prompt, right, wrong = task
    kind = "good" if not wrong or draw.random() < good else "bad"
    shown[kind] += 1
    return prompt, right if kind == "good" else wrong


def padded(batch: Sequence[tuple[str, str]], tokenizer: Any) -> dict[str, torch.Tensor]:
    """Prompt and answer as tokens, the answer's alone to be learnt, to the end of its turn."""
    asked = [tokenizer(prompt)["input_ids"] for prompt, _ in batch]
    answers = [[*tokenizer(answer)["input_ids"], tokenizer.eos_token_id] for _, answer in batch]
    longest = max(len(one) + len(other) for one, other in zip(asked, answers, strict=True))
    ids, labels, seen = [], [], []
    for prompt, answer in zip(asked, answers, strict=True):
        rest = longest - len(prompt) - len(answer)
        ids.append(prompt + answer + [tokenizer.pad_token_id] * rest)
        labels.append([IGNORED] * len(prompt) + answer + [IGNORED] * rest)
        seen.append([1] * (longest - rest) + [0] * rest)
    return {name: torch.tensor(one) for name, one in (("input_ids", ids), ("labels", labels), ("attention_mask", seen))}
