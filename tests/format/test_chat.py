"""The chat format: nothing said is lost or said twice, and rows fit."""

import json
from collections import Counter

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bashgym.records import Drop, Example, Row
from bashgym.registry import load
from bashgym.rows import template


def conversation(turns: list[tuple[str, str, list[str]]]) -> Example:
    """An example out of (role, words, results): an assistant turn with results has that many calls."""
    messages, keys = [], []
    for number, (role, words, results) in enumerate(turns):
        message = {"role": role, "content": words}
        if role == "assistant" and results:
            message["tool_calls"] = [
                {
                    "id": f"c{number}-{k}",
                    "type": "function",
                    "function": {"name": "Bash", "arguments": {"command": words}},
                }
                for k in range(len(results))
            ]
        messages.append(message)
        keys.append(f"r{number}" if role == "assistant" else "")
        for k, result in enumerate(results if role == "assistant" else []):
            messages.append({"role": "tool", "tool_call_id": f"c{number}-{k}", "name": "Bash", "content": result})
            keys.append("")
    return Example(id="s#0", session="s", window=0, messages=messages, tools=[], keys=keys)


def render(example: Example, **config: object) -> tuple[list[Row], Counter]:
    cls = load("format", "chat")
    drops: Counter = Counter()
    rows = []
    for one in cls(cls.Config(**config)).render(example):
        if isinstance(one, Drop):
            drops[one.reason] += one.n
        else:
            rows.append(one)
    return rows, drops


turns = st.lists(
    st.tuples(
        st.sampled_from(["user", "assistant"]), st.text(max_size=300), st.lists(st.text(max_size=500), max_size=3)
    ),
    min_size=1,
    max_size=30,
)


@given(turns, st.integers(64, 400), st.sampled_from(["split", "cut"]))
@settings(max_examples=200, deadline=None)
def test_every_reply_is_in_one_row_or_counted(made, length, overflow):
    example = conversation(made)
    rows, drops = render(example, sequence_len=length, chars_per_token=3.0, overflow=overflow)
    keys = Counter(key for row in rows for key in row.keys if key)
    assert all(times == 1 for times in keys.values())
    if not drops:
        assert set(keys) == {key for key in example.keys if key}
    for row in rows:
        messages = row.data["messages"]
        assert len(messages) == len(row.keys)
        assert any(message["train"] for message in messages)
        assert all(message["train"] == (message["role"] == "assistant") for message in messages)
        assert len(json.dumps(messages, ensure_ascii=False)) <= length * 3.0 * 2 + 200
        called = {call["id"] for message in messages for call in message.get("tool_calls", [])}
        answered = {message["tool_call_id"] for message in messages if message["role"] == "tool"}
        assert called == answered


def test_rows_of_a_long_window_repeat_the_request():
    turns = [("user", "fix the parser", []), *[("assistant", f"step {n} {'x' * 100}", ["ok"]) for n in range(20)]]
    rows, drops = render(conversation(turns), sequence_len=200)
    assert len(rows) > 1 and not drops
    assert all(row.data["messages"][0]["content"] == "fix the parser" for row in rows)
    assert [row.id for row in rows] == [f"s#0.{n}" for n in range(len(rows))]


def test_every_row_opens_with_the_working_directory():
    turns = [("system", "Working directory: /x", []), ("user", "go", [])]
    turns += [("assistant", f"{n} {'x' * 100}", ["ok"]) for n in range(20)]
    rows, _ = render(conversation(turns), sequence_len=200)
    assert len(rows) > 1 and all([m["role"] for m in row.data["messages"]][:2] == ["system", "user"] for row in rows)
    rows, _ = render(conversation(turns), sequence_len=200, working_directory=False)
    assert all(row.data["messages"][0]["role"] == "user" for row in rows)


def test_arguments_stay_objects_and_long_results_are_shortened():
    rows, _ = render(conversation([("user", "go", []), ("assistant", "ls", ["y" * 9000])]), max_result_chars=100)
    messages = rows[0].data["messages"]
    assert messages[1]["tool_calls"][0]["function"]["arguments"] == {"command": "ls"}
    assert "8900 characters left out" in messages[2]["content"] and len(messages[2]["content"]) < 200


def test_reasoning_is_kept_only_when_asked():
    example = conversation([("user", "go", []), ("assistant", "done", [])])
    example.messages[1]["reasoning_content"] = "hm"
    assert "reasoning_content" not in render(example)[0][0].data["messages"][1]
    assert render(example, reasoning="keep")[0][0].data["messages"][1]["reasoning_content"] == "hm"


def test_only_what_was_not_given_is_learnt(pair):
    rows, _ = render(pair)
    assert [message["train"] for message in rows[0].data["messages"]] == [False] * 5 + [True, False]
    assert rows[0].data["meta"]["origin"] == "retries" and rows[0].data["meta"]["steps"] == [0, 1, 2, 2, 2, 3, 3]


def test_a_reply_that_was_not_good_is_never_learnt(session):
    bad = msgspec.structs.replace(session, given=9, label=False)
    for name in ("chat", "sharegpt", "nemo", "alpaca", "prompt_completion"):
        cls = load("format", name)
        assert list(cls(cls.Config()).render(bad)) == [Drop(reason="example of a reply that was not good")]


def test_datasets(session, reloaded):
    (row,) = reloaded(render(session)[0])
    assert row["messages"][2]["tool_calls"][1]["function"]["arguments"] == {"command": 'echo "x"'}
    assert row["tools"] == session.tools


@pytest.mark.training
def test_unsloth_and_trl(consumed, session):
    """Unsloth's notebooks map messages through the tokenizer's template into a column of texts; TRL does it itself.

    Both get what rows of text are made with here, to the letter."""
    messages, tools = render(session)[0][0].data["messages"], session.tools
    here = template.chosen("chatml_tools", "scratch").render(messages, tools)
    assert here in consumed["unsloth"]
    assert here in [row["input_ids"] for row in consumed["trl"]["chat"]]


@pytest.mark.training
def test_axolotl(consumed):
    learnt = max((row["learnt"] for row in consumed["axolotl"]["chat"]), key=len)
    assert [piece.endswith("<|im_end|>") for piece in learnt] == [True] * 4 and learnt[-2:] == [
        "It passes.<|im_end|>",
        "Pushed.<|im_end|>",
    ]
