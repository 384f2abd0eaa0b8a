"""What a training really learns from: the labels that Axolotl makes of the rows, decoded."""

import json
from pathlib import Path
from typing import Any

import pytest

from bashgym import axolotl, environment, registry
from bashgym.records import Dataset, Model

DECODE = """
import json, sys
from pathlib import Path
from datasets import load_from_disk
from transformers import AutoTokenizer
tokenizer = AutoTokenizer.from_pretrained(sys.argv[1])
folders = [info.parent for info in Path("prepared").glob("*/*/dataset_info.json") if info.parts[1] != "cache"]
for row in load_from_disk(str(max(folders, key=lambda folder: len(load_from_disk(str(folder)))))):
    pieces = [[]]
    for label in row["labels"]:
        pieces = [*pieces, []] if label == -100 and pieces[-1] else pieces
        pieces[-1] += [label] if label != -100 else []
    learnt = [tokenizer.decode(piece) for piece in pieces if piece]
    print(json.dumps({"text": tokenizer.decode(row["input_ids"]), "learnt": learnt}))
"""


def labels(python: Path, folder: Path, model: str = "model") -> list[dict[str, Any]]:
    """Per training row its whole text and the stretches of it that are trained on."""
    there = environment.Environment(python)
    out = environment.run(there, ["python", "-c", DECODE, model], folder, folder / "logs" / "labels.log")
    return [json.loads(line) for line in out.splitlines() if line.startswith("{")]


@pytest.mark.training
def test_only_the_wanted_turns_are_learnt(training_python: Path, small_run: Any):
    rows = [json.loads(line) for line in (small_run.folder / "dataset" / "train.jsonl").open()]
    found = labels(training_python, small_run.folder)
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


def call(arguments: dict[str, Any]) -> dict[str, Any]:
    return {"id": "c", "type": "function", "function": {"name": "x", "arguments": arguments}}


MIXED = [{"n": 1}, {"n": "2024-01-01T00:00:00", "no": None, "deep": {"q": [1, "ä", 2.5, True]}}, {}]


@pytest.mark.training
@pytest.mark.parametrize("template", ["chatml_tools", "llama2_tools"])
def test_arguments_of_every_shape(
    training_python: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, template: str
):
    """Nulls, dates, numbers and nesting are learnt as they stand, in both templates, through Axolotl's preprocess."""
    monkeypatch.setenv(environment.OVERRIDE, str(training_python))
    (tmp_path / "dataset").mkdir()
    turns: list[dict[str, Any]] = [{"role": "user", "content": "go", "train": False}]
    for arguments in MIXED:
        turns.append({"role": "assistant", "content": "So:", "tool_calls": [call(arguments)], "train": True})
        turns.append({"role": "tool", "tool_call_id": "c", "content": "ok", "train": False})
    rows = [{"id": str(number), "messages": turns[: 3 + 2 * number], "tools": [call({})]} for number in range(3)]
    (tmp_path / "dataset" / "train.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    size = {"vocab_size": 500, "hidden_size": 16, "layers": 1, "heads": 1}
    environment.make_scratch_model(tmp_path, template, 512, size, 1)
    stanza = registry.load("format", "chat")(registry.load("format", "chat").Config()).stanza()
    dataset = Dataset(folder=str(tmp_path / "dataset"), sha256="", rows={"train": 3}, stanza=stanza, schema="chat")
    training = registry.load("training", "sft")
    model = Model(base=str(tmp_path / "model"), chat_template=template, sequence_len=512)
    job = training(training.Config()).plan(dataset, model, tmp_path)
    config = {**job.config, "special_tokens": {}}  # this tokenizer has a padding token of its own
    axolotl.write(config, tmp_path)
    there = environment.Environment(training_python)
    environment.run(there, ["axolotl", "preprocess", "axolotl.yaml"], tmp_path, tmp_path / "log", env=job.env)
    end = "<|im_end|>" if template == "chatml_tools" else "</s>"
    texts = [
        f'So:\n<tool_call>{{"name": "x", "arguments": {json.dumps(a, ensure_ascii=False)}}}</tool_call>' for a in MIXED
    ]
    learnt = sorted((seen["learnt"] for seen in labels(training_python, tmp_path)), key=len)
    assert [[part.lstrip() for part in row] for row in learnt] == [[t + end for t in texts[: n + 1]] for n in range(3)]
