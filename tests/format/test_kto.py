"""A prompt, a completion and whether it was good."""

import msgspec
import pytest


def test_two_rows_of_a_pair_one_of_a_label(session, pair, render):
    rows, _ = render("kto", pair)
    assert [(row.id, row.data["label"]) for row in rows] == [("s#p.good", True), ("s#p.bad", False)]
    assert "pytest" in rows[0].data["completion"] and "pytset" in rows[1].data["completion"]
    liked = msgspec.structs.replace(session, given=9, label=False)
    ((row,), drops) = render("kto", liked)
    assert (row.data["completion"], row.data["label"], dict(drops)) == ("Pushed.<|im_end|>", False, {})
    assert render("kto", session) == ([], {"example without a label or a rejected reply": 1})
    asked = msgspec.structs.replace(session, given=8, label=True)
    assert render("kto", asked) == ([], {"labelled example that does not open with a reply": 1})


def test_datasets(pair, render, reloaded):
    rows, _ = render("kto", pair)
    assert [row["label"] for row in reloaded(rows)] == [True, False]


@pytest.mark.training
def test_axolotl_and_trl(consumed):
    assert {row["id"]: row["label"] for row in consumed["axolotl"]["kto"]} == {"s#p.good": True, "s#p.bad": False}
    for row in consumed["trl"]["kto"]:
        wanted = "pytest" if row["label"] else "pytset"
        assert row["completion_ids"].endswith(f'{{"command": "{wanted}"}}}}</tool_call><|im_end|>')
        assert row["prompt_ids"] == row["prompt"] and "<tools>" in row["prompt"]
