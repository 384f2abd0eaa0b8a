"""Instruction, input and output."""

import pytest


def test_replies_in_words(session, render):
    rows, drops = render("alpaca", session)
    assert drops == {"reply that calls a tool, which Alpaca has not": 2}
    assert [(row.data["instruction"], row.data["output"]) for row in rows] == [
        ("fix the tëst", "It passes."),
        ("thanks; push", "Pushed."),
    ]
    assert "User: fix the tëst" in rows[1].data["input"] and "1 passed" in rows[1].data["input"]
    assert [row.keys for row in rows] == [["k7"], ["k9"]]


def test_datasets(session, render, reloaded):
    rows, _ = render("alpaca", session)
    assert [row["output"] for row in reloaded(rows)] == ["It passes.", "Pushed."]


@pytest.mark.training
def test_axolotl(consumed):
    learnt = {piece for row in consumed["axolotl"]["alpaca"] for piece in row["learnt"]}
    assert learnt == {"It passes.<|im_end|>", "Pushed.<|im_end|>"}
    assert all("### Instruction:" in row["input_ids"] for row in consumed["axolotl"]["alpaca"])
