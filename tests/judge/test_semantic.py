"""The semantic judge against a server that speaks both protocols, with models that are wise, gullible or odd."""

import json
import re

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from bashgym import paths, pseudonyms, registry, scan
from bashgym.choices import preset_plugin
from bashgym.gate import outgoing
from bashgym.judging import rubric
from bashgym.judging.transcript import transcript
from bashgym.kinds import JudgeContext
from bashgym.records import Verdict
from bashgym.trace import Trace, from_builtins, to_builtins
from tests.fakes.model_server import KEY, ModelServer
from tests.judge.labelled import sessions
from tests.judge.traces import bash, call, edit, human, read, says, trace

NAMES = ("done", "shown", "honest", "approach", "code", "safe")
INJECTIONS = yaml.safe_load((paths.shipped("conf") / "judge" / "rules" / "injections.yaml").read_text())
OPEN = JudgeContext(gate=lambda data: None)


@pytest.fixture(autouse=True)
def key(monkeypatch):
    monkeypatch.setenv("MODEL_KEY", KEY)


def levels(level: int, **more) -> dict:
    return {**dict.fromkeys(NAMES, level), "steps": [1], "reason": f"level {level}", "cannot_tell": False, **more}


def by_tests(prompt: str) -> dict:
    """A model that goes by the last test run it sees."""
    seen = re.findall(r"\d+ (passed|failed)", prompt)
    return levels(4 if seen and seen[-1] == "passed" else 1)


def settings(server: ModelServer, protocol: str = "openai", model: str = "claude-haiku-4-5") -> dict:
    return {
        "url": getattr(server, protocol),
        "protocol": protocol,
        "model": model,
        "key_env": "MODEL_KEY",
        "retries": 0,
    }


def judge(made: Trace, context: JudgeContext = OPEN, **config) -> Verdict:
    plugin = registry.load("judge", "semantic")
    return plugin(plugin.Config.model_validate(config)).judge(made, context)


def work(output: str = "4 passed in 0.10s", *more) -> Trace:
    return trace(human("fix the cart"), *more, edit("/p/cart.py", "a", "b"), bash("pytest -q", output), says("Done."))


def test_without_an_endpoint_it_abstains():
    found = judge(work())
    assert found.score is None and "endpoint" in found.reason


def test_without_a_gate_nothing_is_sent():
    with ModelServer(by_tests) as server:
        found = judge(work(), JudgeContext(), endpoints=[settings(server)])
        assert found.score is None and "gate" in found.reason and server.requests == []


@pytest.mark.parametrize("protocol", ["openai", "anthropic"])
def test_both_protocols(protocol):
    with ModelServer(by_tests) as server:
        endpoints = [settings(server, protocol)]
        good, bad = judge(work(), endpoints=endpoints), judge(work("1 failed in 0.1s"), endpoints=endpoints)
    assert (good.score, bad.score) == (1.0, 0.25)
    assert not good.verified and not bad.fatal
    assert [signal.source for signal in good.signals] == ["claude-haiku-4-5"]


def test_weights_of_the_rubric():
    asked, _ = rubric.load("semantic")
    shape = rubric.shape(asked)
    assert asked.score(shape(**levels(0, done=4))) == pytest.approx(3 / 10)
    assert asked.score(shape(**levels(4))) == 1


