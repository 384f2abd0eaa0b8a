"""A teacher behind a real server: its answers, limits met and outlived, money, what leaves, going on after a stop."""

import json

import pytest

from bashgym.endpoint import EndpointFailed, OverBudget
from bashgym.errors import PrivacyError
from bashgym.gate.outgoing import gate
from bashgym.records import Drop
from bashgym.registry import load
from tests.fakes.model_server import KEY, ModelServer
from tests.judge.traces import bash, human, says, trace

PROTOCOLS = ("openai", "anthropic")


@pytest.fixture(autouse=True)
def key(monkeypatch):
    monkeypatch.setenv("MODEL_KEY", KEY)


def teacher(server: ModelServer, protocol: str = "openai", check=lambda data: None, **config):
    cls = load("synthesizer", "teacher")
    values = {"model": "claude-haiku-4-5", "key_env": "MODEL_KEY", "timeout_s": 1.0, "retries": 2, **config}
    made = cls(cls.Config(url=getattr(server, protocol), protocol=protocol, **values))
    made.model.sleep = lambda seconds: None
    made.outgoing = check
    return made


def session():
    return trace(
        human("list the folder"), bash("ls /app", "a.py\nb.py"), says("Two files."), human("and now the tests"),
        says("There are none."),
    )  # fmt: skip


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_answers_stand_where_the_sessions_replies_stood(protocol):
    def brain(prompt: str):
        return "No tests yet." if "and now" in prompt else {"call": {"name": "Bash", "arguments": {"command": "ls -a"}}}

    with ModelServer(brain) as server:
        first, second = teacher(server, protocol).synthesize(session(), ())
    function = first.messages[-1]["tool_calls"][0]["function"]
    assert function == {"name": "Bash", "arguments": {"command": "ls -a"}}
    assert second.messages[-1] == {"role": "assistant", "content": "No tests yet."}
    assert [one.meta["teacher"] for one in (first, second)] == ["claude-haiku-4-5"] * 2
    assert [one.meta["in_place_of"] for one in (first, second)] == [2, 5]
    assert (first.given, second.given) == (1, 5) and second.keys[-1]
    assert "tools" in server.requests[0]
    sent = json.dumps(server.requests[1])
    assert "a.py" in sent and "There are none" not in sent  # what it stands in for is never shown


def test_every_step_and_at_most():
    with ModelServer(lambda prompt: "ok") as server:
        one = session()
        assert len(list(teacher(server, answers="steps").synthesize(one, ()))) == 3
        assert len(list(teacher(server, answers="steps", at_most=2).synthesize(one, ()))) == 2
        assert len(server.requests) == 3  # the second time from the cache


@pytest.mark.parametrize("fault", [(429, {"Retry-After": "1"}), (503, {}), "hang", "cut"])
def test_limits_and_timeouts_are_outlived(fault):
    with ModelServer(lambda prompt: "ok", faults=[fault, fault]) as server:
        assert len(list(teacher(server).synthesize(session(), ()))) == 2


def test_a_server_that_is_gone_stops_the_run_and_what_was_answered_is_kept():
    with ModelServer(lambda prompt: "ok", faults=[]) as server:
        made, one = teacher(server, retries=0), session()
        answers = made.synthesize(one, ())
        assert not isinstance(next(answers), Drop)
        server.faults = [(500, {})]
        with pytest.raises(EndpointFailed):
            next(answers)
        before = len(server.requests)
        assert len(list(made.synthesize(one, ()))) == 2
        assert len(server.requests) == before + 1  # only the one that was missing


def test_the_limit_stops_the_run_or_leaves_out():
    with ModelServer(lambda prompt: "ok") as server:
        with pytest.raises(OverBudget):
            list(teacher(server, max_usd=0.0).synthesize(session(), ()))
        found = list(teacher(server, max_usd=0.0, over_budget="leave_out").synthesize(session(), ()))
        assert found == [Drop(reason="teacher: over the day's limit", n=2)]
        assert server.requests == []


def test_nothing_leaves_unseen():
    with ModelServer(lambda prompt: "ok") as server:
        with pytest.raises(PrivacyError, match="no leak gate"):
            list(teacher(server, check=None).synthesize(session(), ()))
        held = gate({"a.py\nb.py": "TOKEN"}, [("none", Quiet())])
        with pytest.raises(PrivacyError):
            list(teacher(server, check=held, answers="steps").synthesize(session(), ()))
        assert len(server.requests) <= 1 and "a.py" not in json.dumps(server.requests)


class Quiet:
    """A sanitizer that finds nothing: the gate then rests on what was removed."""

    def find(self, strings, context):
        return []

    def engine(self) -> str:
        return "quiet"
