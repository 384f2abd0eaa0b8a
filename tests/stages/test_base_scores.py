"""What a base model scored is taken up by another run only where nothing that it depends on is another."""

from pathlib import Path

import pytest

from bashgym.records import Score, Subject
from bashgym.registry import load
from bashgym.stages import base_scores

MEASURED = Score(
    benchmark="lm_eval", metric="tool_named", role="base", value=0.25, evidence="measured", n=4, note="cut"
)


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Subject:
    monkeypatch.setattr(base_scores.environment, "python", lambda: Path("/envs/one/bin/python"))
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "model.safetensors").write_bytes(b"weights")
    (tmp_path / "model" / "made.json").write_text("{}")
    (tmp_path / "dataset").mkdir()
    (tmp_path / "dataset" / "test.jsonl").write_text("{}\n")
    (tmp_path / "dataset" / "train.jsonl").write_text("{}\n")
    places = {"path": str(tmp_path / "model"), "dataset": str(tmp_path / "dataset"), "folder": str(tmp_path)}
    return Subject(role="base", chat_template="tokenizer_default", sequence_len=512, **places)


def key(model: Subject, label: str = "lm_eval", settings: object = (1,), revision: str | None = None) -> str | None:
    plugin = load("benchmark", label)
    return base_scores.key(plugin(plugin.Config()), settings, model, revision)


@pytest.mark.parametrize("file", ["model/model.safetensors", "dataset/test.jsonl"])
def test_other_bytes_are_another_key(model: Subject, tmp_path: Path, file: str):
    before = key(model)
    assert before and before == key(model) != key(model, settings=(2,))
    (tmp_path / "model" / "made.json").write_text('{"seconds": 2}')
    (tmp_path / "dataset" / "train.jsonl").write_text("{}\n{}\n")
    assert key(model) == before
    (tmp_path / file).write_bytes(b"others")
    assert key(model) != before


def test_what_cannot_be_told_is_measured_anew(model: Subject, tmp_path: Path):
    """Also pairs: the trained model's margins are told over what the base left in the run's folder."""
    assert [key(model, label) for label in ("teacher_kl", "reward", "pairs")] == [None] * 3
    (tmp_path / "model" / "model.safetensors").unlink()
    (tmp_path / "model" / "made.json").unlink()
    (tmp_path / "model").rmdir()
    assert key(model) is None and key(model, revision="0a1b") != key(model, revision="0a1c")


def test_kept_scores_say_which_run_measured_them(model: Subject):
    name = str(key(model))
    assert base_scores.kept(name) is None
    base_scores.keep(name, [MEASURED], "quickstart-1")
    (found,) = base_scores.kept(name) or []
    assert (found.value, found.evidence, found.note) == (0.25, "measured", "cut; measured in run quickstart-1")
