"""A pack's reward where the training is: in a process of its own, which sees none of the training's variables."""

import hashlib
import math
import threading
from pathlib import Path
from typing import Any

import pytest

from bashgym.packs import kept
from bashgym.records import PluginSpec
from bashgym.tasks import apart, loading
from bashgym.training import rewards

CODE = """
import os
from bashgym.config import Config as Base

class Reward:
    verifies = True
    repeatable = False

    class Config(Base):
        weight: float = 1.0

    def __init__(self, config):
        self.config = config

    def score(self, completion, row):
        print("this is no answer")
        if completion == "die":
            os._exit(3)
        if completion == "token":
            return float("A_TOKEN" in os.environ)
        return float(completion) * self.config.weight + row["more"]

    def score_folder(self, folder, row):
        return float(len(list(folder.iterdir())))
"""


@pytest.fixture
def placed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What `rewards.place` says of a reward that lies among the files of packs."""
    monkeypatch.setenv("A_TOKEN", "not for packs")
    path = tmp_path / "team.py"
    path.write_text(CODE)
    monkeypatch.setattr(kept, "of_file", lambda file: object() if file == path else None)
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    spec = PluginSpec(
        kind="reward",
        name="team",
        path=str(path),
        sha256=sha256,
        config={"weight": 2.0},
        where="reward.team",
        origin="pack team",
    )
    rewards.place(tmp_path, [rewards.Chosen(spec, None)], 0, 0)
    (told,) = loading.order(tmp_path / "inside")["rewards"]
    return told


def test_it_sees_no_variable_of_ours_and_answers_in_numbers(placed: dict[str, Any], tmp_path: Path):
    one = loading.reward(tmp_path / "inside", placed)
    assert (one.verifies, one.repeatable, hasattr(one, "control")) == (True, False, False)
    assert one.score("token", {}) == 0.0
    assert one.score("nan", {"more": 0}) is not None and math.isnan(one.score("nan", {"more": 0}))
    scores: dict[int, float] = {}
    asked = [threading.Thread(target=lambda n=n: scores.update({n: one.score(str(n), {"more": n})})) for n in range(8)]
    for thread in asked:
        thread.start()
    for thread in asked:
        thread.join()
    assert scores == {n: 3.0 * n for n in range(8)}
    assert one.score_folder(tmp_path, {}) == 2.0
    with pytest.raises(apart.Ended, match=r"^reward\.team: ValueError: could not convert"):
        one.score("words", {"more": 0})
    with pytest.raises(apart.Ended, match=r"^reward\.team: its process ended$"):
        one.score("die", {})


def test_code_that_was_changed_is_refused_over_there_too(placed: dict[str, Any], tmp_path: Path):
    (tmp_path / "inside" / placed["file"]).write_text(CODE + "# changed\n")
    with pytest.raises(RuntimeError, match="is not the file that this was made with"):
        loading.reward(tmp_path / "inside", placed)
