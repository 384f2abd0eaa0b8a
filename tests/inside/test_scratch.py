"""The model that is made from nothing but the rows."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from bashgym import environment


def made(folder: Path, rows: list[dict[str, Any]], seed: int) -> tuple[dict[str, Any], dict[str, str]]:
    """What `make_scratch_model` says, and the hashes of its files."""
    (folder / "dataset").mkdir(parents=True)
    (folder / "dataset" / "train.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    size = {"vocab_size": 400, "hidden_size": 16, "layers": 1, "heads": 2}
    facts = environment.make_scratch_model(folder, "chatml_tools", 128, size, seed)
    files = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in (folder / "model").iterdir()}
    return facts, files


READ_BACK = """
import json, sys
from transformers import AutoModelForCausalLM, AutoTokenizer
tokenizer = AutoTokenizer.from_pretrained("model")
text = "<|im_start|>user\\n\\x00 ä \\U0001f600 zz<|im_end|>\\n<tool_call>{}</tool_call>"
ids = tokenizer.encode(text)
config = AutoModelForCausalLM.from_pretrained("model").config
print(json.dumps({"same": tokenizer.decode(ids) == text, "shown": tokenizer.decode(ids, skip_special_tokens=True),
    "calls": [len(tokenizer.encode(mark)) for mark in ("<tool_call>", "</tool_call>", "<|im_end|>")],
    "template": bool(tokenizer.chat_template), "context": config.max_position_embeddings, "eos": tokenizer.eos_token}))
"""


@pytest.mark.training
def test_same_seed_same_bytes(training_python: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv(environment.OVERRIDE, str(training_python))
    rows = [{"id": "1", "messages": [{"role": "user", "content": f"say {word} " * 9}]} for word in "abcdefgh"]
    facts, first = made(tmp_path / "one", rows, 1)
    assert (facts, first) == made(tmp_path / "two", rows, 1)
    _, other = made(tmp_path / "three", rows, 2)
    assert other["model.safetensors"] != first["model.safetensors"]
    assert other["tokenizer.json"] == first["tokenizer.json"]
    assert facts["vocab_size"] <= 400 and facts["parameters"] > 0
    there = environment.Environment(training_python)
    out = environment.run(there, ["python", "-c", READ_BACK], tmp_path / "one", tmp_path / "log")
    read = json.loads(out.strip().splitlines()[-1])
    assert read["same"] and read["template"] and read["context"] == 128 and read["eos"] == "<|im_end|>"
    assert read["calls"] == [1, 1, 1]
    assert "<tool_call>{}</tool_call>" in read["shown"] and "<|im_end|>" not in read["shown"]
