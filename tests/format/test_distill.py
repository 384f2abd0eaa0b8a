"""Only a teacher's answers are learnt."""

import pytest


def test_only_the_teachers_answer_is_marked(session, taught, render):
    ((row,), drops) = render("distill", taught)
    assert not drops and row.data["teacher"] == "big"
    assert [one["content"] for one in row.data["messages"] if one["train"]] == ["Pushed."]
    assert [key for key in row.keys if key] == ["k9"]
    assert render("distill", session) == ([], {"example without a teacher's answer": 1})


def test_datasets(taught, render, reloaded):
    (row,) = reloaded(render("distill", taught)[0])
    assert row["teacher"] == "big" and row["messages"][-1]["content"] == "Pushed."


@pytest.mark.training
def test_axolotl(consumed):
    assert all(row["learnt"] == ["Pushed.<|im_end|>"] for row in consumed["axolotl"]["distill"])
    assert all('"command": "pytest"' in row["input_ids"] for row in consumed["axolotl"]["distill"])
