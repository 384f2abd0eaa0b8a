"""A composition that is taken up is what Hydra would make of the same words today."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bashgym import compositions, recipe
from bashgym.choices import recipe_file

MINE = "defaults:\n  - quickstart\n  - _self_\nseed: 7\n"


@pytest.fixture
def project(tmp_path: Path, monkeypatch) -> Path:
    monkeypatch.setenv("BASHGYM_HOME", str(tmp_path / "home"))
    folder = tmp_path / "project"
    (folder / "recipes").mkdir(parents=True)
    (folder / "recipes" / "mine.yaml").write_text(MINE)
    monkeypatch.chdir(folder)
    return folder


def kept(*typed: str) -> compositions.Composition | None:
    return compositions.find(recipe_file("mine"), typed)


def test_it_is_kept_and_the_same(project: Path):
    argv = ["recipe=mine", "sanitizer=[pii,secrets,identity]", "training.epochs=2"]
    assert kept(*argv[1:]) is None
    made = recipe.composition(argv)
    again = kept(*argv[1:])
    assert again == made and again.values["seed"] == 7
    assert recipe.checked(again) == recipe.load(argv)
    assert recipe.explain(argv) == recipe.explain(argv)


def test_hydra_is_not_even_imported_the_second_time(project: Path):
    code = "import sys; from bashgym import recipe; recipe.load(['recipe=mine']); print('hydra' in sys.modules)"
    root = str(Path(compositions.__file__).parent.parent)
    env = {**os.environ, "PYTHONPATH": root}
    seen = [subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True) for _ in range(2)]
    assert [one.stdout.strip() for one in seen] == ["True", "False"], seen


@pytest.mark.parametrize("change", ["edited", "preset", "gone", "new preset", "new pack"])
def test_any_change_of_a_file_is_seen(project: Path, tmp_path: Path, monkeypatch, change: str):
    conf = project / "conf" / "training"
    conf.mkdir(parents=True)
    shipped = Path(recipe_file("quickstart")).parent.parent / "conf" / "training" / "sft.yaml"
    ours = shipped.read_text().replace("weight_decay: 0.0", "weight_decay: 0.5")
    if change in {"preset", "gone"}:
        (conf / "sft.yaml").write_text(ours)
    before = recipe.load(["recipe=mine"]).one("training").values()["weight_decay"]
    assert before == (0.5 if change in {"preset", "gone"} else 0.0) and kept()
    if change == "edited":
        (project / "recipes" / "mine.yaml").write_text(MINE.replace("seed: 7", "seed: 8"))
    elif change == "preset":
        (conf / "sft.yaml").write_text(ours.replace("0.5", "0.25"))
    elif change == "gone":
        (conf / "sft.yaml").unlink()
    elif change == "new preset":
        (conf / "sft.yaml").write_text(ours)
    else:
        pack = tmp_path / "pack"
        (pack / "conf" / "training").mkdir(parents=True)
        (pack / "conf" / "training" / "sft.yaml").write_text(ours)
        monkeypatch.setenv("BASHGYM_PACKS", str(pack))
    assert kept() is None
    now = recipe.load(["recipe=mine"])
    wanted = {"edited": 0.0, "preset": 0.25, "gone": 0.0, "new preset": 0.5, "new pack": 0.5}[change]
    assert now.one("training").values()["weight_decay"] == wanted
    assert now.settings.seed == (8 if change == "edited" else 7)


def test_what_depends_on_more_than_files_is_not_kept(project: Path):
    for body in (
        "name: ${oc.select:nowhere,fallback}\n",
        "defaults:\n  - quickstart\n  - optional router: nowhere\n",
    ):
        (project / "recipes" / "mine.yaml").write_text(MINE + body if "defaults" not in body else body)
        recipe.composition(["recipe=mine"])
        assert kept() is None


def test_a_broken_or_unwritable_memory_is_no_obstacle(project: Path, tmp_path: Path):
    made = recipe.composition(["recipe=mine"])
    (file,) = (tmp_path / "home" / "compositions").iterdir()
    file.write_bytes(b"{")
    assert kept() is None and recipe.composition(["recipe=mine"]) == made
    file.unlink()
    file.parent.rmdir()
    file.parent.write_text("in the way")
    assert recipe.composition(["recipe=mine"]) == made


def test_only_the_newest_stay(project: Path, tmp_path: Path, monkeypatch):
    monkeypatch.setattr(compositions, "KEPT", 3)
    for seed in range(5):
        recipe.composition(["recipe=mine", f"seed={seed}"])
    assert len(list((tmp_path / "home" / "compositions").iterdir())) == 3
    assert kept("seed=4")
