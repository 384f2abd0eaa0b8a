"""Task folders and tables of others, written here in their shape; what comes of them is run."""

import json
from pathlib import Path

import pytest

from bashgym.cli import main
from bashgym.sandbox import Box
from bashgym.tasks import Task, read
from bashgym.tasks.imported import Left, found
from bashgym.tasks.verify import verify

TEST = """import unittest
from pathlib import Path


class Outputs(unittest.TestCase):
    def test_hello(self):
        self.assertEqual(Path("/app/hello.txt").read_text(), "Hello, world!\\n")
"""
YAML = """descriptions: none
instruction: |-
  Write /app/hello.txt.
    It holds the words of data/words.txt.
author_email: unknown
max_test_timeout_sec: 30.0
"""


def folder(top: Path, name: str, **files: str) -> Path:
    plain = {
        "task.yaml": YAML,
        "solution.sh": "#!/bin/bash\ncp /app/data/words.txt /app/hello.txt\n",
        "tests/test_outputs.py": TEST,
        "data/words.txt": "Hello, world!\n",
        "Dockerfile": "FROM x\nWORKDIR /app\n",
        "run-tests.sh": "pytest\n",
    }
    for path, text in {**plain, **files}.items():
        if text:
            (top / name / path).parent.mkdir(parents=True, exist_ok=True)
            (top / name / path).write_text(text)
    return top / name


def test_folders(tmp_path: Path, box: Box):
    folder(tmp_path, "hello")
    toml = {"task.yaml": "", "task.toml": "[verifier]\ntimeout_sec = 60\n", "instruction.md": "Write it.\n"}
    folder(tmp_path, "harbor", **toml, **{"solution.sh": "", "solution/solve.sh": "cp data/words.txt hello.txt\n"})
    folder(tmp_path, "installs", Dockerfile="FROM x\nRUN apt-get install -y gcc\n")
    folder(tmp_path, "unsolved", **{"solution.sh": ""})
    folder(tmp_path, "untested", **{"tests/test_outputs.py": ""})
    every = {getattr(one, "id", None) or one.name: one for one in found(tmp_path)}
    hello, harbor = every["hello"], every["harbor"]
    assert isinstance(hello, Task) and isinstance(harbor, Task)
    assert hello.prompt == "Write hello.txt.\n  It holds the words of data/words.txt."
    assert (hello.limits, harbor.limits) == ({"seconds": 30.0}, {"seconds": 60.0})
    assert hello.files == {"data/words.txt": "Hello, world!\n"} and harbor.prompt == "Write it."
    for task in (hello, harbor):
        assert verify(task, task.good, box).passed
        assert not verify(task, "```bash\ntrue\n```", box).passed
    left = {name: one.reason for name, one in every.items() if isinstance(one, Left)}
    assert set(left) == {"installs", "unsolved", "untested"} and "installs what" in left["installs"]


def test_the_verb(tmp_path: Path, box: Box, capsys: pytest.CaptureFixture[str]):
    row = {"task_id": "t", "instruction": "Say hello.", "tests": TEST, "solution": "echo 'Hello, world!' > hello.txt"}
    table = tmp_path / "table.jsonl"
    table.write_text("\n".join(json.dumps(one) for one in (row, {**row, "task_id": "u", "solution": ""}, 5)))
    out = tmp_path / "tasks.jsonl"
    assert main(["tasks", "import", str(table), str(out)]) == 0
    said = capsys.readouterr().out
    assert "1 tasks in" in said and "left out, 1: task" not in said and "it has no solution" in said
    assert [task.id for task in read(out)] == ["t"]
    assert main(["tasks", "check", str(out)]) == 0
    wrong = {**json.loads(out.read_text()), "good": "```bash\ntrue\n```"}
    out.write_text(json.dumps(wrong))
    assert main(["tasks", "check", str(out)]) == 1
    assert "gives 0 to the known good answer on task t" in capsys.readouterr().out
