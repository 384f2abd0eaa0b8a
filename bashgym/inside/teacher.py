"""What a teacher thinks of each next token: its most likely ones with their log probabilities, for a student to learn.

The teacher is a model of transformers (a folder or a hub id, adapters too), or one made here of random weights and the
training rows (`scratch`, for trials without any download). What was worked out is kept row by row in a file, so that a
training that was cut off asks for nothing twice."""

import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

IGNORED = -100
SCRATCH = "scratch"
FOLDER = "teacher"  # in the run's folder: what is kept, and the model that `scratch` makes
SHARED = 0.99  # of the student's tokens the teacher must have, each under the same number


class Top(NamedTuple):
    """The most likely next tokens at each learnt position of a row: [positions][k]."""

    ids: list[list[int]]
    logprobs: list[list[float]]


class Kept:
    """Lines of {row, ids, logprobs}, one a row, appended as they come; a line that a kill tore is asked for again."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.places: dict[str, int] = {}
        path.parent.mkdir(parents=True, exist_ok=True)
        end = 0
        if path.exists():
            with path.open("rb") as file:
                for line in file:
                    if not line.endswith(b"\n"):
                        break
                    self.places[json.loads(line)["row"]] = end
                    end += len(line)
            os.truncate(path, end)

    def get(self, row: str) -> Top | None:
        if row not in self.places:
            return None
        with self.path.open("rb") as file:
            file.seek(self.places[row])
            found = json.loads(file.readline())
        return Top(found["ids"], found["logprobs"])

    def add(self, row: str, top: Top) -> None:
        rounded = [[round(value, 5) for value in position] for position in top.logprobs]
        line = json.dumps({"row": row, "ids": top.ids, "logprobs": rounded}, separators=(",", ":")).encode() + b"\n"
        with self.path.open("ab") as file:
            self.places[row] = file.tell()
            file.write(line)


def row_key(ids: Sequence[int], labels: Sequence[int]) -> str:
    """The name of a row by what the student sees and learns of it."""
    text = ",".join(map(str, ids)) + ";" + ",".join("01"[label != IGNORED] for label in labels)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def positions(labels: Sequence[int]) -> list[int]:
    """Where the next token is learnt: position p says token p + 1."""
    return [place - 1 for place, label in enumerate(labels) if place and label != IGNORED]


def identity(model: str) -> str:
    """What tells two teachers apart: of a folder, its files' names, sizes and times of change."""
    folder = Path(model)
    files = sorted(file for file in folder.iterdir() if file.is_file()) if folder.is_dir() else []
    seen = [[file.name, file.stat().st_size, file.stat().st_mtime_ns] for file in files]
    return hashlib.sha256(json.dumps([model, seen]).encode()).hexdigest()[:16]


def load(model: str, revision: str | None = None) -> Any:
    """A teacher or a student to be asked: on the GPU in bf16 where there is one, else in fp32."""
    import torch
    from transformers import AutoModelForCausalLM

    gpu = torch.cuda.is_available()
    options: dict[str, Any] = {"dtype": torch.bfloat16 if gpu else torch.float32}
    adapter = Path(model) / "adapter_config.json"
    base = based_on(adapter) if adapter.is_file() else model
    made = AutoModelForCausalLM.from_pretrained(base, revision=None if adapter.is_file() else revision, **options)
    if adapter.is_file():
        from peft import PeftModel

        made = PeftModel.from_pretrained(made, model).merge_and_unload()
    return made.to("cuda" if gpu else "cpu").eval()


def based_on(adapter: Path) -> str:
    """The model an adapter belongs to; named relative to a folder above it where it was trained from one."""
    base = str(json.loads(adapter.read_text(encoding="utf-8"))["base_model_name_or_path"])
    near = (parent / base for parent in adapter.resolve().parents if (parent / base / "config.json").exists())
    return str(next(near, base))


def top(model: Any, ids: Sequence[int], places: Sequence[int], k: int) -> Top:
    """The k most likely next tokens at `places`, by the model's own whole distribution."""
    import torch

    if not places:
        return Top([], [])
    with torch.inference_mode():
        asked = torch.tensor([list(ids)], device=model.device)
        keep = torch.tensor(list(places), device=model.device)
        logits = model(input_ids=asked, logits_to_keep=keep, use_cache=False).logits[0]
        best = torch.log_softmax(logits.float(), -1).topk(min(k, logits.shape[-1]), -1)
    return Top(best.indices.tolist(), best.values.tolist())


def check_vocabulary(teacher: Any, student: Any, name: str) -> None:
    """Raises ValueError where the two tokenizers number tokens differently: then a teacher's tokens mean nothing."""
    theirs, ours = teacher.get_vocab(), student.get_vocab()
    same = sum(theirs.get(token) == number for token, number in ours.items())
    if same < SHARED * len(ours):
        raise ValueError(
            f"training.teacher.model: {name} numbers only {same} of the student's {len(ours)} tokens alike; take a "
            "teacher of the student's family, or learn from its answers: training=distill_answers"
        )


def made(rows: Sequence[dict[str, Any]], tokenizer: Any, settings: dict[str, Any], context: int, folder: Path) -> str:
    """A teacher with random weights, trained on the rows as they are; its folder. The same inputs give the same one.

    `settings`: hidden_size, layers, heads, steps, batch_size, learning_rate, seed."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    keys = [row_key(row["input_ids"], row["labels"]) for row in rows]
    wanted = hashlib.sha256(json.dumps([keys, settings, context]).encode()).hexdigest()
    note = folder / "made.json"
    if note.exists() and json.loads(note.read_text())["from"] == wanted:
        return str(folder)
    torch.manual_seed(settings["seed"])
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=settings["hidden_size"],
        intermediate_size=4 * settings["hidden_size"],
        num_hidden_layers=settings["layers"],
        num_attention_heads=settings["heads"],
        max_position_embeddings=context,
        tie_word_embeddings=True,
        initializer_range=settings["hidden_size"] ** -0.5,  # see scratch.py
    )
    model = LlamaForCausalLM(config)
    optimizer = torch.optim.AdamW(model.parameters(), lr=settings["learning_rate"], weight_decay=0.0)
    steps = settings["steps"]
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, settings["learning_rate"], steps, pct_start=0.1)
    for number, batch in zip(range(1, steps + 1), batches(rows, settings), strict=False):
        loss = model(**batch).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
        if number % 50 == 0 or number == steps:
            print(f"teacher: step {number} of {steps}, loss {loss.item():.3f}", flush=True)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    note.write_text(json.dumps({"from": wanted, "parameters": model.num_parameters(), "loss": loss.item()}))
    return str(folder)


def batches(rows: Sequence[dict[str, Any]], settings: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Batches without end, every row once before any comes again, in an order of its own each time."""
    import torch

    draw = torch.Generator().manual_seed(settings["seed"])
    queue: list[int] = []
    while True:
        while len(queue) < settings["batch_size"]:
            queue += torch.randperm(len(rows), generator=draw).tolist()
        chosen = [rows[queue.pop(0)] for _ in range(settings["batch_size"])]
        most = max(len(row["input_ids"]) for row in chosen)
        filled = {"input_ids": 0, "labels": IGNORED, "attention_mask": 0}
        columns = [{**row, "attention_mask": [1] * len(row["input_ids"])} for row in chosen]
        yield {
            name: torch.tensor([row[name] + [filler] * (most - len(row[name])) for row in columns])
            for name, filler in filled.items()
        }
