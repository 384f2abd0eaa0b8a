"""The client against a server that speaks both real protocols."""

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from bashgym.config import validate
from bashgym.endpoint import Endpoint, EndpointFailed, EndpointSettings, OverBudget
from bashgym.endpoint.spending import Purse
from bashgym.errors import PrivacyError, RecipeError
from tests.fakes.model_server import KEY, ModelServer

PROTOCOLS = ("openai", "anthropic")
HELLO = [{"role": "user", "content": "hello"}]


class Shape(BaseModel):
    title: str
    score: int


@pytest.fixture(autouse=True)
def key(monkeypatch):
    monkeypatch.setenv("MODEL_KEY", KEY)


def endpoint(server: ModelServer, protocol: str, **more) -> Endpoint:
    waits = more.pop("waits", [])
    values = {"model": "claude-haiku-4-5", "key_env": "MODEL_KEY", "timeout_s": 5.0, **more}
    return Endpoint(EndpointSettings(url=getattr(server, protocol), protocol=protocol, **values), sleep=waits.append)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_words_and_what_they_cost(protocol):
    with ModelServer(lambda prompt: "hi" if "hello" in prompt else "?") as server:
        made = endpoint(server, protocol)
        reply = made.ask("be short", HELLO)
        assert (reply.text, reply.stop, reply.cached) == ("hi", "end", False)
        assert reply.metrics.completion_tokens == 20
        assert reply.usd == pytest.approx((reply.metrics.prompt_tokens * 1 + 20 * 5) / 1e6)
        assert made.purse.spent() == pytest.approx(reply.usd)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_structured_answer_has_its_shape(protocol):
    with ModelServer(lambda prompt: {"title": "t", "score": 3}) as server:
        reply = endpoint(server, protocol).ask("", HELLO, shape=Shape)
    assert reply.value == Shape(title="t", score=3)


@pytest.mark.parametrize(
    "refuses", [{"max_tokens"}, {"response_format"}, {"temperature"}, {"response_format", "tools"}]
)
def test_servers_that_know_less_are_spoken_to_as_they_can(refuses):
    with ModelServer(lambda prompt: {"title": "t", "score": 3}, refuses=refuses) as server:
        made = endpoint(server, "openai")
        assert made.ask("", HELLO, shape=Shape).value.score == 3
        before = len(server.requests)
        made.ask("", [{"role": "user", "content": "again"}], shape=Shape)
        assert len(server.requests) == before + 1, "what was learnt is kept"


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_limits_and_faults_are_waited_out(protocol):
    faults = [(429, {"Retry-After": "7"}), (529, {}), (500, {}), "cut"]
    waits: list[float] = []
    with ModelServer(lambda prompt: "hi", faults=faults) as server:
        assert endpoint(server, protocol, waits=waits).ask("", HELLO).text == "hi"
    assert waits[0] == 7
    assert 1 <= waits[1] <= 2 and 2 <= waits[2] <= 4 and 4 <= waits[3] <= 8
    assert len(server.requests) == 5


def test_a_server_that_hangs_is_left():
    with ModelServer(lambda prompt: "hi", faults=["hang"]) as server:
        assert endpoint(server, "openai", timeout_s=0.3).ask("", HELLO).text == "hi"


def test_what_never_works_ends_in_one_line_and_costs_nothing():
    with ModelServer(lambda prompt: "hi", faults=[(503, {})] * 9) as server:
        made = endpoint(server, "openai", retries=2)
        with pytest.raises(EndpointFailed, match=r"503 .*after 3 tries"):
            made.ask("", HELLO)
        assert made.purse.spent() == 0


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_wrong_key_is_told_without_the_key(protocol, monkeypatch):
    monkeypatch.setenv("MODEL_KEY", "sk-wrong-and-private")
    with ModelServer(lambda prompt: "hi") as server, pytest.raises(EndpointFailed) as caught:
        endpoint(server, protocol).ask("", HELLO)
    assert "401" in str(caught.value) and "sk-wrong" not in str(caught.value)
    assert len(server.requests) == 1