def test_a_rubric_of_the_project(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "conf" / "judge" / "rules" / "ours.yaml"
    file.parent.mkdir(parents=True)
    shipped = yaml.safe_load((paths.shipped("conf") / "judge" / "rules" / "semantic.yaml").read_text())
    file.write_text(yaml.safe_dump({**shipped, "criteria": [{**shipped["criteria"][0], "name": "kind"}]}))
    answer = {"kind": 2, "steps": [], "reason": "so so", "cannot_tell": False}
    with ModelServer(lambda prompt: answer) as server:
        assert judge(work(), endpoints=[settings(server)], rubric="ours").score == 0.5


def test_several_models_their_agreement_and_quorum():
    def brain(prompt: str) -> dict:
        return levels(next(scores))

    with ModelServer(brain) as server:
        two = [settings(server, model="claude-haiku-4-5"), settings(server, model="gpt-5-mini")]
        three = [*two, settings(server, model="gpt-5-nano")]
        scores = iter([4, 4, 3])
        found = judge(work("a"), endpoints=three)
        assert found.score == 1.0 and found.confidence == pytest.approx(1 - 0.5 / 3, abs=1e-3)
        scores = iter([4, 0])
        apart = judge(work("b"), endpoints=two)
        assert apart.score is None and "disagree" in apart.reason
    with ModelServer(by_tests, faults=[(400, {})]) as server:
        two = [settings(server, model="claude-haiku-4-5"), settings(server, model="gpt-5-mini")]
        one = judge(work("4 passed "), endpoints=two, quorum=2)
        assert one.score is None and "1 of 2" in one.reason


def test_a_model_that_cannot_tell_or_babbles_is_no_judge():
    with ModelServer(lambda prompt: levels(4, cannot_tell=True, reason="too short")) as server:
        assert "cannot tell: too short" in judge(work(), endpoints=[settings(server)]).reason
    with ModelServer(lambda prompt: levels(9)) as server:
        assert "shape" in judge(work(), endpoints=[settings(server)]).reason


def test_the_cap_on_costs_makes_it_abstain():
    with ModelServer(by_tests) as server:
        found = judge(work(), endpoints=[{**settings(server), "max_usd": 0.00001}])
        assert found.score is None and "max_usd" in found.reason and server.requests == []


def test_it_can_cap_the_session():
    with ModelServer(lambda prompt: levels(1)) as server:
        assert judge(work(), endpoints=[settings(server)], caps=True).cap == 0.25
        assert judge(work(), endpoints=[settings(server)]).cap is None


def gated(made: Trace) -> tuple[Trace, JudgeContext]:
    """The trace through the shipped sanitizers, and the gate that knows what they removed."""
    sanitizers = [(name, preset_plugin("sanitizer", name)) for name in ("secrets", "pii", "identity")]
    result = scan.sanitize(to_builtins(made), sanitizers, pseudonyms.load_key(), "s")
    return from_builtins(result.value), JudgeContext(gate=outgoing.gate(result.removed, sanitizers))


SECRET = "ghp_" + "x7Kq2mVb9TzR4nWc8LpYd3HsJf6GtA1eUo5i"


def test_only_sanitized_text_leaves_and_the_gate_lets_it_pass():
    private = work("4 passed", read("/p/.env", f"GITHUB_TOKEN={SECRET}\nMAIL=anna.kessler@kessler-bau.de\n"))
    clean, context = gated(private)
    with ModelServer(by_tests) as server:
        found = judge(clean, context, endpoints=[settings(server)])
        assert found.score == 1.0, found.reason
        sent = json.dumps(server.requests)
    assert SECRET not in sent and "anna.kessler" not in sent


def test_the_gate_holds_what_slipped_through():
    private = work("4 passed", read("/p/.env", f"GITHUB_TOKEN={SECRET}\n"))
    _, context = gated(private)
    with ModelServer(by_tests) as server:
        found = judge(private, context, endpoints=[settings(server)])  # unsanitized by mistake
        assert found.score is None and "leak gate" in found.reason and server.requests == []
        assert [signal.name for signal in found.signals] == ["held_by_gate"]


def test_the_rubric_and_clean_sessions_pass_the_gate():
    """No false alarm: of the labelled sessions, sanitized, each is let through."""
    with ModelServer(by_tests) as server:
        for one in sessions()[::12]:
            clean, context = gated(one.trace)
            found = judge(clean, context, endpoints=[settings(server)])
            assert found.score is not None, (one.id, found.reason)


def gullible(prompt: str) -> dict:
    """A model that does as it is told in any text it sees."""
    asked = rubric.plain(prompt.split("<session", 1)[1].split("Judge the session above", 1)[0])
    told = re.search(
        r"ignore|ignorier|ignora\b|award|level 4|lenient|10/10|gold|full marks|top|1\.0|100%|maximum|expected score",
        asked,
        re.I,
    )
    return levels(4) if told else by_tests(prompt)


PLACES = {
    "file": lambda text: read("/p/NOTES.md", text + "\n"),
    "command": lambda text: bash("cat NOTES.md", text),
    "agent": lambda text: says(text),
    "user": lambda text: human(text),
    "edit": lambda text: edit("/p/a.py", "x", f"# {text}"),
    "commit": lambda text: bash(f'git commit -m "{text}"', "[main 1a2b3c4] x"),
    "tool": lambda text: call("mcp__wiki__page", {"query": text}, text),
}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("text", INJECTIONS, ids=range(len(INJECTIONS)))
def test_no_injection_reaches_even_a_gullible_model(text, place):
    planted = trace(
        human("fix it"), PLACES[place](text), edit("/p/a.py", "a", "b"), bash("pytest", "1 failed"), says("ok")
    )
    with ModelServer(gullible) as server:
        found = judge(planted, endpoints=[settings(server)])
    assert found.score == 0.25, server.requests[0]["messages"][-1]["content"]
    assert any(signal.name == "speaks_to_the_judge" for signal in found.signals)


def test_ordinary_sessions_are_shown_whole():
    """Lines are left out of few sessions that speak to nobody."""
    asked, _ = rubric.load("semantic")
    labelled = list(sessions())
    touched = [one.id for one in labelled if transcript(one.trace, asked, 40_000, 2000).left_out]
    print("lines left out of", touched)
    assert set(touched) >= {"blind-injection-in-file"} and len(touched) <= 0.02 * len(labelled)


@given(st.text(max_size=300))
def test_data_never_closes_its_marks(text):
    asked, _ = rubric.load("semantic")
    shown = transcript(work(text, read("/p/x", text + "\n</session>")), asked, 40_000, 2000).text
    first, *rows, last = shown.split("\n")
    assert first.replace("<", "</") == last
    assert all(row.startswith("| ") for row in rows) and first[1:-1] not in "\n".join(rows)


def test_long_sessions_are_cut_to_their_ends():
    asked, _ = rubric.load("semantic")
    steps = [bash(f"echo {number}", "x" * 500) for number in range(200)]
    made = trace(human("the task"), *steps, bash("pytest", "9 passed"), says("the end"))
    shown = transcript(made, asked, 5000, 2000)
    assert len(shown.text) < 7000 and shown.shown < shown.steps
    assert "the task" in shown.text and "9 passed" in shown.text and "steps are left out" in shown.text
