"""Each kind of mistake where it could have been made, and none where what was done was no mistake's alternative."""

from pathlib import Path
from typing import Any

import pytest

from bashgym.records import Drop, Verdict
from bashgym.registry import load
from tests.judge.traces import bash, edit, human, read, says, trace


def found(one: Any, verdicts: tuple[Verdict, ...] = (), **settings: Any) -> list[Any]:
    cls = load("synthesizer", "mistakes")
    return list(cls(cls.Config(**settings)).synthesize(one, verdicts))


def session() -> Any:
    return trace(
        human("the sum is wrong"),
        bash("pytest -q", "1 failed", code=1),
        read("/r/a.py", "x = 1"),
        edit("/r/a.py", "x = 1", "x = 2"),
        bash("pytest -q", "1 passed"),
        says("Fixed the sum."),
    )


def told(example: Any) -> tuple[str, Any, Any]:
    (right,), (wrong,) = example.messages[example.given :], example.rejected
    name = right["tool_calls"][0]["function"]["name"]
    other = wrong["tool_calls"][0]["function"]["name"] if wrong.get("tool_calls") else wrong["content"]
    return example.meta["mistake"], name, other


def test_each_kind_is_made_where_it_could_have_been():
    assert {told(one) for one in found(session())} == {
        ("unread", "Read", "Edit"), ("repeat", "Edit", "Read"), ("repeat", "Bash", "Edit"),
        ("untested", "Bash", "Fixed the sum."),
    }  # fmt: skip
    assert [told(one)[0] for one in found(session(), kinds=["untested"])] == ["untested"]
    first = found(session(), most=2)
    assert len(first) == 2 and {one.id for one in first} <= {"s#mistakes.0", "s#mistakes.1"}


def test_what_was_no_mistake_is_none():
    asked_again = trace(human("show it"), read("/r/a.py", "x"), human("and the tests?"), bash("pytest -q", "1 passed"))
    assert found(asked_again) == []
    untouched = trace(human("run them"), bash("pytest -q", "1 passed"), says("They pass."))
    assert found(untouched) == []  # nothing was edited: the words could have come first
    known = trace(human("x"), read("/r/a.py", "x"), bash("ls", "a.py"), read("/r/a.py", "x"), edit("/r/a.py", "x", "y"))
    assert "unread" not in {told(one)[0] for one in found(known) if one.given > 3}


def test_a_session_that_failed_teaches_nothing():
    failed = Verdict(judge="outcome", score=0.0, fatal=True)
    assert found(session(), (failed,)) == [Drop(reason="mistakes: the session failed")]


def test_it_becomes_rows_of_preferences_and_of_feedback(tmp_path: Path):
    pytest.importorskip("jinja2")
    (example,) = found(session(), kinds=["untested"])
    for name, rows in (("dpo", 1), ("kto", 2)):
        cls = load("format", name)
        made = [row for row in cls(cls.Config()).render(example) if not isinstance(row, Drop)]
        assert len(made) == rows
        assert all(row.data["meta"]["mistake"] == "untested" for row in made)
