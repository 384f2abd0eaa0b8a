"""The model that is made from nothing but the rows."""

import hashlib
import json
from pathlib import Path

import pytest

from bashgym import environment


def hashes(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}


# two more and a look at the first in one process: its imports take longer than all three
READ_BACK = """
import json, sys
import scratch
for name, seed in (("two", 1), ("three", 2)):
    sys.argv = f"scratch --rows one/dataset/train.jsonl --out {name} --seed {seed} --vocab-size 400 --hidden 16".split()
    sys.argv += "--layers 1 --heads 2 --context 128 --template one/inside/templates/chatml_tools.jinja".split()
    scratch.main()
from transformers import AutoModelForCausalLM, AutoTokenizer
tokenizer = AutoTokenizer.from_pretrained("one/model")
text = "<|im_start|>user\\n\\x00 ä \\U0001f600 zz<|im_end|>\\n<tool_call>{}</tool_call>"
ids = tokenizer.encode(text)
config = AutoModelForCausalLM.from_pretrained("one/model").config
print(json.dumps({"same": tokenizer.decode(ids) == text, "shown": tokenizer.decode(ids, skip_special_tokens=True),
    "calls": [len(tokenizer.encode(mark)) for mark in ("<tool_call>", "</tool_call>", "<|im_end|>")],
    "template": bool(tokenizer.chat_template), "context": config.max_position_embeddings, "eos": tokenizer.eos_token}))
"""


@pytest.mark.training
def test_same_seed_same_bytes(training_python: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv(environment.OVERRIDE, str(training_python))
    rows = [{"id": "1", "messages": [{"role": "user", "content": f"say {word} " * 9}]} for word in "abcdefgh"]
    folder = tmp_path / "one"
    (folder / "dataset").mkdir(parents=True)
    (folder / "dataset" / "train.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    size = {"vocab_size": 400, "hidden_size": 16, "layers": 1, "heads": 2}
    facts = environment.make_scratch_model(folder, "chatml_tools", 128, size, 1)
    there = environment.Environment(training_python)
    variables = {"PYTHONPATH": str(folder / "inside")}
    out = environment.run(there, ["python", "-c", READ_BACK], tmp_path, tmp_path / "log", variables)
    first, again, other = (hashes(place) for place in (folder / "model", tmp_path / "two", tmp_path / "three"))
    assert first == again  # by another process
    assert other["model.safetensors"] != first["model.safetensors"]
    assert other["tokenizer.json"] == first["tokenizer.json"]
    assert facts["vocab_size"] <= 400 and facts["parameters"] > 0
    read = json.loads(out.strip().splitlines()[-1])
    assert read["same"] and read["template"] and read["context"] == 128 and read["eos"] == "<|im_end|>"
    assert read["calls"] == [1, 1, 1]
    assert "<tool_call>{}</tool_call>" in read["shown"] and "<|im_end|>" not in read["shown"]
