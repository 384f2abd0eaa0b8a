"""What a kill leaves of a checkpoint; the side of the training environment, which needs the standard library alone."""

import importlib.util
from pathlib import Path

import pytest

from bashgym import paths

_spec = importlib.util.spec_from_file_location("unfinished", paths.HERE / paths.INSIDE / "unfinished.py")
assert _spec and _spec.loader
unfinished = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(unfinished)


def test_only_whole_checkpoints_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    for name, state in (
        ("checkpoint-20", "{}"),
        ("checkpoint-40", None),
        ("checkpoint-60", '{"a": ['),
        ("other", None),
    ):
        (tmp_path / name).mkdir()
        (tmp_path / name / "model.safetensors").write_bytes(b"x")
        if state is not None:
            (tmp_path / name / unfinished.STATE).write_text(state)
    monkeypatch.setenv("LOCAL_RANK", "1")
    unfinished.remove(tmp_path)
    assert len(list(tmp_path.iterdir())) == 4
    monkeypatch.setenv("LOCAL_RANK", "0")
    unfinished.remove(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"checkpoint-20", "other"}
