"""A prompt and its completion as text, one row a reply."""

import json

import pytest

from bashgym.errors import RecipeError

CALLS = '{"name": "Bash", "arguments": {"command": "pytest"}}'


def test_a_row_for_every_reply(session, render):
    rows, drops = render("prompt_completion", session)
    assert not drops and [row.id for row in rows] == ["s#0.2", "s#0.5", "s#0.7", "s#0.9"]
    assert [row.keys for row in rows] == [["k2"], ["k5"], ["k7"], ["k9"]]
    assert [row.data["meta"]["steps"] for row in rows] == [[2], [3], [4], [6]]
    for row in rows:
        assert row.data["prompt"].endswith("<|im_start|>assistant\n") and "Working directory: /w" in row.data["prompt"]
        assert all(json.dumps(tool) in row.data["prompt"] for tool in session.tools)
        assert row.data["completion"].endswith("<|im_end|>")
    assert rows[1].data["completion"] == f"<tool_call>{CALLS}</tool_call><|im_end|>"


def test_given_and_masked_replies_are_only_read(session, pair, render):
    assert [row.id for row in render("prompt_completion", pair)[0]] == ["s#p.5"]
    session.messages[2]["train"] = False
    try:
        assert [row.id for row in render("prompt_completion", session)[0]] == ["s#0.5", "s#0.7", "s#0.9"]
    finally:
        del session.messages[2]["train"]


def test_a_prompt_is_cut_at_whole_turns_and_keeps_its_request(session, render):
    long = [
        {**one, "content": one["content"] + " filler" * 30} if one["role"] == "tool" else one
        for one in session.messages
    ]
    example = type(session)(id="x", session="s", window=0, messages=long, tools=[])
    rows, drops = render("prompt_completion", example, sequence_len=300)
    assert rows and drops["prompt cut to its newest turns"]
    for row in rows:
        assert len(row.data["prompt"]) < 300 * 3 * 1.3
        assert "fix the tëst" in row.data["prompt"] or "push" in row.data["prompt"]


def test_llama(session, render):
    """The text does not open with the token that such tokenizers add themselves."""
    row = render("prompt_completion", session, chat_template="llama2_tools")[0][-1]
    assert row.data["prompt"].startswith("[INST] <<SYS>>") and row.data["completion"] == " Pushed.</s>"


def test_a_template_that_is_not_here(session, render):
    with pytest.raises(RecipeError, match=r"model\.chat_template: rows of text need the template here"):
        render("prompt_completion", session, chat_template="tokenizer_default", base="org/model")


def test_datasets(session, render, reloaded):
    rows, _ = render("prompt_completion", session)
    assert [row["completion"] for row in reloaded(rows)] == [row.data["completion"] for row in rows]


@pytest.mark.training
def test_axolotl_and_trl_learn_the_completion_alone(consumed):
    for reader in ("axolotl", "trl"):
        seen = consumed[reader]["prompt_completion"]
        learnt = sorted(piece for row in seen for piece in row["learnt"])
        assert "Pushed.<|im_end|>" in learnt and f"<tool_call>{CALLS}</tool_call><|im_end|>" in learnt
        assert all(len(row["learnt"]) == 1 for row in seen)
        for row in seen:
            assert row["input_ids"].endswith(row["learnt"][0]) and "<tools>" in row["input_ids"]
            assert row["input_ids"].count("<|im_end|><|im_end|>") == 0
