"""Planted feedback among decoys; corrected edits put together; the user's words kept as lessons."""

from bashgym.records import Drop
from bashgym.registry import load
from tests.judge.traces import bash, call, edit, human, refused, says, trace, write
from tests.synthesizer import planted


def found(one, **config):
    cls = load("synthesizer", "user_feedback")
    return [example for example in cls(cls.Config(**config)).synthesize(one, ()) if not isinstance(example, Drop)]


def kind(example) -> int:
    """0: bad, 1: a pair, 2: good."""
    return 1 if example.rejected else 2 if example.label else 0


def places(example) -> tuple[int, int, int]:
    step = example.meta["rejected_steps"][0] if example.rejected else example.steps[-1]
    return step, example.meta["feedback_step"], kind(example)


def test_planted_feedback_is_found_and_decoys_are_not():
    sessions = planted.with_feedback(200)
    finds = [{places(example) for example in found(one.trace)} for one in sessions]
    precision, recall, count = planted.score(finds, sessions)
    assert count > 300
    assert precision >= 0.95 and recall >= 0.95, (precision, recall, count)


def arguments(message):
    return message["tool_calls"][0]["function"]["arguments"]


def test_a_correction_of_a_corrected_text_is_put_together():
    one = trace(
        human("sum it"), edit("/a.py", "pass", "total = sum(rows)\nreturn [total]"),
        human("no, it should return the number"), edit("/a.py", "return [total]", "return total"),
    )  # fmt: skip
    (example,) = found(one)
    assert arguments(example.rejected[0])["new_string"] == "total = sum(rows)\nreturn [total]"
    assert arguments(example.messages[-1]) == {
        "file_path": "/a.py", "old_string": "pass", "new_string": "total = sum(rows)\nreturn total",
    }  # fmt: skip
    assert example.meta["lesson"] == "no, it should return the number"
    assert (example.meta["rejected_steps"], example.steps[-1], example.meta["feedback_step"]) == ([2], 4, 3)
    assert example.given == 1 and example.label is None


def test_a_correction_that_cannot_be_told_is_a_label():
    one = trace(human("sum it"), edit("/a.py", "pass", "x = 1"), human("that's wrong"), edit("/a.py", "unseen", "text"))
    (example,) = found(one)
    assert example.label is False and not example.rejected
    assert arguments(example.messages[-1])["new_string"] == "x = 1"


def test_a_refused_command_and_the_one_that_was_allowed():
    one = trace(
        human("push"), refused(bash("git push --force origin main")), human("never with force"),
        bash("git push origin main", "ok"),
    )  # fmt: skip
    (example,) = found(one)
    assert arguments(example.messages[-1]) == {"command": "git push origin main"}
    assert arguments(example.rejected[0]) == {"command": "git push --force origin main"}
    assert example.meta["lesson"] == "never with force"


def test_words_that_came_with_a_refusal():
    text = "The user doesn't want to proceed. To tell you how, the user said:\nput it in b"
    step = call("Write", {"file_path": "/a", "content": "x"}, text, denied="user")
    (example,) = found(trace(human("write"), step, says("ok")))
    assert example.meta["lesson"] == "put it in b" and example.label is False


def test_praise_can_be_left_out():
    one = trace(human("write"), write("/a", "x"), says("done"), human("Perfect, thanks!"), says("ok"))
    assert [example.label for example in found(one)] == [True]
    assert found(one, confirmations=False) == []
