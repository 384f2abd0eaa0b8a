"""Plans for every preset, and real trainings of a small model."""

import json
import shutil
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from bashgym import checkpoint, environment, registry
from bashgym.config import validate
from bashgym.errors import RecipeError
from bashgym.records import Dataset, Job, Model

CONF = Path(__file__).resolve().parent.parent.parent / "conf" / "training"
CODELLAMA = Model(base="codellama/CodeLlama-7b-Instruct-hf", chat_template="llama2_tools", sequence_len=4096)


def plan(
    folder: Path, preset: str, model: Model = CODELLAMA, rows: dict[str, int] | None = None, **changes: Any
) -> Job:
    values = {**yaml.safe_load((CONF / f"{preset}.yaml").read_text()), "seed": 5, **changes}
    training = registry.load("training", values.pop("plugin"))
    (folder / "dataset").mkdir(exist_ok=True)
    (folder / "dataset" / "train.jsonl").write_text('{"id": "1", "messages": [], "tools": []}\n')
    counts = {"train": 1, "validation": 0, "test": 0} if rows is None else rows
    dataset = Dataset(folder=str(folder / "dataset"), sha256="", rows=counts, stanza={}, schema=training.schema)
    return training(validate(training.Config, values, "training")).plan(dataset, model, folder)


GPU = {"sft": {}, "sft_lora": {"min_vram_gb": 40, "count": 1}, "sft_qlora": {"min_vram_gb": 24, "count": 1}}


@pytest.mark.parametrize(("preset", "gpu"), GPU.items())
def test_presets(tmp_path: Path, preset: str, gpu: dict[str, int]):
    job = plan(tmp_path, preset)
    assert job.gpu == gpu
    assert job.command == ("axolotl", "train", "axolotl.yaml", "--launcher", "python")
    assert yaml.safe_load((tmp_path / "axolotl.yaml").read_text()) == job.config
    assert set(job.uploads) == {"axolotl.yaml", "inside", "prepared/train.jsonl"}
    assert all((tmp_path / name).exists() for name in job.uploads)
    assert str(tmp_path) not in (tmp_path / "axolotl.yaml").read_text()  # it may leave this machine
    assert "HF_HUB_OFFLINE" not in job.env and job.env["AXOLOTL_DO_NOT_TRACK"] == "1"


def test_the_model_goes_along_where_it_lies_in_the_folder(tmp_path: Path):
    (tmp_path / "model").mkdir()
    job = plan(tmp_path, "sft", Model(base=str(tmp_path / "model"), chat_template="tokenizer_default", sequence_len=64))
    assert "model" in job.uploads and job.env["HF_HUB_OFFLINE"] == "1"


def test_memory(tmp_path: Path):
    big = Model(base="x/y", chat_template="tokenizer_default", sequence_len=64, parameters=34_000_000_000)
    assert plan(tmp_path, "sft_qlora", big).gpu["min_vram_gb"] == 40
    assert plan(tmp_path, "sft_qlora", big, min_vram_gb=30).gpu["min_vram_gb"] == 30


def test_what_cannot_be(tmp_path: Path):
    with pytest.raises(RecipeError, match=r"no rows to train on.*dataset\.classes"):
        plan(tmp_path, "sft", rows={"train": 0})
    with pytest.raises(RecipeError, match="fp16 needs a GPU"):
        plan(tmp_path, "sft", precision="fp16")
    with pytest.raises(RecipeError, match=r"training\.learning_rat: no such key; did you mean 'learning_rate'"):
        plan(tmp_path, "sft", learning_rat=1)
    with pytest.raises(RecipeError, match=r"training\.lora\.rank"):
        plan(tmp_path, "sft", lora={"rank": 1})


def events(folder: Path, kind: str) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").open()]
    return [line for line in lines if line["event"] == kind]


@pytest.mark.training
def test_full(small_run: Any):
    assert checkpoint.lacks(small_run.checkpoint) is None
    (begin,), (end,) = events(small_run.folder, "begin"), events(small_run.folder, "end")
    assert (begin["rows"], begin["left_out"], begin["step"]) == (48, 0, 0)
    logs = [line for line in events(small_run.folder, "log") if "loss" in line]
    assert logs[-1]["loss"] < logs[0]["loss"] / 10
    assert {"time", "step", "max_steps", "epoch", "loss", "grad_norm", "lr", "tokens", "metrics"} <= set(logs[-1])
    assert logs[-1]["step"] == end["step"] == end["max_steps"] == small_run.job.config["num_epochs"] * 12
    evals = [line["eval_loss"] for line in events(small_run.folder, "eval")]
    assert len(evals) >= 2 and evals[-1] < evals[0]
    assert all(line["checkpoint"] == f"checkpoint-{line['step']}" for line in events(small_run.folder, "save"))


@pytest.mark.training
def test_lora_stopped_and_taken_up(
    small_run: Any, training_python: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """An adapter; a second run of the same folder goes on from the last saved step."""
    monkeypatch.setenv(environment.OVERRIDE, str(training_python))
    import small_run as shared

    for name in ("dataset", "model"):
        shutil.copytree(small_run.folder / name, tmp_path / name)
    settings = {"method": "lora", "learning_rate": 1e-2, "batch_size": 8, "save_steps": 5}
    rows = msgspec.structs.replace(small_run.dataset, folder=str(tmp_path / "dataset"))
    shared.train(shared.plan(tmp_path, rows, tmp_path / "model", **settings, max_steps=10))
    found = shared.train(shared.plan(tmp_path, rows, tmp_path / "model", **settings, max_steps=20, epochs=9))
    assert checkpoint.lacks(found) is None
    assert (found / "adapter_config.json").exists() and not (found / "model.safetensors").exists()
    logs = [line for line in events(tmp_path, "log") if "loss" in line]
    assert [line["step"] for line in logs] == list(range(1, 21))
    assert logs[-1]["loss"] < logs[0]["loss"]
