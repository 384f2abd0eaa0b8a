"""What a model thinks of each token of a given text, asked of a server that speaks vLLM's protocol."""

import pytest

from bashgym.config import validate
from bashgym.endpoint import EndpointFailed, EndpointSettings, OverBudget, PromptLogprobs
from bashgym.errors import PrivacyError
from bashgym.training.teacher import TeacherConfig
from tests.fakes.logprob_server import MODEL, LogprobServer


def encode(text: str) -> list[int]:
    return list(text.encode())


def think(ids: list[int]) -> list[dict[int, float]]:
    """The letter before it is likely, the next one in the alphabet less so."""
    return [{}, *({before: -0.2, before + 1: -2.0, 7: -3.0} for before in ids[:-1])]


def asker(server: LogprobServer, k: int = 2, **more) -> PromptLogprobs:
    settings = EndpointSettings(url=server.url, protocol="openai", model=MODEL, timeout_s=5.0, **more)
    return PromptLogprobs(settings, k, sleep=lambda _: None)


def test_each_token_has_the_likeliest_and_itself():
    with LogprobServer(encode, think) as server:
        answer = asker(server).of("abz", None)
        assert answer.positions == [None, {97: -0.2, 98: -2.0}, {98: -0.2, 99: -2.0, 122: -30.0}]
        assert not answer.cached and answer.usd == 0.0  # on this machine nobody sends a bill
        assert asker(server).of("abz", None) == answer._replace(cached=True)
        assert len(server.requests) == 1 and server.requests[0]["prompt"] == "abz"


def test_faults_are_tried_again_and_refusals_told():
    with LogprobServer(encode, think, faults=[503, 429]) as server:
        assert len(asker(server).of("ab", None).positions) == 2
        with pytest.raises(EndpointFailed, match="greater than max allowed: 20"):
            asker(server, k=21).of("ab", None)


def test_a_server_that_cannot_is_told_apart():
    with LogprobServer(encode, think) as server, pytest.raises(EndpointFailed, match=r"no prompt_logprobs.*vLLM can"):
        asker(server, k=None).of("ab", None)


def test_the_gate_sees_the_bytes_and_what_it_holds_stays():
    def gate(data: bytes) -> None:
        if b"secret" in data:
            raise PrivacyError("held")

    with LogprobServer(encode, think) as server:
        with pytest.raises(PrivacyError):
            asker(server).of("a secret", gate)
        assert server.requests == []


def test_the_days_limit_holds_before_anything_is_sent(monkeypatch):
    from bashgym import prices

    monkeypatch.setattr(prices, "cost", lambda *_: 0.75)
    with LogprobServer(encode, think) as server:
        asker(server, max_usd=1.0).of("ab", None)
        with pytest.raises(OverBudget, match=r"0\.7500 USD are spent"):
            asker(server, max_usd=1.0).of("cd", None)
        assert asker(server, max_usd=1.0).of("ab", None).cached  # what is known costs nothing
        assert len(server.requests) == 1


def test_an_address_is_checked_where_it_is_written():
    with pytest.raises(Exception, match=r"training\.teacher.*unencrypted; use https"):
        validate(TeacherConfig, {"model": "x", "url": "http://teacher.example.com/v1"}, "training.teacher")
