"""Recipes: composition, order, sweeps, and one clear line for everything that is wrong."""

import json
from pathlib import Path

import pytest
import yaml

from bashgym import overrides, recipe
from bashgym.errors import BashGymError

BAD = [
    # typed, and what the line must hold
    (["recipe=quickstrat"], ["recipe=quickstrat", "did you mean 'quickstart'?"]),
    ([], ["recipe=NAME", "quickstart"]),
    (["recipe="], ["recipe=NAME"]),
    (["recipe=quickstart", "recipe=sft_smollm"], ["2 times"]),
    (["recipe=nowhere/x.yaml"], ["no such file"]),
    (["recipe=x.yml"], [".yaml"]),
    (["recipe=quickstart", "cloud=runpdo"], ["cloud=runpdo", "did you mean 'runpod'?"]),
    (["recipe=quickstart", "clud=runpod"], ["clud", "did you mean 'cloud'?"]),
    (["recipe=quickstart", "sanitizer=[secrts]"], ["secrts", "did you mean 'secrets'?"]),
    (["recipe=quickstart", "sanitizer=[]"], ["sanitizer", "at least one"]),
    (["recipe=quickstart", "sanitizer=null"], ["sanitizer", "no choice"]),
    (["recipe=quickstart", "cloud="], ["cloud", "no choice"]),
    (["recipe=quickstart", "cloud=null"], ["cloud", "no choice"]),
    (["recipe=quickstart", "cloud=[local,runpod]"], ["cloud", "one choice"]),
    (["recipe=quickstart", "judge=[outcome,outcome]"], ["judge", "outcome", "twice"]),
    (["recipe=quickstart", "~cloud"], ["~cloud", "cannot be removed"]),
    (["recipe=quickstart", "+judge=syntax"], ["judge=[a,b]"]),
    (["recipe=quickstart", "training.epoch=2"], ["training.epoch", "did you mean 'epochs'?"]),
    (["recipe=quickstart", "+training.epoch=2"], ["training.epoch", "did you mean 'epochs'?"]),
    (["recipe=quickstart", "++training.epoch=2"], ["training.epoch", "did you mean 'epochs'?"]),
    (["recipe=quickstart", "training.epochs=many"], ["training.epochs", "'many'", "number"]),
    (["recipe=quickstart", "model.sequence_length=9"], ["model.sequence_length", "did you mean 'sequence_len'?"]),
    (["recipe=quickstart", "model.scratch.layer=9"], ["model.scratch.layer", "did you mean 'layers'?"]),
    (["recipe=quickstart", "seed=x"], ["seed", "'x'"]),
    (["recipe=quickstart", "seed=1,2"], ["seed=1,2", "--multirun"]),
    (
        ["recipe=quickstart", "judge=[outcome]", "judge.syntax.timeout_seconds=2"],
        ["judge.syntax", "judge=[outcome,syntax]"],
    ),
    (["recipe=quickstart", "judge.syntx.x=2"], ["judge.syntx", "did you mean 'syntax'?"]),
    (["recipe=quickstart", "name=${oc.env:HOME}"], ["name", "oc.env", "environment"]),
    (["recipe=quickstart", "name=${nowhere.at.all}"], ["nowhere"]),
    (["recipe=quickstart", "runpod"], ["runpod", "key=value"]),
    (["recipe=quickstart", "cloud=[a"], ["cloud=[a"]),
    (["recipe=quickstart", "verdict.gold=0.2"], ["verdict", "silver", "gold"]),
    (["recipe=quickstart", "dataset.classes=[golden]"], ["dataset.classes", "golden"]),
    (["recipe=quickstart", "source=3"], ["source=3"]),
    (["recipe=quickstart", "cloud=local", "cloud.limits.max_usd=1"], ["cloud.limits"]),
]


@pytest.mark.parametrize(
    ("argv", "words"), BAD, ids=lambda value: " ".join(value)[:60] if isinstance(value, list) else ""
)
def test_bad_input_is_one_clear_line(argv, words):
    with pytest.raises(BashGymError) as caught:
        [recipe.load(one) for one in overrides.expand(argv, multirun=False)]
    message = str(caught.value)
    assert "\n" not in message and caught.value.exit_code == 2
    for word in words:
        assert word in message


RECIPE_FILES = {
    "misspelt": ("sede: 3\n", ["sede", "did you mean 'seed'?"]),
    "nested": ("training:\n  learning_rat: 1\n", ["training.learning_rat", "did you mean 'learning_rate'?"]),
    "label": ("sanitizer:\n  secret:\n    x: 1\n", ["sanitizer.secret", "did you mean 'secrets'?"]),
    "typed": ("training:\n  epochs: [1]\n", ["training.epochs"]),
    "secret": ("name: ${oc.env:HOME}\n", ["oc.env"]),
    "list": ("training: [1]\n", ["training"]),
    "broken": ("training: {\n", ["broken"]),
}


@pytest.mark.parametrize("name", RECIPE_FILES)
def test_a_recipe_file_is_checked_like_the_command_line(name, tmp_path):
    body, words = RECIPE_FILES[name]
    (tmp_path / f"{name}.yaml").write_text(f"defaults:\n  - quickstart\n  - _self_\n\n{body}")
    with pytest.raises(BashGymError) as caught:
        recipe.load([f"recipe={tmp_path / f'{name}.yaml'}"])
    assert "\n" not in str(caught.value)
    for word in words:
        assert word in str(caught.value)


