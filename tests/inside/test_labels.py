"""What a training really learns from: the labels that Axolotl makes of the rows, decoded."""

import json
from pathlib import Path
from typing import Any

import pytest

from bashgym import axolotl, environment, registry
from bashgym.records import Dataset, Model

TEMPLATES = ("chatml_tools", "llama2_tools")
# all in one process, whose imports take longer than the work: models and rows made in the folders named after our
# templates, as `scratch` and `axolotl preprocess` make them; then what lies prepared in every folder, decoded
DECODE = """
import json, os, sys
from pathlib import Path
from axolotl.cli.preprocess import do_cli
import scratch
from datasets import load_from_disk
from transformers import AutoTokenizer
small, *made = map(Path, sys.argv[1:])
for folder in made:
    os.chdir(folder)
    sys.argv = f"scratch --rows dataset/train.jsonl --out model --seed 1 --vocab-size 500 --hidden 16".split()
    sys.argv += f"--layers 1 --heads 1 --context 512 --template inside/templates/{folder.name}.jinja".split()
    scratch.main()
    do_cli(config="axolotl.yaml")
for folder in (small, *made):
    tokenizer = AutoTokenizer.from_pretrained(folder / "model")
    prepared = [info.parent for info in folder.glob("prepared/*/*/dataset_info.json")]
    prepared = [one for one in prepared if one.parent.name != "cache"]
    for row in load_from_disk(str(max(prepared, key=lambda one: len(load_from_disk(str(one)))))):
        pieces = [[]]
        for label in row["labels"]:
            pieces = [*pieces, []] if label == -100 and pieces[-1] else pieces
            pieces[-1] += [label] if label != -100 else []
        learnt = [tokenizer.decode(piece) for piece in pieces if piece]
        seen = {"text": tokenizer.decode(row["input_ids"]), "learnt": learnt}
        print("ROW", json.dumps([folder.name, seen]))
"""


def call(arguments: dict[str, Any]) -> dict[str, Any]:
    return {"id": "c", "type": "function", "function": {"name": "x", "arguments": arguments}}


MIXED = [{"n": 1}, {"n": "2024-01-01T00:00:00", "no": None, "deep": {"q": [1, "ä", 2.5, True]}}, {}]


def planned(folder: Path, template: str) -> dict[str, str]:
    """Three rows whose calls have arguments of every shape, and the training's configuration; its variables."""
    (folder / "dataset").mkdir(parents=True)
    turns: list[dict[str, Any]] = [{"role": "user", "content": "go", "train": False}]
    for arguments in MIXED:
        turns.append({"role": "assistant", "content": "So:", "tool_calls": [call(arguments)], "train": True})
        turns.append({"role": "tool", "tool_call_id": "c", "content": "ok", "train": False})
    rows = [{"id": str(number), "messages": turns[: 3 + 2 * number], "tools": [call({})]} for number in range(3)]
    (folder / "dataset" / "train.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    stanza = registry.load("format", "chat")(registry.load("format", "chat").Config()).stanza()
    dataset = Dataset(folder=str(folder / "dataset"), sha256="", rows={"train": 3}, stanza=stanza, schema="chat")
    training = registry.load("training", "sft")
    model = Model(base=str(folder / "model"), chat_template=template, sequence_len=512)
    job = training(training.Config()).plan(dataset, model, folder)
    config = {**job.config, "special_tokens": {}}  # this tokenizer has a padding token of its own
    axolotl.write(config, folder)
    return dict(job.env)


@pytest.fixture(scope="module")
def labels(
    training_python: Path, small_run: Any, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, list[dict[str, Any]]]:
    """By folder, per training row: its whole text and the stretches of it that are trained on."""
    root = tmp_path_factory.mktemp("labels")
    env = {template: planned(root / template, template) for template in TEMPLATES}[TEMPLATES[0]]
    environment.place(root)
    command = ["python", "-c", DECODE, str(small_run.folder), *(str(root / template) for template in TEMPLATES)]
    inside = {"PYTHONPATH": str(root / "inside")}
    out = environment.run(environment.Environment(training_python), command, root, root / "log", env | inside)
    found: dict[str, list[dict[str, Any]]] = {}
    for name, seen in (json.loads(line[4:]) for line in out.splitlines() if line.startswith("ROW ")):
        found.setdefault("small" if name == small_run.folder.name else name, []).append(seen)
    return found


@pytest.mark.training
def test_only_the_wanted_turns_are_learnt(labels: dict[str, list[dict[str, Any]]], small_run: Any):
    rows = [json.loads(line) for line in (small_run.folder / "dataset" / "train.jsonl").open()]
    found = labels["small"]
    assert len(found) == len(rows) == 48
    for seen in found:
        row = next(row for row in rows if expected(row) == seen["learnt"])
        assert '"command": "mistaken"' in seen["text"]  # a masked turn is read and not learnt
        for tool in row["tools"]:
            assert json.dumps(tool) in seen["text"]
        assert '\\"' not in seen["text"]  # nothing is JSON within JSON


def expected(row: dict[str, Any]) -> list[str]:
    """The turns with train: true as the template writes them, each with its end."""
    wanted = []
    for message in row["messages"]:
        if message["train"]:
            calls = [
                f'<tool_call>{{"name": "{call["function"]["name"]}", '
                f'"arguments": {json.dumps(call["function"]["arguments"])}}}</tool_call>'
                for call in message.get("tool_calls", [])
            ]
            wanted.append("\n".join(filter(None, [message["content"], *calls])) + "<|im_end|>")
    return wanted


@pytest.mark.training
@pytest.mark.parametrize("template", TEMPLATES)
def test_arguments_of_every_shape(labels: dict[str, list[dict[str, Any]]], template: str):
    """Nulls, dates, numbers and nesting are learnt as they stand, in both templates, through Axolotl's preprocess."""
    end = "<|im_end|>" if template == "chatml_tools" else "</s>"
    texts = [
        f'So:\n<tool_call>{{"name": "x", "arguments": {json.dumps(a, ensure_ascii=False)}}}</tool_call>' for a in MIXED
    ]
    learnt = sorted((seen["learnt"] for seen in labels[template]), key=len)
    assert [[part.lstrip() for part in row] for row in learnt] == [[t + end for t in texts[: n + 1]] for n in range(3)]
