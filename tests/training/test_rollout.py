"""Answers in several turns, for real: a training through Axolotl's rollout hook (`training.turns`)."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.training.rl_recipe import finished

CHECK = """
import unittest

class Lines(unittest.TestCase):
    def test_lines(self):
        self.assertEqual(open("out.txt").read(), "ok\\n")
"""
GOOD = "```bash\necho ok > out.txt\n```"
COUNT = "import sys, tokenizers; print(len(tokenizers.Tokenizer.from_file(sys.argv[1]).encode(sys.argv[2]).ids))"


def task(name: str) -> dict[str, Any]:
    return {
        "id": name, "prompt": f"Write ok, {name}", "form": "command", "good": GOOD, "bad": "```bash\necho ok\n```",
        "test": ["python3", "-m", "unittest", "test_lines"], "tests": {"test_lines.py": CHECK},
        "must_pass": ["test_lines.Lines.test_lines"],
    }  # fmt: skip


@pytest.mark.training
@pytest.mark.timeout(600)
def test_what_an_answer_in_two_turns_left_is_paid(training_python: Path, tmp_path: Path):
    """By a model that knows the command: it is run in a box, its output shown, and there is a second turn, which makes
    every answer longer than the command alone; what lies in the folder then is paid."""
    names = ("please", "now", "at once", "again", "for me")
    (tmp_path / "tasks.jsonl").write_text("".join(json.dumps(task(name)) + "\n" for name in names))
    words = ["recipe=tiny_rlvr", f"source.tasks.path={tmp_path}/tasks.jsonl", "training.turns=2", "benchmark=[]"]
    words += ["training.max_steps=2", "training.batch_size=8", "training.num_generations=4", "training.save_steps=2"]
    words += ["training.max_completion_length=90", "model.sequence_len=192", "training.selftest_tasks=1"]
    folder = Path(finished(tmp_path, *words, "model.scratch.warm_start.good=0.9")["folder"])
    logs = [json.loads(line) for line in (folder / "metrics.jsonl").open()]
    steps = [one["metrics"] for one in logs if one["event"] == "log" and "reward" in one["metrics"]]
    assert len(steps) == 2 and max(one["reward"] for one in steps) > 0.5
    command = [training_python, "-c", COUNT, str(folder / "model" / "tokenizer.json"), GOOD]
    alone = int(subprocess.run(command, capture_output=True, text=True, check=True).stdout) + 1  # and the turn's end
    assert max(one["completions/mean_length"] for one in steps) > alone
