"""`bashgym examples show`: the tokens of a row as the trainer makes them."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from bashgym import registry
from bashgym.errors import InputError
from bashgym.rows import template
from bashgym.tokens import find, run_folder

SCRATCH = {"vocab_size": 600, "hidden_size": 16, "layers": 1, "heads": 1}
TOOLS = [{"type": "function", "function": {"name": "Bash", "parameters": {"type": "object"}}}]


def turn(role: str, content: str, train: bool = False, **more: Any) -> dict[str, Any]:
    return {"role": role, "content": content, "train": train, **more}


def call(command: str) -> dict[str, Any]:
    return {"id": "c", "type": "function", "function": {"name": "Bash", "arguments": {"command": command}}}


TALK = [
    turn("user", "run it ✓"),
    turn("assistant", "", True, tool_calls=[call("make ünit")]),
    turn("tool", "ok", tool_call_id="c", name="Bash"),
    turn("assistant", "Not this."),
    turn("assistant", "Done 😀.", True),
]
CHATML = template.chosen("chatml_tools", "scratch")
CHAT = [{"id": name, "messages": TALK, "tools": TOOLS} for name in ("one#0.0", "one#0.1", "two#0")]
PAIR = {"id": "p#0", "prompt": CHATML.asked(TALK[:1], TOOLS), "chosen": "yes<|im_end|>", "rejected": "no"}


def a_run(folder: Path, name: str, rows: list[dict[str, Any]]) -> Path:
    """A run's folder with a dataset of `rows` in the format `name`."""
    (folder / "dataset").mkdir(parents=True)
    for split in ("train", "validation", "test"):
        lines = [json.dumps(row) + "\n" for row in rows] if split == "train" else []
        (folder / "dataset" / f"{split}.jsonl").write_text("".join(lines))
    config = registry.load("format", name).Config().model_dump()
    model = {"base": "scratch", "chat_template": "chatml_tools", "sequence_len": 512, "scratch": SCRATCH}
    lock = {
        "settings": {"model": model, "seed": 1},
        "plugins": {"format": {name: {"plugin": name, "config": config}}},
    }
    (folder / "recipe.lock.yaml").write_text(yaml.safe_dump(lock))
    return folder


def test_rows_are_found_by_their_id_or_how_it_begins(tmp_path: Path):
    run = a_run(tmp_path / "run", "chat", CHAT)
    assert run_folder(str(run)) == run
    assert find(run, "").row["id"] == "one#0.0" and find(run, "two").row["id"] == "two#0"
    with pytest.raises(InputError, match=r"2 rows begin with one"):
        find(run, "one")
    with pytest.raises(InputError, match=r"has no row twe; did you mean 'two#0'|has no row twe"):
        find(run, "twe")
    with pytest.raises(InputError, match=r"--run: nowhere is no run with a dataset"):
        run_folder("nowhere")
    with pytest.raises(InputError, match=r"no run has written a dataset yet; `bashgym run"):
        run_folder("")


def test_without_the_environment_it_says_what_to_install(bashgym: Callable, tmp_path: Path):
    run = a_run(tmp_path / "run", "chat", CHAT)
    done = bashgym(
        "examples", "show", "--run", str(run), BASHGYM_ENVS=str(tmp_path / "none"), BASHGYM_TRAINING_PYTHON=""
    )
    assert done.returncode == 2 and done.stderr.count("\n") == 1
    assert "the training environment" in done.stderr and "bashgym env create" in done.stderr
    sts = a_run(tmp_path / "sts", "sts", [{"id": "s#0", "lines": []}])
    done = bashgym("examples", "show", "--run", str(sts))
    assert "no trainer reads these rows" in done.stderr or "bashgym env create" in done.stderr


@pytest.mark.training
def test_what_is_shown_is_what_axolotl_learns(bashgym: Callable, training_python: Path, tmp_path: Path):
    run = a_run(tmp_path / "run", "chat", CHAT)
    before = sorted(run.rglob("*"))
    done = bashgym("examples", "show", "two", "--run", str(run), BASHGYM_TRAINING_PYTHON=str(training_python))
    assert done.returncode == 0, done.stderr
    head, text = done.stdout.split("\n", 1)
    assert head.startswith("two#0 (train.jsonl:3), text: ") and "of at most 512" in head
    whole = CHATML.render(TALK, TOOLS)
    assert text.replace("«", "").replace("»", "").strip() == whole.strip()
    learnt = [part.split("»")[0] for part in text.split("«")[1:]]
    command = '<tool_call>{"name": "Bash", "arguments": {"command": "make ünit"}}</tool_call><|im_end|>'
    assert learnt == [command, "Done 😀.<|im_end|>"]
    assert sorted(run.rglob("*")) == before  # nothing is left in the run's folder


@pytest.mark.training
def test_a_pair_is_shown_as_trl_reads_it(bashgym: Callable, training_python: Path, tmp_path: Path):
    run = a_run(tmp_path / "run", "dpo", [PAIR])
    python = {"BASHGYM_TRAINING_PYTHON": str(training_python)}
    done = bashgym("examples", "show", "p#0", "--run", str(run), "--json", **python)
    assert done.returncode == 0, done.stderr
    chosen, rejected = json.loads(done.stdout)["parts"]
    for part, wanted in ((chosen, "yes<|im_end|>"), (rejected, "no<|im_end|>")):
        assert "".join(text for text, learnt, _ in part["tokens"] if learnt) == wanted
        assert "".join(text for text, learnt, _ in part["tokens"] if not learnt) == PAIR["prompt"]
        assert sum(n for _, _, n in part["tokens"]) == part["total"] > part["learnt"] > 0