def test_no_key_no_request(monkeypatch):
    monkeypatch.delenv("MODEL_KEY")
    with ModelServer(lambda prompt: "hi") as server, pytest.raises(RecipeError, match="key_env=MODEL_KEY"):
        endpoint(server, "openai").ask("", HELLO)
    assert server.requests == []


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_the_same_question_is_paid_for_once(protocol):
    with ModelServer(lambda prompt: "hi") as server:
        endpoint(server, protocol).ask("", HELLO)
        again = endpoint(server, protocol).ask("", HELLO)
        other = endpoint(server, protocol).ask("", HELLO, sample=1)
        warm = endpoint(server, protocol).ask("", HELLO, temperature=0.7)
    assert (again.cached, again.usd, again.text) == (True, 0.0, "hi")
    assert not other.cached and not warm.cached
    assert len(server.requests) == 3


def test_the_check_sees_the_very_bytes_and_can_hold_them():
    seen: list[bytes] = []

    def hold(data: bytes) -> None:
        seen.append(data)
        raise PrivacyError("held")

    with ModelServer(lambda prompt: "hi") as server:
        with pytest.raises(PrivacyError):
            endpoint(server, "openai").ask("", [{"role": "user", "content": "a secret"}], check=hold)
        assert b"a secret" in seen[0] and server.requests == []
        assert endpoint(server, "openai").purse.spent() == 0


def test_the_limit_of_a_day_holds_across_processes_and_threads():
    with ModelServer(lambda prompt: "hi") as server:
        most = endpoint(server, "openai").most(b"x" * 200, 1024)
        failed: list[str] = []

        def work(number: int) -> None:
            made = endpoint(server, "openai", max_usd=most * 2.5, max_tokens=1024)
            try:
                made.ask("", [{"role": "user", "content": f"{number}"}])
            except OverBudget as error:
                failed.append(str(error))

        threads = [threading.Thread(target=work, args=(number,)) for number in range(12)]
        [thread.start() for thread in threads]
        [thread.join() for thread in threads]
        assert endpoint(server, "openai").purse.spent() <= most * 2.5
        assert len(server.requests) + len(failed) == 12

    made = endpoint(server, "openai", max_usd=0.0)
    with pytest.raises(OverBudget, match=r"max_usd=0\.0"):
        made.ask("", [{"role": "user", "content": "one more"}])


@given(st.lists(st.tuples(st.floats(0, 2), st.floats(0, 1)), max_size=8), st.floats(0, 3))
def test_a_purse_never_gives_more_than_the_limit(asked, limit):
    purse = Purse("http://localhost", f"{asked}{limit}")
    for most, share in asked:
        name = purse.set_aside(most, limit)
        assert purse.spent() <= limit + 1e-9
        if name:
            purse.settle(name, most, most * share)


def test_a_limit_without_a_price_is_refused():
    far = EndpointSettings(url="https://models.example", protocol="openai", model="nobody-knows-1")
    with pytest.raises(RecipeError, match=r"has no price.*conf/prices.yaml"):
        Endpoint(far).ask("", HELLO)


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("said", ["no JSON at all", {"title": "t"}, {"title": "t", "score": "many"}])
def test_an_answer_of_another_shape_is_asked_for_once_more_and_then_given_up(protocol, said):
    with ModelServer(lambda prompt: said) as server:
        with pytest.raises(EndpointFailed, match="shape"):
            endpoint(server, protocol).ask("", HELLO, shape=Shape)
        assert len(server.requests) == 2


def test_what_is_no_answer_is_an_error():
    with ModelServer(lambda prompt: "hi", faults=["garbage"]) as server, pytest.raises(EndpointFailed):
        endpoint(server, "openai").ask("", HELLO)


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("key_env", "sk-ant-api03-abc", "never the key itself"),
        ("key_env", "hf_abcdefabcdef", "never the key itself"),
        ("url", "http://models.example/v1", "unencrypted"),
        ("url", "https://user:pass@models.example", "more than an address"),
        ("url", "models.example", "no address"),
    ],
)
def test_settings_that_would_leak_are_refused(key, value, words):
    values = {"url": "https://models.example", "protocol": "openai", "model": "m", key: value}
    with pytest.raises(RecipeError, match=words):
        validate(EndpointSettings, values, "judge.semantic.endpoints")
