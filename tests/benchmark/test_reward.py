"""Answers counted by the tests they pass; asking a real model is part of tests/training/test_rlvr.py."""

import json
from pathlib import Path
from typing import Any

import pytest

from bashgym import paths, registry, tasks
from bashgym.errors import RunFailed
from bashgym.kinds import Benchmark
from bashgym.records import Subject


def benchmark(**settings: Any) -> Any:
    cls: Any = registry.load("benchmark", "reward")
    return cls(cls.Config(**settings))


def subject(folder: Path, rows: list[dict[str, Any]]) -> Subject:
    (folder / "dataset").mkdir()
    (folder / "dataset" / "test.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    where = {"dataset": str(folder / "dataset"), "folder": str(folder), "path": "x"}
    return Subject(role="trained", chat_template="tokenizer_default", sequence_len=64, **where)


def some(n: int) -> list[tasks.Task]:
    return tasks.read(paths.shipped("examples") / "tasks" / "arithmetic.jsonl")[:n]


def test_shares_of_drawn_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    known = some(2)
    rows = [{"id": one.id, "verifier": json.dumps(tasks.as_verifier(one))} for one in known]
    one = benchmark(samples=4)
    assert isinstance(one, Benchmark) and one.texts() is None
    said = [
        {"id": known[0].id, "greedy": known[0].good, "drawn": [known[0].good] * 3 + [known[0].bad], "cut": 0},
        {
            "id": known[1].id,
            "greedy": known[0].good,
            "drawn": [known[1].bad, "", "nonsense (", known[1].good],
            "cut": 1,
        },
    ]
    monkeypatch.setattr(type(one), "asked", lambda self, model: iter(said))
    reward, solved = one.run(subject(tmp_path, rows))
    assert (reward.metric, reward.value, reward.n, reward.stderr) == ("held_out_reward", 0.5, 2, 0.25)
    assert reward.note == "1 of 8 answers were cut off" and reward.evidence == "measured"
    assert (solved.metric, solved.value) == ("solved", 0.5)
    (control,) = one.controls(subject_again(tmp_path))
    assert (control.role, control.value, control.n) == ("known_bad_answer", 0.0, 2)


def subject_again(folder: Path) -> Subject:
    where = {"dataset": str(folder / "dataset"), "folder": str(folder), "path": "x"}
    return Subject(role="trained", chat_template="tokenizer_default", sequence_len=64, **where)


def test_rows_without_tasks(tmp_path: Path):
    (score,) = benchmark().run(subject(tmp_path, []))
    assert score.value is None and score.evidence == "missing"
    (tmp_path / "dataset" / "test.jsonl").write_text('{"id": "1", "messages": []}\n')
    with pytest.raises(RunFailed, match=r"^benchmark.reward: row 1: it has no task"):
        list(benchmark().run(subject_again(tmp_path)))
