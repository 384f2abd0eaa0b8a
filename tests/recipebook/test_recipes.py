"""`bashgym recipes copy|check|diff|explain`, through the real command line."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from bashgym import recipe
from bashgym.errors import BashGymError
from bashgym.recipebook import copied, diffed
from bashgym.recipebook.checked import check
from bashgym.recipebook.comments import comments
from bashgym.recipebook.explained import explained

ROOT = Path(__file__).resolve().parent.parent.parent
RECIPES = sorted(path.stem for path in (ROOT / "recipes").glob("*.yaml"))


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("name", RECIPES)
def test_a_flat_copy_means_the_same(name: str):
    file = copied.copy(name, "full", [], flat=True)
    assert diffed.differences(name, str(file)) == []
    values = yaml.safe_load(file.read_text())
    assert values["training"]["seed"] == "${seed}", "a reference stays a reference"
    assert "# one line about the recipe" in file.read_text()


def test_an_extending_copy_says_only_what_was_typed():
    file = copied.copy("quickstart", "mine", ["training.epochs=2", "cloud=runpod", "judge=[syntax]"], flat=False)
    values = yaml.safe_load(file.read_text())
    assert values["defaults"] == ["quickstart", {"override cloud": "runpod"}, {"override judge": ["syntax"]}, "_self_"]
    assert values["training"] == {"epochs": 2} and set(values) == {"defaults", "description", "training"}
    keys = {one.key for one in diffed.differences("quickstart", "mine")}
    assert {"training.epochs", "cloud", "judge", "cloud.plugin"} <= keys
    assert recipe.load(["recipe=mine"]).one("cloud").label == "runpod"


def test_copies_do_not_overwrite_nor_extend_themselves(tmp_path: Path):
    copied.copy("quickstart", "mine", [], flat=False)
    with pytest.raises(BashGymError, match="there already"):
        copied.copy("quickstart", "mine", [], flat=False)
    with pytest.raises(BashGymError, match="--flat"):
        copied.copy("quickstart", "quickstart", [], flat=False)
    assert copied.copy("quickstart", "quickstart", [], flat=True).is_file()
    away = tmp_path / "away" / "odd.yaml"
    away.parent.mkdir()
    away.write_text("defaults:\n  - sft_smollm\n  - _self_\nseed: 3\n")
    with pytest.raises(BashGymError, match="--flat"):
        copied.copy(str(away), "other", [], flat=False)
    with pytest.raises(BashGymError, match="epochs"):
        copied.copy("quickstart", "wrong", ["training.epochs=no"], flat=False)
    assert not (tmp_path / "recipes" / "wrong.yaml").exists()


def test_check_tells_every_fault_at_once():
    found = check(["recipe=quickstart", "training.epochs=-1", "seed=-2", "source.examples.path=/nowhere/at/all"])
    errors = [one.message for one in found.findings if one.level == "error"]
    assert not found.good and len(errors) == 3
    for word in ("training.epochs", "seed", "/nowhere/at/all"):
        assert any(word in line for line in errors)


def test_check_finds_a_wrong_pair_and_an_empty_source(tmp_path: Path):
    (tmp_path / "empty").mkdir()
    argv = ["recipe=quickstart", "format=dpo", f"source.examples.path={tmp_path / 'empty'}"]
    lines = {one.level: one.message for one in check(argv).findings}
    assert "'chat'" in lines["error"] and "'preference'" in lines["error"] and "format=" in lines["error"]
    assert "no sessions" in lines["warning"]


def test_check_ends_with_2_and_good_with_0(bashgym: Callable):
    assert bashgym("recipes", "check", "quickstart").returncode == 0
    done = bashgym("recipes", "check", "quickstart", "seed=x", "--json")
    assert done.returncode == 2 and json.loads(done.stdout)["good"] is False


def test_a_broken_plugin_is_a_fault(tmp_path: Path):
    for part, text in {
        "plugins/judge/bad.py": "raise RuntimeError('boom')\n",
        "conf/judge/bad.yaml": "plugin: bad\n",
    }.items():
        (tmp_path / part).parent.mkdir(parents=True)
        (tmp_path / part).write_text(("# @package judge.bad\n" if part.endswith("yaml") else "") + text)
    found = check(["recipe=quickstart", "judge=[outcome,bad]"])
    assert [one.message for one in found.findings if "boom" in one.message]


def test_diff_is_of_meaning_not_of_text(bashgym: Callable, tmp_path: Path):
    (tmp_path / "a.yaml").write_text(
        "defaults: [quickstart, _self_]\ndescription: one\ntraining: {epochs: 3, seed: 42}\n"
    )
    (tmp_path / "b.yaml").write_text("# a comment\ndefaults:\n  - quickstart\n  - _self_\n\ntraining:\n  epochs: 3.0\n")
    done = bashgym("recipes", "diff", "a.yaml", "b.yaml")
    assert done.returncode == 0 and done.stdout == "the same in meaning\n"
    done = bashgym("recipes", "diff", "a.yaml", "quickstart", "--json")
    assert done.returncode == 1
    assert json.loads(done.stdout) == [{"change": "changed", "key": "training.epochs", "first": 3.0, "second": 8.0}]


def test_diff_sees_the_order_of_a_list_and_a_plugins_code(tmp_path: Path):
    first, second = tmp_path / "one.lock.yaml", tmp_path / "two.lock.yaml"
    first.write_text(recipe.load(["recipe=quickstart"]).lock_text("key"))
    swapped = recipe.load(["recipe=quickstart", "sanitizer=[pii,secrets,identity]"]).lock()
    swapped["plugins"]["curator"]["split"]["sha256"] = "0" * 64
    second.write_text(yaml.safe_dump({**swapped, "bashgym": "0.0.1", "pseudonym_key": "other"}, sort_keys=False))
    found = {one.key: (one.first, one.second) for one in diffed.differences(str(first), str(second))}
    assert set(found) == {"bashgym", "pseudonym_key", "sanitizer", "curator.split.plugin sha256"}
    assert found["sanitizer"][1] == ["pii", "secrets", "identity"]
    assert diffed.differences(str(first), "quickstart") == [], "a recipe has no pseudonym key yet"


def test_diff_says_what_it_cannot_find(tmp_path: Path):
    with pytest.raises(BashGymError, match="did you mean 'quickstart'"):
        diffed.differences("quickstrat", "quickstart")
    (tmp_path / "empty").mkdir()
    with pytest.raises(BashGymError, match=r"recipe\.lock\.yaml"):
        diffed.differences(str(tmp_path / "empty"), "quickstart")


def test_explain_tells_who_set_a_key_and_who_overrode_it():
    found = explained("training.learning_rate", ["recipe=quickstart", "training.learning_rate=0.5"])
    (meaning,) = found.meanings
    assert meaning.does.startswith("Step size") and meaning.type == "number, more than 0" and meaning.default == 2e-4
    assert [(Path(one.origin).name, one.value) for one in found.setters] == [
        ("sft.yaml", 0.0002),
        ("quickstart.yaml", 0.004),
        ("command line", 0.5),
    ]
    assert found.value == 0.5 and "such a small model" in found.setters[1].comment


def test_explain_knows_every_key_of_every_recipe(monkeypatch: pytest.MonkeyPatch):
    composition, layered = recipe.composition, recipe.layers
    for name in RECIPES:
        made = composition([f"recipe={name}"])
        layers = list(layered(made))
        # once is enough for all its keys
        monkeypatch.setattr(recipe, "composition", lambda argv, made=made: made)
        monkeypatch.setattr(recipe, "layers", lambda made, layers=layers: layers)
        for key, value in recipe.flatten(made.values):
            found = explained(key, [f"recipe={name}"]) if key.count(".") < 2 else None
            if found:
                assert found.meanings[0].does and found.meanings[0].type and found.value == value, key


def test_explain_a_kind_shows_who_chose_and_what_can_be_chosen():
    found = explained("source", ["recipe=quickstart", "source=[codex]"])
    assert [one.value for one in found.setters] == [["claude_code"], ["examples"], ["codex"]]
    assert set(found.choices) >= {"claude_code", "examples"} and all(found.choices.values())


def test_explain_without_a_recipe_and_with_a_typo():
    found = explained("cloud.limits.max_usd", [])
    assert "dollars" in found.meanings[0].does.lower() and len(found.setters) >= 2
    with pytest.raises(BashGymError, match=r"did you mean 'training.epochs'"):
        explained("training.epoch", [])


def test_comments_are_found_by_their_whole_key():
    found = comments(ROOT / "conf" / "bashgym_base.yaml")
    assert found["model.scratch.layers"] == "number of layers" and found["seed"].startswith("seeds the split")
