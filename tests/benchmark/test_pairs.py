"""Pairs out of rows, the controls; real models are asked by the tiny recipes (tests/training/test_preferences.py)."""

import json
from pathlib import Path
from typing import Any

import pytest

from bashgym import checkpoint, registry
from bashgym.records import Score, Subject

READ, EDIT = '<tool_call>{"name": "Read", "arguments": {}}', '<tool_call>{"name": "Edit", "arguments": {"a": "bb"}}'


def rows(folder: Path, **splits: list[dict[str, Any]]) -> Subject:
    (folder / "dataset").mkdir()
    for split, found in splits.items():
        text = "".join(json.dumps(row) + "\n" for row in found)
        (folder / "dataset" / f"{split}.jsonl").write_text(text)
    return Subject(
        role="trained", path="x", dataset=str(folder / "dataset"), folder=str(folder), chat_template="", sequence_len=64
    )


def pair(name: str, chosen: str, rejected: str) -> dict[str, Any]:
    return {"id": name, "prompt": "p", "chosen": chosen, "rejected": rejected, "meta": {}}


def controls(model: Subject) -> dict[str, Score]:
    cls = registry.load("benchmark", "pairs")
    return {score.role: score for score in cls(cls.Config()).controls(model)}


def test_controls_know_the_training_pairs_only(tmp_path: Path):
    train = [pair("a", READ, EDIT), pair("b", READ, EDIT), pair("c", EDIT, READ)]
    test = [pair("d", READ, EDIT), pair("e", EDIT, READ), pair("f", EDIT, EDIT + " "), pair("g", READ, EDIT)]
    found = controls(rows(tmp_path, train=train, test=test))
    assert found["favoured_length"].value == 0.75 and found["favoured_length"].note == "always the shorter reply"
    assert found["favoured_tool"].value == pytest.approx((1 + 0 + 0.5 + 1) / 4) and found["favoured_tool"].n == 4


def test_feedback_is_paired_where_both_replies_are_there(tmp_path: Path):
    said = [("a.good", "x", True), ("b", "lonely", False), ("a.bad", "y", False), ("c.good", "z", True)]
    test = [{"id": name, "prompt": "p", "completion": text, "label": label} for name, text, label in said]
    model = rows(tmp_path, test=test, train=test)
    cls = registry.load("benchmark", "pairs")
    assert cls(cls.Config()).pairs(model) == [{"id": "a", "prompt": "p", "chosen": "x", "rejected": "y"}]


def test_without_pairs_nothing_is_measured_and_that_is_said(tmp_path: Path):
    model = rows(tmp_path, train=[], test=[{"id": "a", "messages": []}])
    cls = registry.load("benchmark", "pairs")
    found = list(cls(cls.Config()).run(model))
    assert {score.evidence for score in found} == {"missing"} and {score.value for score in found} == {None}


def test_an_adapters_base_is_found_near_it(tmp_path: Path):
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "config.json").write_text("{}")
    (tmp_path / "checkpoint").mkdir()
    (tmp_path / "checkpoint" / "adapter_config.json").write_text('{"base_model_name_or_path": "model"}')
    assert checkpoint.weights(tmp_path / "checkpoint") == (str(tmp_path / "model"), str(tmp_path / "checkpoint"))
    assert checkpoint.weights(tmp_path / "model") == (str(tmp_path / "model"), None)
