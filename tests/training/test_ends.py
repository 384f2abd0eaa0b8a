"""How trainings fail: real ones that are made to, and what the log of one that cannot be made here says."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import msgspec
import pytest

from bashgym import environment, paths, training_log
from bashgym.records import Job
from bashgym.registry import load

ROWS = 8
# last lines of logs, as the pinned packages write them, and what a user must read
LOGS = [
    (
        "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 23 GiB",
        ["GPU's memory", "training.batch_size", "training=sft_qlora"],
    ),
    (
        "RuntimeError: [enforce fail at alloc_cpu.cpp:128] err == 0. DefaultCPUAllocator: can't allocate memory",
        ["this machine's memory", "training.batch_size"],
    ),
    (
        "safetensors._safetensors_rust.SafetensorError: Error while serializing: I/O error: No space left on device "
        "(os error 28)",
        ["disk is full", "run_dir=PATH", "goes on"],
    ),
    ("OSError: [Errno 28] No space left on device: 'checkpoint/optimizer.pt'", ["disk is full"]),
]


@pytest.mark.parametrize(("line", "words"), LOGS, ids=lambda value: value[:20] if isinstance(value, str) else "")
def test_what_a_log_says_is_told_with_the_way_out(tmp_path: Path, line: str, words: list[str]):
    log = tmp_path / "train.log"
    log.write_text(f"loading\nTraceback (most recent call last):\n  File x\n{line}\n 50%|##   | 4/8 [00:04<00:04]\n")
    told = training_log.reason(log, 1)
    assert "\n" not in told and all(word in told for word in words), told


def ended(job: Job) -> str:
    """The reason that cloud=local gives for the end of a job that failed."""
    cloud = load("cloud", "local")(load("cloud", "local").Config())
    *_, last = cloud.follow(cloud.submit(job))
    assert last.kind == "state" and last.data["state"] == "failed", last
    return str(last.data["reason"])


def folder_of(small_run: Any, folder: Path) -> Any:
    """A few rows and the model of the small run, in a folder of their own."""
    shutil.copytree(small_run.folder / "model", folder / "model")
    (folder / "dataset").mkdir()
    lines = (small_run.folder / "dataset" / "train.jsonl").read_text().splitlines()[:ROWS]
    (folder / "dataset" / "train.jsonl").write_text("\n".join(lines) + "\n")
    return msgspec.structs.replace(small_run.dataset, folder=str(folder / "dataset"), rows={"train": ROWS})


@pytest.mark.training
@pytest.mark.parametrize("fault", ["no number", "nothing to train on", "no template"])
def test_a_training_that_cannot_work_ends_and_says_why(
    small_run: Any, training_python: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: str
):
    monkeypatch.setenv(environment.OVERRIDE, str(training_python))
    import small_run as shared

    rows = folder_of(small_run, tmp_path)
    settings: dict[str, Any] = {"batch_size": 4, "epochs": 4, "warmup_steps": 1}
    if fault == "no number":
        settings["learning_rate"] = 1e6
        words = ["not a number", "training.learning_rate (it is 1e+06)"]
    elif fault == "nothing to train on":
        lines = [json.loads(line) for line in (tmp_path / "dataset" / "train.jsonl").read_text().splitlines()]
        for one in lines:
            one["messages"] = [{**message, "train": False} for message in one["messages"]]
        (tmp_path / "dataset" / "train.jsonl").write_text("".join(json.dumps(one) + "\n" for one in lines))
        words = [f"not one of {ROWS} rows", "model.sequence_len"]
    else:
        (tmp_path / "model" / "chat_template.jinja").unlink(missing_ok=True)
        file = tmp_path / "model" / "tokenizer_config.json"
        content = json.loads(file.read_text())
        content.pop("chat_template", None)
        file.write_text(json.dumps(content))
        words = ["no chat template", "model.chat_template=chatml_tools"]
    told = ended(shared.plan(tmp_path, rows, tmp_path / "model", **settings))
    assert "\n" not in told and all(word in told for word in words), told


WATCHED = """
import json, sys
from watch import TrainingStopped, Watch
for rising, losses, before in json.load(sys.stdin):
    watch, said = Watch(rising), ""
    class State: global_step, log_history = 0, [{"loss": loss} for loss in before]
    class Args: learning_rate = 0.5
    try:
        watch.on_train_begin(Args, State, None)
        for State.global_step, loss in enumerate(losses, 1):
            watch.on_log(Args, State, None, {"loss": loss, "grad_norm": 1.0 if rising is not None else float("nan")})
    except TrainingStopped as error:
        said = str(error)
    print(json.dumps([State.global_step, said]))
"""


@pytest.mark.training
def test_a_loss_is_watched(training_python: Path):
    """Falling, noisy, falling then level: left alone. Turned and risen, or no number three times: ended. One that was
    resumed is compared with its beginning: rows that are harder than those it went on with do not end it."""
    falling = [8 * 0.97**step for step in range(200)]
    noisy = [2 + (step % 3) * 0.9 for step in range(200)]
    short = [*falling[:100], *([9.0] * 8), *falling[100:]]
    risen = [*falling[:100], *(0.4 * 1.05**step for step in range(100))]
    harder = [0.9] * 30 + [2.0] * 30
    cases = [(True, falling, []), (True, noisy, []), (True, short, []), (True, risen, []), (False, risen, [])]
    cases += [(None, [1.0, 0.0, 0.0, 0.0], []), (True, harder, falling[:100]), (True, risen[100:], falling[:100])]
    done = subprocess.run(
        [training_python, "-c", WATCHED],
        input=json.dumps(cases),
        cwd=paths.HERE / paths.INSIDE,
        capture_output=True,
        text=True,
        check=True,
    )
    told = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("[")]
    assert [bool(said) for _, said in told] == [False] * 3 + [True, False, True, False, True], told
    assert "the loss rises" in told[3][1] and told[3][0] < 200 and "(it is 0.5)" in told[3][1]
    assert told[5][0] == 3 and "after 0.4" in told[7][1]
