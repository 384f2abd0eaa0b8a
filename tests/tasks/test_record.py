"""The record of a task: written, read again, refused where it cannot be one."""

import json
from pathlib import Path
from typing import Any

import pytest

from bashgym import tasks
from bashgym.tasks import BadTask, Task

DOUBLE: dict[str, Any] = {
    "id": "double",
    "prompt": "Write double(x) in calc.py.",
    "test": ["python3", "-m", "unittest", "test_calc"],
    "good": "```python\ndef double(x):\n    return 2 * x\n```",
    "target": "calc.py",
    "files": {"README": "nothing yet\n"},
    "tests": {"test_calc.py": "import unittest\n"},
    "limits": {"seconds": 5},
    "origin": {"source": "by hand"},
}


def test_written_and_read_again(tmp_path: Path):
    first = tasks.parse(DOUBLE)
    second = tasks.parse({**DOUBLE, "id": "other", "form": "patch", "target": "", "must_pass": ["t.C.test"]})
    tasks.write(tmp_path / "tasks.jsonl", [first, second])
    assert tasks.read(tmp_path / "tasks.jsonl") == [first, second]
    assert first.digest != second.digest and first.limits == {"seconds": 5}


def test_a_row_carries_its_task():
    task = tasks.parse(DOUBLE)
    row = {"id": "r", "verifier": json.dumps(tasks.as_verifier(task))}
    assert tasks.of_row(row) == task
    with pytest.raises(BadTask, match="row r: it has no task"):
        tasks.of_row({"id": "r", "verifier": '{"kind": "answer"}'})


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"form": "poem"}, "'poem' is none of"),
        ({"target": ""}, "needs the path"),
        ({"target": "../calc.py"}, "no path inside"),
        ({"files": {".git/config": "x"}}, "no path inside"),
        ({"target": "test_calc.py"}, "is one of the tests"),
        ({"good": " "}, "a known good answer"),
        ({"limits": {"second": 1}}, "no such limit 'second'"),
        ({"limits": {"seconds": True}}, "a positive number"),
        ({"tset": []}, "no such key 'tset'"),
        ({"test": "python3 -m unittest"}, "a list of texts"),
        ({"files": {"a": 1}}, "a table of texts"),
    ],
)
def test_what_is_no_task(change: dict[str, Any], said: str):
    with pytest.raises(BadTask, match=said):
        tasks.parse({**DOUBLE, **change})


def test_a_file_of_tasks_names_the_line(tmp_path: Path):
    path = tmp_path / "tasks.jsonl"
    path.write_text(json.dumps(DOUBLE) + "\n\n" + json.dumps(DOUBLE) + "\n", encoding="utf-8")
    with pytest.raises(BadTask, match="line 3: a second task of the id double"):
        tasks.read(path)
    path.write_text("{\n", encoding="utf-8")
    with pytest.raises(BadTask, match="line 1"):
        tasks.read(path)
    assert Task(id="a", prompt="b", test=("true",), good="c", form="command").digest
