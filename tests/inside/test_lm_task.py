"""How a generated answer is read and scored; standard library only, so it is loaded here as it is."""

import importlib.util
import json
from pathlib import Path
from typing import Any

import pytest

SOURCE = Path(__file__).resolve().parent.parent.parent / "bashgym" / "inside" / "lm_task.py"


@pytest.fixture(scope="module")
def lm_task() -> Any:
    spec = importlib.util.spec_from_file_location("lm_task", SOURCE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


CALL = '{"name": "Read", "arguments": {"path": "a", "n": 1}}'


@pytest.mark.parametrize(
    "text",
    [
        f"<tool_call>{CALL}</tool_call>",
        f"I read.\n<tool_call>\n{CALL}",  # generation stops at the closing tag
        f"<tool_call>{CALL}</tool_call>\n<tool_call>{{}}</tool_call>",
        CALL.replace("arguments", "parameters"),
        f"so {{x}} and {CALL} it is",
    ],
)
def test_calls_are_found(lm_task: Any, text: str):
    assert lm_task.first_call(text) == {"name": "Read", "arguments": {"path": "a", "n": 1}}


@pytest.mark.parametrize(
    "text", ["", "Done.", "<tool_call>", CALL[:-3], '<tool_call>{"name": 1}', "{" * 5000, "[" * 99999]
)
def test_no_call(lm_task: Any, text: str):
    assert lm_task.first_call(text) is None


@pytest.mark.parametrize(
    ("answer", "tool", "exact", "named"),
    [
        ('{"name": "Read", "arguments": {"n": 1, "path": "a"}}', 1.0, 1.0, 1.0),
        ('{"name": "Read", "arguments": {"n": true, "path": "a"}}', 1.0, 0.0, 1.0),
        ('{"name": "Read", "arguments": "{\\"n\\": 1}"}', 1.0, 0.0, 1.0),
        ('{"name": "Read", "arguments": {"n": 1, "path', 0.0, 0.0, 1.0),
        ('{"name": "Bash", "arguments": {"name": "Read"', 0.0, 0.0, 0.0),
        ('{"name": "Bash", "arguments": {"n": 1, "path": "a"}}', 0.0, 0.0, 0.0),
        ("Done.", 0.0, 0.0, 0.0),
    ],
)
def test_scores(lm_task: Any, answer: str, tool: float, exact: float, named: float):
    found = lm_task.next_tool({"answer": CALL}, [f"<tool_call>{answer}"])
    assert found == {"tool_accuracy": tool, "arguments_exact": exact, "tool_named": named}


def test_reply_counts_bytes(lm_task: Any):
    assert lm_task.reply({"target": "é"}, [(-3.0, False)]) == {"byte_perplexity": (-3.0, 2)}
    assert json.loads(CALL)["name"] == "Read"