def test_a_recipe_that_extends_itself(tmp_path):
    (tmp_path / "loop.yaml").write_text("defaults:\n  - loop\n  - _self_\n")
    with pytest.raises(BashGymError, match="itself"):
        recipe.load([f"recipe={tmp_path / 'loop.yaml'}"])


def test_recipes_extend_recipes_and_the_command_line_wins(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "recipes").mkdir()
    (tmp_path / "recipes" / "ours.yaml").write_text(
        "defaults:\n  - quickstart\n  - override source: [claude_code]\n  - _self_\n\nseed: 7\ntraining:\n  epochs: 9\n"
    )
    found = recipe.load(["recipe=ours", "seed=8", "source=examples"])
    assert found.settings.seed == 8
    assert found.one("training").config.epochs == 9
    assert [one.label for one in found.all("source")] == ["examples"]
    assert found.one("format").config.sequence_len == found.settings.model.sequence_len
    assert found.all("curator")[0].config.seed == 8


def test_the_order_of_a_list_is_the_order_typed():
    for order in (["pii", "identity", "secrets"], ["identity", "secrets"], ["secrets"]):
        found = recipe.load(["recipe=quickstart", f"sanitizer=[{','.join(order)}]"])
        assert [one.label for one in found.all("sanitizer")] == order


def test_a_tuned_preset_that_is_not_chosen_is_a_notice(tmp_path):
    file = tmp_path / "tuned.yaml"
    file.write_text(
        "defaults:\n  - quickstart\n  - override judge: [outcome]\n  - _self_\njudge:\n  syntax:\n    x: 1\n"
    )
    found = recipe.load([f"recipe={file}"])
    assert [one.label for one in found.all("judge")] == ["outcome"]
    assert any("judge.syntax" in notice for notice in found.notices)


def test_an_empty_list_where_it_may_be():
    assert recipe.load(["recipe=quickstart", "benchmark=[]", "synthesizer=[]", "reward=[]"]).all("benchmark") == []


def test_sweeps_are_products():
    found = list(
        overrides.expand(["recipe=quickstart", "seed=1,2", "training.epochs=range(1,3)", "name='a,b'"], multirun=True)
    )
    assert [one[1:3] for one in found] == [
        ["seed=1", "training.epochs=1"],
        ["seed=1", "training.epochs=2"],
        ["seed=2", "training.epochs=1"],
        ["seed=2", "training.epochs=2"],
    ]


@pytest.mark.parametrize("name", ["git+https://host/org/pack@main#sft", "hf://org/repo@main/sft", "my files/a#b.yaml"])
def test_a_recipe_by_address_or_file_is_planned_and_swept(name: str):
    assert list(overrides.expand([f"recipe={name}"], multirun=False)) == [[f"recipe={name}"]]
    fixed, space = overrides.axes([f"recipe={name}", "seed=1,2"])
    assert fixed == [f"recipe={name}"] and list(space) == ["seed"]


def test_the_lock_is_the_resolved_recipe_and_its_hash_ignores_the_folder():
    one = recipe.load(["recipe=quickstart", "seed=5"])
    again = recipe.load(["recipe=quickstart", "seed=5", "run_dir=elsewhere"])
    other = recipe.load(["recipe=quickstart", "seed=6"])
    assert one.lock_hash() == again.lock_hash() != other.lock_hash()
    lock = yaml.safe_load(one.lock_text("k"))
    assert lock["settings"]["seed"] == 5 and lock["pseudonym_key"] == "k"
    assert len(lock["plugins"]["sanitizer"]["secrets"]["sha256"]) == 64


def test_explain_names_the_origin_of_every_value(tmp_path):
    file = tmp_path / "mine.yaml"
    file.write_text("defaults:\n  - quickstart\n  - _self_\ntraining:\n  epochs: 3\n")
    origins = {key: origin for key, _, origin in recipe.explain([f"recipe={file}", "training.learning_rate=0.5"])}
    assert origins["training.epochs"] == str(file)
    assert origins["training.learning_rate"] == "command line"
    assert origins["verdict.gold"].endswith("conf/bashgym_base.yaml")
    assert origins["sanitizer.secrets.plugin"].endswith("conf/sanitizer/secrets.yaml")
    assert all(origins.values())


def test_the_command_line_prints_one_line_and_exits_2(bashgym):
    done = bashgym("run", "recipe=quickstart", "cloud=runpdo")
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr.strip() == "bashgym: cloud=runpdo: no such preset; did you mean 'runpod'?"
    done = bashgym("rnu")
    assert done.returncode == 2 and "did you mean 'run'?" in done.stderr
    done = bashgym("run", "recipe=quickstart", "--nonsense")
    assert done.returncode == 2 and "Traceback" not in done.stderr


def test_recipes_show_and_list(bashgym):
    done = bashgym("recipes", "show", "quickstart", "seed=4", "--json")
    rows = {row["key"]: row for row in json.loads(done.stdout)}
    assert rows["seed"] == {"key": "seed", "value": 4, "origin": "command line"}
    assert Path(rows["format.plugin"]["origin"]).name == "chat.yaml"
    listed = bashgym("recipes", "list")
    assert "quickstart" in listed.stdout and "shipped" in listed.stdout
