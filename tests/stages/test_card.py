"""What lies beside the rows of a real run: the card, Parquet, documents; the same bytes again, and no private word."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from bashgym.gate.sweep import Sweep
from bashgym.stages import card
from tests.test_run import new_home, some_sessions, words

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def projects(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return some_sessions(tmp_path_factory.mktemp("sessions"), 8)


def everything(folder: Path) -> dict[str, bytes]:
    files = sorted(path for path in (folder / "dataset").rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def test_card_and_parquet_are_the_same_bytes_and_load_as_one_dataset(bashgym: Callable, projects: Path, tmp_path: Path):
    import datasets

    for name in ("a", "b"):
        home = str(new_home(tmp_path / f"home-{name}"))
        done = bashgym(*words(projects, tmp_path / name, "dataset.parquet=true"), BASHGYM_HOME=home)
        assert done.returncode == 0, done.stderr
    found = everything(tmp_path / "a")
    assert found == everything(tmp_path / "b")
    assert {"dataset/README.md", "dataset/data/train-00000-of-00001.parquet"} <= set(found)
    rows = [json.loads(line) for line in found["dataset/train.jsonl"].splitlines()]
    loaded = datasets.load_dataset(str(tmp_path / "a" / "dataset"), cache_dir=str(tmp_path / "cache"))
    assert list(loaded["train"]) == rows
    text = found["dataset/README.md"].decode()
    assert f"| train | {len(rows)} |" in text and "| examples | own sessions | private |" in text
    manifest = json.loads((tmp_path / "a" / "manifest.json").read_text())
    assert manifest["dataset"]["sha256"] in text and card.LEFT_OUT not in text
    for row in rows:
        assert row["meta"]["session"] not in text
        assert row["meta"]["tools"] == "inferred" and len(row["meta"]["steps"]) == len(row["messages"])


def test_documents_are_a_session_each(bashgym: Callable, projects: Path, tmp_path: Path):
    home = str(new_home(tmp_path / "home"))
    done = bashgym(*words(projects, tmp_path / "run", "format=sts"), BASHGYM_HOME=home)
    assert done.returncode == 0, done.stderr
    rows = [json.loads(line) for line in (tmp_path / "run" / "dataset" / "train.jsonl").open()]
    files = sorted((tmp_path / "run" / "dataset" / "documents" / "train").iterdir())
    assert len(files) == len(rows) and all(file.suffix == ".jsonl" for file in files)
    assert [json.loads(line) for line in files[0].open()] == rows[0]["lines"]
    assert "path: train.jsonl" in (tmp_path / "run" / "dataset" / "README.md").read_text()


def test_a_private_word_is_left_out_of_a_card(tmp_path: Path):
    path = tmp_path / "README.md"
    path.write_text("---\ntags:\n---\n\n| source | n |\n| Kestrel-9911-brackenfold | 3 |\n| other | 4 |\n")
    text = card.checked(path, Sweep({"Kestrel-9911-brackenfold": "PASSWORD"}), [])
    assert text == f"---\ntags:\n---\n\n| source | n |\n{card.LEFT_OUT}\n| other | 4 |\n"
