"""Pairs as text; the preset orpo takes the same."""

import json

import pytest

GOOD = '<tool_call>{"name": "Bash", "arguments": {"command": "pytest"}}</tool_call><|im_end|>'
BAD = '<tool_call>{"name": "Bash", "arguments": {"command": "pytset"}}</tool_call><|im_end|>'


def test_a_pair_keeps_tools_and_calls(pair, render):
    rows, drops = render("dpo", pair)
    (row,) = rows
    assert drops == {"message after the first reply of a completion": 1}  # the result of the call
    assert (row.data["chosen"], row.data["rejected"], row.keys) == (GOOD, BAD, ["k5"])
    assert row.data["prompt"].endswith("1 failed</tool_response><|im_end|>\n<|im_start|>assistant\n")
    assert all(json.dumps(tool) in row.data["prompt"] for tool in pair.tools)
    assert row.data["meta"] == {"session": "s", "window": 0, "origin": "retries", "steps": [3]}


def test_what_is_no_pair_is_counted(session, pair, render):
    assert render("dpo", session) == ([], {"example without a rejected reply": 1})
    same = type(pair)(**{**fields(pair), "rejected": [pair.messages[5]]})
    assert render("dpo", same)[1]["pair of two equal replies"] == 1
    user = type(pair)(**{**fields(pair), "rejected": [{"role": "user", "content": "x"}]})
    assert render("dpo", user)[1] == {"pair that does not open with replies": 1}
    assert render("dpo", pair, sequence_len=64)[1] == {
        "turn longer than the sequence length": 1,
        "message after the first reply of a completion": 1,
    }


def fields(example):
    return {name: getattr(example, name) for name in example.__struct_fields__}


def test_datasets(pair, render, reloaded):
    rows, _ = render("dpo", pair)
    assert [row["rejected"] for row in reloaded(rows)] == [BAD]


@pytest.mark.training
def test_axolotl_and_trl_see_the_calls(consumed):
    """D7's like: Axolotl's own strategies for pairs of messages would have dropped both tools and calls."""
    for row in consumed["trl"]["dpo"]:
        assert (row["chosen_ids"], row["rejected_ids"]) == (GOOD, BAD)
        assert row["prompt_ids"] == row["prompt"] and "<tools>" in row["prompt"]
    for row in consumed["trl"]["orpo"]:
        assert (row["chosen_learnt"], row["rejected_learnt"]) == ([GOOD], [BAD])
        assert row["chosen_input_ids"] == row["prompt"] + GOOD
    for name in ("dpo", "orpo"):
        assert {(row["chosen"], row["rejected"]) for row in consumed["axolotl"][name]} == {(GOOD, BAD)}
