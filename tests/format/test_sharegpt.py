"""Turns of {from, value}."""

import json

import pytest


def test_calls_are_tagged_json_and_tools_declared(session, render):
    ((row,), _) = render("sharegpt", session)
    turns = row.data["conversations"]
    assert [one["from"] for one in turns] == "system human gpt tool tool gpt tool gpt human gpt".split()  # noqa: SIM905
    assert all(json.dumps(tool) in turns[0]["value"] for tool in session.tools)
    first, second = [part.split("</tool_call>")[0] for part in turns[2]["value"].split("<tool_call>")[1:]]
    assert json.loads(first) == {"name": "Read", "arguments": {"path": "a.py", "n": 3}}
    assert json.loads(second)["arguments"] == {"command": 'echo "x"'}
    assert [one["train"] for one in turns] == [one["from"] == "gpt" for one in turns]


def test_datasets(session, render, reloaded):
    rows, _ = render("sharegpt", session)
    assert reloaded(rows)[0]["conversations"] == rows[0].data["conversations"]


@pytest.mark.training
def test_axolotl(consumed):
    seen = max(consumed["axolotl"]["sharegpt"], key=lambda row: len(row["learnt"]))
    assert seen["learnt"][1:] == [
        '<tool_call>{"name": "Bash", "arguments": {"command": "pytest"}}</tool_call><|im_end|>',
        "It passes.<|im_end|>",
        "Pushed.<|im_end|>",
    ]
    assert seen["input_ids"].count("<tool_response>1 passed</tool_response>") == 1
    assert seen["input_ids"].count("<tools>") == 1
    assert {len(row["learnt"]) for row in consumed["axolotl"]["sharegpt"]} == {
        1,
        4,
    }  # the pair's and the teacher's: one
