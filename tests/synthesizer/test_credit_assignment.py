"""Planted credit among decoys: the edits that turned the tests, and no others."""

from bashgym.records import Drop
from bashgym.registry import load
from tests.judge.traces import bash, edit, human, trace
from tests.synthesizer import planted


def found(one, **config):
    cls = load("synthesizer", "credit_assignment")
    return list(cls(cls.Config(**config)).synthesize(one, ()))


def test_planted_credit_is_found_and_decoys_are_not():
    sessions = planted.with_credit(200)
    finds = [
        {(one.steps[-1], int(one.label)) for one in found(session.trace) if not isinstance(one, Drop)}
        for session in sessions
    ]
    precision, recall, count = planted.score(finds, sessions)
    assert count > 300
    assert precision >= 0.95 and recall >= 0.95, (precision, recall, count)


def fixed(*edits):
    return trace(
        human("fix it"), bash("pytest", "= 1 failed, 2 passed in 0.1s =", code=1), *edits,
        bash("pytest", "= 3 passed in 0.1s ="),
    )  # fmt: skip


def test_the_edit_is_learnt_with_its_weight():
    (one,) = found(fixed(edit("/a.py", "x", "y")))
    assert one.label is True and one.meta["credit"] == 1.0 and one.meta["turned"] == 4
    assert one.meta["tests"] == {
        "before": {"result": "failed", "passed": 2, "failed": 1},
        "after": {"result": "passed", "passed": 3, "failed": 0},
    }
    assert one.given == 3 and one.steps == [1, 2, 2, 3]
    assert "train" not in one.messages[-1]


def test_shared_credit_is_counted_out_below_the_least():
    edits = [edit(f"/{name}.py", "x", "y") for name in "abcd"]
    (only,) = found(fixed(*edits))
    assert only == Drop(reason="credit_assignment: edit with less credit than 0.3", n=4)
    assert [one.meta["credit"] for one in found(fixed(*edits), least=0.2)] == [0.25] * 4


def test_what_broke_the_tests_is_never_learnt():
    one = trace(human("go"), bash("pytest", "= 3 passed in 0.1s ="), edit("/a.py", "x", "y"),
                bash("pytest", "= 1 failed, 2 passed in 0.1s =", code=1))  # fmt: skip
    (bad,) = found(one)
    assert bad.label is False and bad.meta["credit"] == -1.0 and bad.messages[-1]["train"] is False
    assert found(one, blame=False) == []
