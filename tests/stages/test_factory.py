"""Curators and synthesizers in a run through the real command line, up to the written, gated dataset."""

import json
import shutil
from pathlib import Path

import pytest

from tests.stages.sessions import project

RUN = ["run", "recipe=quickstart", "dataset.classes=[gold,silver,unverified,failed]", "--until", "dataset", "--json"]
EVERY = "synthesizer=[retries,user_feedback,credit_assignment,decision_points,augment]"


@pytest.fixture(scope="module")
def sessions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return project(tmp_path_factory.mktemp("projects"), 12)


def ran(bashgym, sessions: Path, target: Path, *more: str) -> dict:
    done = bashgym(*RUN, f"source.examples.path={sessions}", f"run_dir={target}", *more)
    assert done.returncode == 0, done.stderr
    return json.loads((target / "manifest.json").read_text())


def rows(target: Path, split: str) -> list[dict]:
    return [json.loads(line) for line in (target / "dataset" / f"{split}.jsonl").read_text().splitlines()]


def test_synthetic_examples_pass_the_gate_and_stay_in_training(bashgym, sessions, tmp_path):
    manifest = ran(bashgym, sessions, tmp_path / "run", EVERY)
    origins = {split: {row["meta"]["origin"] for row in rows(tmp_path / "run", split)} for split in ("train", "test")}
    assert {"trace", "retries", "user_feedback", "credit_assignment", "augment"} <= origins["train"]
    assert "augment" not in origins["test"]
    (stage,) = [stage for stage in manifest["stages"] if stage["name"] == "format"]
    assert stage["dropped"]["made for training, kept out of test"] > 0
    for row in rows(tmp_path / "run", "train"):
        assert len(row["meta"]["steps"]) == len(row["messages"])


def test_pairs_become_a_dataset_of_preferences(bashgym, sessions, tmp_path):
    """`format=dpo` takes the pairs and counts what is no pair."""
    ran(bashgym, sessions, tmp_path / "run", "synthesizer=[retries,user_feedback]", "format=dpo", "training=dpo")
    found = rows(tmp_path / "run", "train")
    assert {row["meta"]["origin"] for row in found} == {"retries", "user_feedback"}
    assert all(row["chosen"] != row["rejected"] and row["meta"]["rejected_steps"] for row in found)


def test_curators_in_the_order_typed(bashgym, sessions, tmp_path):
    """A copy under another id is left out; what is near the test split is not trained on; the manifest says so."""
    home = tmp_path / "projects"
    shutil.copytree(sessions, home)
    first = sorted(home.rglob("*.jsonl"))[0]
    copy = first.read_text().replace(first.stem, f"{first.stem[:-1]}f").replace('"msg_', '"msg_copy')
    first.with_name(f"{first.stem[:-1]}f.jsonl").write_text(copy)
    manifest = ran(bashgym, home, tmp_path / "run", "curator=[dedup,split,decontaminate]")
    (stage,) = [stage for stage in manifest["stages"] if stage["name"] == "curate"]
    assert stage["dropped"]["exact duplicate"] >= 1
    assert any("test sessions" in reason for reason in stage["how"])
