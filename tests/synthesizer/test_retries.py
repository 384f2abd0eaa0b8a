"""Planted retries among decoys; the shape of what is made of them."""

from collections import Counter

import pytest

from bashgym.records import Drop
from bashgym.registry import load
from tests.judge.traces import bash, human, says, trace
from tests.synthesizer import planted


def found(one):
    cls = load("synthesizer", "retries")
    return [example for example in cls(cls.Config()).synthesize(one, ()) if not isinstance(example, Drop)]


def test_planted_retries_are_found_and_decoys_are_not():
    sessions = planted.with_retries(150)
    pairs = [{(e.meta["rejected_steps"][0], e.steps[-1]) for e in found(one.trace)} for one in sessions]
    precision, recall, count = planted.score(pairs, sessions)
    assert count > 250
    assert precision >= 0.95 and recall >= 0.95, (precision, recall, count)


def misses(sessions):
    """For a look by eye: which calls were wrongly paired or missed."""
    kinds: Counter[str] = Counter()
    for one in sessions:
        pairs = {(e.meta["rejected_steps"][0], e.steps[-1]) for e in found(one.trace)}
        for pair in pairs ^ one.expected:
            step = one.trace.steps[pair[0] - 1]
            kinds[f"{'found' if pair in pairs else 'missed'}: {step.tool_calls[0].arguments}"] += 1
    return kinds


def test_the_example_holds_both_calls_after_one_prompt():
    one = trace(
        human("list it"), says("I look."),
        bash("tar --lst -f a.tar", "tar: unrecognized option '--lst'", code=64), bash("tar --list -f a.tar", "b"),
    )  # fmt: skip
    (example,) = found(one)
    assert example.origin == "retries" and example.id == "s#retries.0"
    assert [message["role"] for message in example.messages] == ["user", "assistant", "assistant"]
    assert example.given == 2 and example.steps == [1, 2, 4] and example.meta["rejected_steps"] == [3]
    assert example.rejected[0]["tool_calls"][0]["function"]["arguments"] == {"command": "tar --lst -f a.tar"}
    assert example.messages[-1]["tool_calls"][0]["function"]["arguments"] == {"command": "tar --list -f a.tar"}
    assert len(example.keys) == 3 and example.keys[-1]


def test_it_becomes_a_row_of_preferences(monkeypatch):
    pytest.importorskip("jinja2")
    one = trace(
        human("list it"), bash("tar --lst -f a.tar", "unrecognized option", code=64), bash("tar --list -f a.tar", "b")
    )
    cls = load("format", "dpo")
    (row,) = [row for row in cls(cls.Config()).render(found(one)[0]) if not isinstance(row, Drop)]
    assert "--lst" in row.data["rejected"] and "--lst" not in row.data["chosen"] and "--list" in row.data["chosen"]
    assert row.data["meta"]["origin"] == "retries" and row.data["meta"]["rejected_steps"] == [2]
