"""Which turns are asked, what the control scores, and real measurements of a model before and after its training."""

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bashgym import environment, registry
from bashgym.errors import RunFailed
from bashgym.records import Score, Subject


def call(name: str, **arguments: Any) -> dict[str, Any]:
    return {"function": {"name": name, "arguments": arguments}}


def row(number: int, *calls: dict[str, Any], train: bool = True) -> dict[str, Any]:
    messages: list[dict[str, Any]] = [{"role": "user", "content": "go"}]
    for one in calls:
        messages += [
            {"role": "assistant", "content": "", "tool_calls": [one], "train": train},
            {"role": "tool", "content": "\u2028"},
        ]
    return {"id": f"s{number}", "messages": [*messages, {"role": "assistant", "content": "ok"}], "tools": []}


@pytest.fixture
def subject(tmp_path: Path) -> Callable[..., Subject]:
    def made(train: list[dict[str, Any]], test: list[dict[str, Any]]) -> Subject:
        for split, rows in (("train", train), ("test", test)):
            (tmp_path / f"{split}.jsonl").write_text("".join(json.dumps(one) + "\n" for one in rows))
        return Subject(
            role="trained", path="unused", dataset=str(tmp_path), folder=str(tmp_path / "out"),
            chat_template="tokenizer_default", sequence_len=100,
        )  # fmt: skip

    return made


def benchmark(**settings: Any) -> Any:
    cls = registry.load("benchmark", "lm_eval")
    return cls(cls.Config(**settings))


def test_which_turns_are_asked(subject: Callable[..., Subject]):
    model = subject([], [row(1, call("A", x=1)), row(2, call("B"), train=False)])
    docs = benchmark().docs(model)
    assert [(doc["task"], doc["id"]) for doc in docs] == [
        ("next_tool", "s1:1"), ("replies", "s1:1"), ("replies", "s1:3"), ("replies", "s2:3"),
    ]  # fmt: skip
    assert docs[0]["answer"] == {"name": "A", "arguments": {"x": 1}} and len(docs[0]["messages"]) == 1
    assert {doc["max_bytes"] for doc in docs} == {50}


def test_a_limit_draws_the_same_for_every_role(subject: Callable[..., Subject]):
    model = subject([], [row(number, call("A")) for number in range(20)])
    one = benchmark(max_docs=5, seed=1).docs(model)
    assert one == benchmark(max_docs=5, seed=1).docs(model)
    assert [doc["task"] for doc in one] == ["next_tool"] * 5 + ["replies"] * 5
    assert one != benchmark(max_docs=5, seed=2).docs(model)
    assert [json.loads(line) for line in (Path(model.folder) / "docs.jsonl").open()] != one


def test_control(subject: Callable[..., Subject]):
    """The most frequent tool of the training rows, with its most frequent arguments, on the test rows."""
    train = [row(1, call("A", x=1), call("A", x=2), call("A", x=2), call("B"))]
    test = [row(2, call("A", x=2), call("A", x=1), call("B", x=2), call("C"))]
    tool, exact, *_ = benchmark().controls(subject(train, test))
    assert (tool.role, tool.metric, tool.value, tool.n) == ("most_frequent_tool", "tool_accuracy", 0.5, 4)
    assert (exact.metric, exact.value, exact.evidence) == ("arguments_exact", 0.25, "measured")
    assert tool.stderr == pytest.approx(math.sqrt(0.25 / 3)) and tool.note == "always A"


def test_the_bigram_control_knows_the_last_tool(subject: Callable[..., Subject]):
    """What follows the last tool since the user spoke; after one never seen, the most frequent of all."""
    train = [row(1, call("A"), call("B", x=1), call("A"), call("B", x=1)), row(2, call("A"), call("C"))]
    test = [row(3, call("A"), call("B", x=1), call("A"), call("C"), call("A"))]
    found = {(one.role, one.metric): one for one in benchmark().controls(subject(train, test))}
    bigram = found["bigram_tool", "tool_accuracy"]
    assert bigram.value == 0.8 and found["bigram_tool", "arguments_exact"].value == 0.8  # C after A is what it misses
    assert found["most_frequent_tool", "tool_accuracy"].value == 0.6 and bigram.evidence == "measured"


def test_nothing_to_measure_is_missing(subject: Callable[..., Subject]):
    model = subject([row(1)], [])
    found = [*benchmark().run(model), *benchmark().controls(model)]
    assert {score.metric for score in found} == {"tool_accuracy", "arguments_exact", "tool_named", "byte_perplexity"}
    assert all(score.value is None and score.evidence == "missing" and score.note for score in found)


def test_a_broken_dataset_stops(subject: Callable[..., Subject]):
    model = subject([], [])
    (Path(model.dataset) / "test.jsonl").write_text('{"id": ')
    with pytest.raises(RunFailed, match=r"test\.jsonl line 1"):
        benchmark().docs(model)


def by_metric(scores: list[Score]) -> dict[str, Score]:
    return {score.metric: score for score in scores}


@pytest.mark.training
def test_training_is_seen(small_run: Any, training_python: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The trained model beats the untrained one and the control, on the same turns."""
    monkeypatch.setenv(environment.OVERRIDE, str(training_python))
    found = {}
    for role, path in (("base", small_run.base), ("trained", small_run.checkpoint)):
        model = Subject(
            role=role, path=str(path), dataset=str(small_run.folder / "dataset"), folder=str(tmp_path),
            chat_template="tokenizer_default", sequence_len=384,
        )  # fmt: skip
        found[role] = by_metric(list(benchmark(max_new_tokens=48).run(model)))
        asked = (tmp_path / "docs.jsonl").read_bytes()
    controls = list(benchmark(max_new_tokens=48).controls(model))
    control = by_metric([score for score in controls if score.role == "most_frequent_tool"])
    assert (tmp_path / "docs.jsonl").read_bytes() == asked
    assert {score.n for score in [*found["base"].values(), *found["trained"].values()]} == {16, 32}
    assert all(score.evidence == "measured" for scores in found.values() for score in scores.values())
    base, trained = found["base"], found["trained"]
    assert trained["tool_accuracy"].value > max(control["tool_accuracy"].value, base["tool_accuracy"].value)
    assert trained["arguments_exact"].value > control["arguments_exact"].value
    assert 1 < trained["byte_perplexity"].value < base["byte_perplexity"].value
    assert trained["tool_accuracy"].stderr is not None and not trained["byte_perplexity"].higher_is_better
    assert list((tmp_path / "results" / "trained").rglob("samples_bashgym_next_tool_*.jsonl"))


@pytest.mark.training
def test_long_prompts_are_counted(
    small_run: Any, training_python: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv(environment.OVERRIDE, str(training_python))
    model = Subject(
        role="base", path=str(small_run.base), dataset=str(small_run.folder / "dataset"), folder=str(tmp_path),
        chat_template="chatml_tools", sequence_len=64,
    )  # fmt: skip
    found = list(benchmark(max_new_tokens=16, max_docs=2).run(model))
    assert {score.note for score in found} == {"2 prompts cut at the beginning to fit the context"}
    assert {score.n for score in found} == {2}


@pytest.mark.training
def test_a_model_that_is_none(training_python: Path, small_run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv(environment.OVERRIDE, str(training_python))
    model = Subject(
        role="base", path=str(tmp_path), dataset=str(small_run.folder / "dataset"), folder=str(tmp_path / "out"),
        chat_template="tokenizer_default", sequence_len=64,
    )  # fmt: skip
    with pytest.raises(RunFailed, match=r"base\.log"):
        list(benchmark().run(model))
