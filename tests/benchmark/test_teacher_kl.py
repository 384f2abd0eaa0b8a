"""The distance from a teacher: exact where it is known, missing where there is none to ask."""

import json
from pathlib import Path
from typing import Any

import pytest

from bashgym import environment, registry
from bashgym.records import Score, Subject

Benchmark = registry.load("benchmark", "teacher_kl")


def subject(folder: Path, **more: Any) -> Subject:
    (folder / "dataset").mkdir(exist_ok=True)
    values = {"role": "trained", "path": "x", "dataset": str(folder / "dataset"), "folder": str(folder / "b")}
    return Subject(**{**values, "chat_template": "tokenizer_default", "sequence_len": 64, **more})


def scores(folder: Path, **config: Any) -> list[Score]:
    return list(Benchmark(Benchmark.Config(**config)).run(subject(folder)))


def test_without_a_teacher_the_scores_are_missing(tmp_path: Path):
    one, other = scores(tmp_path)
    assert (one.metric, one.value, one.evidence, one.higher_is_better) == ("forward_kl", None, "missing", False)
    assert "benchmark.teacher_kl.teacher" in one.note and other.metric == "agreement"
    (tmp_path / "axolotl.yaml").write_text("bashgym_teacher: {model: m, collected: teacher/collected.jsonl}\n")
    assert "no whole distribution" in scores(tmp_path)[0].note


KNOWN = """
import json, math, torch, teacher_kl
class Fixed:
    device = "cpu"
    def __init__(self, *probabilities):
        self.logits = torch.tensor([[math.log(p) for p in row] for row in probabilities])
    def __call__(self, input_ids, logits_to_keep, use_cache):
        return type("Out", (), {"logits": self.logits[None, logits_to_keep]})
one = Fixed((0.5, 0.25, 0.25), (0.2, 0.4, 0.4), (0.9, 0.05, 0.05))
other = Fixed((0.25, 0.5, 0.25), (0.2, 0.4, 0.4), (0.1, 0.1, 0.8))
found = teacher_kl.apart(one, other, [0, 1, 2], [0, 1])
print(json.dumps([*found, teacher_kl.summed([(3.0, 4, 10), (1.0, 6, 10)])]))
"""


def test_the_numbers_are_those_of_the_formula(training_python: Path, tmp_path: Path):
    environment.place(tmp_path)
    where = environment.Environment(training_python)
    said = environment.run(where, ["python", "-c", KNOWN], tmp_path, tmp_path / "log", {"PYTHONPATH": "inside"})
    total, same, summed = json.loads(said.strip().splitlines()[-1])
    assert total == pytest.approx(0.5 * 0.6931472 - 0.25 * 0.6931472, abs=1e-6)  # ln 2 / 4, and 0 at the second place
    assert same == 1
    assert summed["forward_kl"] == 0.2 and summed["agreement"] == 0.5 and summed["tokens"] == 20
    assert summed["forward_kl_stderr"] == pytest.approx((2 * (1 + 1)) ** 0.5 / 20)
