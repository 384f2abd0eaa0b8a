"""Prompts with how an answer is checked."""

import json

import msgspec
import pytest


def test_a_task_is_its_prompt_and_its_verifier(session, task, render):
    ((row,), drops) = render("grpo", task)
    assert not drops and row.data["prompt"].endswith("fix the tëst<|im_end|>\n<|im_start|>assistant\n")
    assert (row.data["kind"], row.data["answer"]) == ("tests", "yes")
    assert json.loads(row.data["verifier"]) == task.verifier
    assert row.data["meta"]["steps"] == [1]
    assert "It passes" not in row.data["prompt"]
    assert render("grpo", session) == ([], {"example without a verifier": 1})
    answered = msgspec.structs.replace(task, given=3)
    assert render("grpo", answered)[1] == {"task that ends with a reply": 1}


def test_datasets(task, render, reloaded):
    other = msgspec.structs.replace(task, id="o", verifier={"kind": "answer", "deep": {"q": [1, None]}})
    rows = [*render("grpo", task)[0], *render("grpo", other)[0]]
    assert [json.loads(row["verifier"]) for row in reloaded(rows)] == [task.verifier, other.verifier]


@pytest.mark.training
def test_a_reward_gets_every_column(consumed, task):
    """TRL's own GRPO step on the rows as Axolotl loads them."""
    assert {row["kind"] for row in consumed["axolotl"]["grpo"]} == {"tests"}
    (seen,) = consumed["trl"]["grpo"]
    assert json.loads(seen["verifier"]) == task.verifier and seen["answer"] == "yes"
    assert seen["prompts"] == seen["prompt"] and "<tools>" in seen["prompt"]
