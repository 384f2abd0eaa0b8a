"""Steps where alternatives were weighed: listed, weighed in words, put to the user; not every "or"."""

import pytest

from bashgym.records import Drop, Verdict
from bashgym.registry import load
from tests.judge.traces import bash, call, human, says, trace

LISTED = (
    "There are two ways to do this.\n\nOption A: keep one lock for the whole table, which is simple.\n"
    "**Option B** - a lock a row, which scales better but is easy to get wrong.\n\nI'll go with the first."
)
WEIGHED = (
    "The cache can be cleared on every write, which is slow, or we could keep a version per key. Alternatively the "
    "reader checks the time of the file. The version is the cleaner one, so I will add it to the index now."
)
PLAIN = (
    "I ran the tests and looked at the output. Two of them fail because the fixture is missing, so let me add it to "
    "the folder and run them again to see whether anything else is wrong in there."
)


def found(one, verdicts=(), **config):
    cls = load("synthesizer", "decision_points")
    return list(cls(cls.Config(**config)).synthesize(one, verdicts))


def acting(text: str, thinking: str | None = None):
    step = bash("ls", "a")
    step.message, step.reasoning_content = text, thinking
    return step


@pytest.mark.parametrize(
    ("step", "how"),
    [(says(LISTED), "listed"), (acting(WEIGHED), "weighed"), (acting("", WEIGHED), "weighed")],
)
def test_a_decision_is_found_with_its_alternatives(step, how):
    (one,) = found(trace(human("make it safe"), step))
    assert one.meta["decision"] == how and one.meta["verified"] is False
    assert one.given == 1 and one.steps[-1] == 2
    if how == "listed":
        assert [text.split(":")[0] for text in one.meta["alternatives"]] == ["a", "b"]


def test_a_question_to_the_user():
    questions = [{"question": "Which?", "options": [{"label": "SQLite"}, {"label": "Postgres"}]}]
    (one,) = found(trace(human("store it"), call("AskUserQuestion", {"questions": questions}, "SQLite")))
    assert one.meta["alternatives"] == ["SQLite", "Postgres"] and one.meta["decision"] == "asked"


@pytest.mark.parametrize(
    "step", [acting(PLAIN), says(WEIGHED), acting("This or that."), call("AskUserQuestion", {"options": ["one"]}, "x")]
)
def test_what_is_no_decision(step):
    assert found(trace(human("go"), step)) == []


def test_only_of_confirmed_sessions():
    one = trace(human("make it safe"), says(LISTED))
    assert found(one, verified_only=True) == [Drop(reason="decision_points: outcome not confirmed", n=1)]
    verdict = Verdict(judge="outcome", score=0.9, verified=True)
    (example,) = found(one, [verdict], verified_only=True)
    assert example.meta["verified"] is True
