"""A small chat dataset with tools and a model trained on it by the real training plugin, for tests of several kinds."""

import json
import random
from pathlib import Path
from typing import Any, NamedTuple

from bashgym import environment, registry
from bashgym.records import Dataset, Job, Model

CONTEXT = 384
SIZE = {"vocab_size": 700, "hidden_size": 64, "layers": 2, "heads": 2}
NAMES = ["auth", "cart", "mail", "users", "index", "cache"]


class SmallRun(NamedTuple):
    """A folder with dataset/, the untrained model/ and what training made of it."""

    folder: Path
    dataset: Dataset
    base: Path
    job: Job
    checkpoint: Path


def tool(name: str, **types: str) -> dict[str, Any]:
    properties = {key: {"type": value} for key, value in types.items()}
    parameters = {"type": "object", "properties": properties}
    return {"type": "function", "function": {"name": name, "parameters": parameters}}


TOOLS = [tool("Read", path="string", limit="integer"), tool("Bash", command="string")]


def said(text: str, name: str, arguments: dict[str, Any], train: bool = True) -> dict[str, Any]:
    call = {"id": "c", "type": "function", "function": {"name": name, "arguments": arguments}}
    return {"role": "assistant", "content": text, "tool_calls": [call], "train": train}


def row(number: int, draw: random.Random) -> dict[str, Any]:
    """A request; a wrong first try, masked, whose result decides the tool; the right call; an answer."""
    name = draw.choice(NAMES)
    read = draw.random() < 0.5
    right = ("Read", {"path": f"{name}.py", "limit": 5}) if read else ("Bash", {"command": f"pytest {name}"})
    messages: list[dict[str, Any]] = [
        {"role": "user", "content": f"{'show' if read else 'test'} {name}", "train": False},
        said("", "Bash", {"command": "mistaken", "env": {"A": 1, "B": None}, "retry": [1, "x"]}, train=False),
        {
            "role": "tool",
            "tool_call_id": "c",
            "name": "Bash",
            "content": "a file" if read else "a suite",
            "train": False,
        },
        said("", *right),
        {"role": "tool", "tool_call_id": "c", "name": right[0], "content": "fine", "train": False},
        {"role": "assistant", "content": "Done.", "train": True},
    ]
    return {"id": f"s{number}", "messages": messages, "tools": TOOLS if number % 2 else list(reversed(TOOLS))}


def dataset(folder: Path) -> Dataset:
    """Writes dataset/ of 48 training, 8 validation and 16 test rows."""
    draw = random.Random(7)
    rows = [row(number, draw) for number in range(72)]
    parts = {"train": rows[:48], "validation": rows[48:56], "test": rows[56:]}
    (folder / "dataset").mkdir(parents=True)
    for split, part in parts.items():
        text = "".join(json.dumps(one) + "\n" for one in part)
        (folder / "dataset" / f"{split}.jsonl").write_text(text, encoding="utf-8")
    stanza = registry.load("format", "chat")(registry.load("format", "chat").Config()).stanza()
    counts = {split: len(part) for split, part in parts.items()}
    return Dataset(folder=str(folder / "dataset"), sha256="7" * 64, rows=counts, stanza=stanza, schema="chat")


def plan(folder: Path, rows: Dataset, base: Path, **settings: Any) -> Job:
    """What plugins/training/sft.py makes of these settings; the model's own chat template."""
    training = registry.load("training", "sft")
    model = Model(base=str(base), chat_template="tokenizer_default", sequence_len=CONTEXT)
    return training(training.Config(**settings)).plan(rows, model, folder)


def train(job: Job) -> Path:
    where = environment.Environment(environment.python())
    environment.run(where, job.command, Path(job.folder), Path(job.folder) / "logs" / "train.log", env=job.env)
    return Path(job.folder) / job.output


def make(folder: Path) -> SmallRun:
    """Some 30 seconds: a model with random weights, then full fine-tuning of it."""
    rows = dataset(folder)
    environment.make_scratch_model(folder, "chatml_tools", CONTEXT, SIZE, 3)
    settings = {
        "method": "full",
        "learning_rate": 2e-3,
        "epochs": 24,
        "batch_size": 4,
        "eval_steps": 120,
        "save_steps": 120,
    }
    job = plan(folder, rows, folder / "model", **settings)
    return SmallRun(folder, rows, folder / "model", job, train(job))
