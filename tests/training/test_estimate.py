"""What a training will take: against counts done by hand, models of known size, and what a real one took."""

import json
from pathlib import Path

import pytest

from bashgym.records import Dataset, Model
from bashgym.rented import gpus
from bashgym.training import estimate
from bashgym.training.estimate import Load
from bashgym.training.settings import TrainingConfig

CODELLAMA = Model(base="codellama/CodeLlama-7b-Instruct-hf", chat_template="llama2_tools", sequence_len=4096)

ONCE = Load()


def rows(folder: Path, *sizes: int) -> Dataset:
    """Lines of so many bytes, newline included."""
    folder.mkdir(exist_ok=True)
    (folder / "train.jsonl").write_text("".join("x" * (size - 1) + "\n" for size in sizes))
    return Dataset(folder=str(folder), sha256="", rows={"train": len(sizes)}, stanza={}, schema="chat")


def test_tokens_and_steps(tmp_path: Path):
    model = Model(base="x", chat_template="", sequence_len=1000, measures=(64, 2, 500))
    config = TrainingConfig(epochs=3, batch_size=2, gradient_accumulation=2)
    told = estimate.of(rows(tmp_path / "a", 330, 660, 33000), model, config, Load())
    # 100 + 200 + a row cut at 1,000 tokens; two batches, which are one step an epoch
    assert told["steps"] == 3 and told["tokens"] == 3 * 4 * 1300 / 3
    assert told["parameters"] == 2 * 16 * 64**2 + 500 * 64 and told["evidence"] == "estimated"
    assert told["flops"] == 6 * told["parameters"] * told["tokens"]
    assert estimate.of(rows(tmp_path / "a", 330), model, TrainingConfig(max_steps=2, epochs=9), Load())["steps"] == 2


def test_nothing_is_claimed_of_rows_that_are_not_there(tmp_path: Path):
    told = estimate.of(rows(tmp_path / "none"), CODELLAMA, TrainingConfig(device="gpu", method="qlora"), Load())
    assert (told["tokens"], told["steps"], told["flops"]) == (None, None, None)
    assert told["parameters"] == 7_000_000_000 and told["measures_from"] == "its name"
    assert gpus.hours(None, "L4:1") is None and gpus.hours(1e18, "UNKNOWN:1") is None


def test_a_model_on_this_disk_is_measured_by_its_own_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    # SmolLM2-135M's own config.json has these; it has 134.5 million parameters
    told = {"hidden_size": 576, "num_hidden_layers": 30, "vocab_size": 49152, "intermediate_size": 1536}
    told |= {"num_attention_heads": 9, "num_key_value_heads": 3, "tie_word_embeddings": True}
    cached = tmp_path / "hub" / "models--HuggingFaceTB--SmolLM2-135M" / "snapshots" / "abc"
    cached.mkdir(parents=True)
    (cached / "config.json").write_text(json.dumps(told))
    model = Model(base="HuggingFaceTB/SmolLM2-135M", chat_template="", sequence_len=64)
    assert estimate.shape_of(model).source == "its name"
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    shape = estimate.shape_of(model)
    assert shape.source == "its config.json" and abs(shape.parameters / 134.5e6 - 1) < 0.01
    (cached / "config.json").write_text("{")
    assert estimate.shape_of(model).source == "its name"


def test_memory_follows_what_is_kept(tmp_path: Path):
    def needed(load: Load = ONCE, **changes: object) -> float:
        config = TrainingConfig.model_validate({"device": "gpu", "batch_size": 1, **changes})
        return float(estimate.of(rows(tmp_path / "a", 99_999), CODELLAMA, config, load)["memory_gb"])

    assert needed(method="qlora") < needed(method="lora") < needed(method="full")
    assert 8 < needed(method="qlora") < 14  # published runs of 7 billion parameters in 4 bits: 9 to 12 GB
    assert needed(method="full") > 7 * 8
    assert needed(Load(reference=True), method="full") - needed(method="full") == pytest.approx(14)
    assert needed(Load(sequences=2), method="lora") > needed(method="lora")


def test_memory_where_answers_are_generated():
    """Qwen 2.5 Coder 1.5B by its own measures: 28 layers of 1,536, two heads of twelve hold keys; answers of 1,024
    tokens in sequences of 4,096."""
    shape = estimate.Shape(1.54e9, 1536, 28, 151_936, "counted", 1 / 6)
    config = TrainingConfig(device="gpu", method="lora", batch_size=2, gradient_accumulation=8)
    answers = Load(answers=8, generated=1024)
    logits = 2 * 1024 * 151_936 * 12  # of the answers alone
    kept = 2 * 4096 * 1536 * 2 * (17 + 28)
    assert estimate.learning(shape, config, answers, 4096) == logits + kept
    cache = 16 * 4096 * 28 * 2 * 256 * 2  # sixteen answers at once, in 16 bit
    read = 16 * 3072 * 1536 * 2 * 17
    assert estimate.generating(shape, config, answers, 4096) == pytest.approx(cache + read)
    assert estimate.generating(shape, config, ONCE, 4096) == 0
    adapter = 16 * 16 * 23 * 1536 * 28
    held = 1.5e9 + 2 * 1.54e9 + adapter
    assert estimate.memory(shape, config, answers, 4096) == pytest.approx(held + max(logits + kept, cache + read))
    assert held + logits + kept < 16e9


def test_hours_by_card():
    work = 1e18
    assert gpus.hours(work, "L4:1") > gpus.hours(work, "L4:2") > gpus.hours(work, "H100-SXM:1") > gpus.READY
    assert gpus.hours(work, "A100-80GB:1") == gpus.hours(work, "A100:1") != gpus.hours(work, "A10:1")
    every = {name for names in gpus.MEMORY.values() for name in names}
    assert not [name for name in every if gpus.hours(work, f"{name}:1") is None]


@pytest.mark.training
def test_peak_of_a_real_training(small_run):
    ends = [json.loads(line) for line in (small_run.folder / "metrics.jsonl").open()]
    peak = next(one["peak_bytes"] for one in reversed(ends) if one["event"] == "end") / 1e9
    assert small_run.job.estimate["memory_gb"] == pytest.approx(peak, rel=0.3)
