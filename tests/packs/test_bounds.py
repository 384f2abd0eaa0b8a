"""What a pack may not say: before it is trusted nothing that harms, and never anything below the user's own floors."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from bashgym import recipe, registry
from bashgym.errors import RecipeError
from bashgym.kinds import LISTS
from bashgym.packs import added, kept
from bashgym.powers import floors, told
from bashgym.vetting import contents

from .conftest import Repository

ROOT = Path(registry.__file__).resolve().parent.parent
HARM = {
    "an endpoint": (
        {"judge": ["semantic"]},
        {"judge.semantic.endpoints": [{"url": "https://evil.example/v1", "protocol": "openai", "model": "m"}]},
    ),
    "a teacher": ({"synthesizer": ["teacher"]}, {"synthesizer.teacher.url": "https://evil.example/v1"}),
    "a repository": ({}, {"model.base": "evil/model"}),
    "data of others": ({"source": ["hub_nlile"]}, {}),
    "a path": ({}, {"source.examples.path": "/home/somebody"}),
    "where it writes": ({}, {"run_dir": "/tmp/x"}),
    "a program": ({}, {"cloud.python": "/tmp/evil"}),
    "another machine": ({"cloud": "runpod"}, {}),
    "an Axolotl key": ({}, {"training.axolotl": {"plugins": ["evil.Plugin"]}}),
    "code of a repository": ({}, {"training.axolotl": {"trust_remote_code": True}}),
    "a limit": ({}, {"executor.workers": 64}),
}


def content(choices: dict[str, Any], values: dict[str, Any], base: str = "quickstart") -> str:
    """A recipe that extends a shipped one."""
    whole: dict[str, Any] = {"defaults": [base, *({f"override {kind}": v} for kind, v in choices.items()), "_self_"]}
    for key, value in values.items():
        inner = whole
        *tables, last = key.split(".")
        for name in tables:
            inner = inner.setdefault(name, {})
        inner[last] = value
    return yaml.safe_dump(whole, sort_keys=False)


@pytest.fixture
def pack(repository: Callable[..., Repository]) -> Callable[..., None]:
    """Adds a pack of one recipe `evil`, and of other files."""

    def add(text: str, trusted: bool = False, **files: str) -> None:
        team = repository(
            {"recipes/evil.yaml": text, **{name.replace("__", "/") + ".yaml": one for name, one in files.items()}}
        )
        added.add(team.address)
        if trusted:
            added.trust("team", kept.named("team").pin)

    return add


@pytest.mark.parametrize("name", HARM)
def test_data_that_can_harm_waits_for_trust(name: str, pack: Callable[..., None]):
    choices, values = HARM[name]
    pack(content(choices, values))
    with pytest.raises(RecipeError) as caught:
        recipe.load(["recipe=evil"])
    line = str(caught.value)
    assert "bashgym packs trust team" in line and "\n" not in line
    assert any(key in line for key in [*choices, *values])


def test_harmless_data_needs_no_trust(pack: Callable[..., None]):
    pack(content({"training": "sft_lora", "judge": ["outcome"]}, {"training.learning_rate": 1e-3, "training.epochs": 2,
         "training.device": "cpu", "description": "ours: 2 passes", "seed": 3, "verdict.gold": 0.8}))  # fmt: skip
    assert recipe.load(["recipe=evil"]).settings.seed == 3


def test_what_the_user_says_is_the_users_own(pack: Callable[..., None]):
    pack(content({"cloud": "runpod", "sanitizer": ["secrets"]}, {"cloud.limits.max_usd": 500.0}))
    found = recipe.load(["recipe=evil", "cloud=runpod", "sanitizer=[secrets]", "cloud.limits.max_usd=7"])
    assert found.one("cloud").values()["limits"]["max_usd"] == 7 and len(found.all("sanitizer")) == 1


@pytest.mark.parametrize("name", HARM)
def test_all_that_it_sets_is_shown_before_the_question(name: str, pack: Callable[..., None]):
    choices, values = HARM[name]
    pack(content(choices, values))
    seen = {one.key for one in contents(kept.named("team")).seen}
    for key in [*choices, *values]:
        assert any(one.startswith(key) for one in seen)


def preset(kind: str, plugin: str) -> tuple[str, dict[str, Any]]:
    """A shipped preset of a plugin, with its values."""
    for path in sorted((ROOT / "conf" / kind).glob("*.yaml")):
        values = yaml.safe_load(path.read_text())
        if values.get("plugin") == plugin:
            return path.stem, values
    raise AssertionError(f"{kind} {plugin}")


def worse(rule: str, value: Any) -> Any:
    """A value below `value` by a rule of conf/floors.yaml."""
    return {
        "at_most": lambda: (value or 0) + 1 if not isinstance(value, float) or value >= 1 else 1.0,
        "at_least": lambda: value - 1 if isinstance(value, int) else value / 2,
        "stays_on": lambda: False,
        "keeps_all": lambda: value[:-1],
        "adds_none": lambda: [*value, "EMAIL"],
        "keeps_all_or_empty": lambda: ["US_SSN"],
        "same": lambda: "other",
        "budgets": lambda: [{"url": "https://a.example/v1", "protocol": "openai", "model": "m", "max_usd": 1000.0}],
    }[rule]()


def lowerable() -> list[tuple[str, str, str, str]]:
    """(kind, plugin, key, rule) of every key with a floor, those of `everywhere` at each plugin that has them."""
    found = []
    for kind in sorted(path.name for path in (ROOT / "plugins").iterdir() if path.is_dir()):
        for path in sorted((ROOT / "plugins" / kind).glob("*.py")):
            try:
                values = preset(kind, path.stem)[1]
            except AssertionError:
                continue
            keys = [key for key, _ in recipe.flatten({k: v for k, v in values.items() if k != "plugin"})]
            found += [(kind, path.stem, key, rule) for key, rule in floors.of_plugin(kind, path.stem, keys)]
    return found


@pytest.mark.parametrize(("kind", "plugin", "key", "rule"), lowerable(), ids=lambda one: str(one))
def test_no_pack_lowers_a_plugins_floor(
    kind: str, plugin: str, key: str, rule: str, pack: Callable[..., None], tmp_path: Path
):
    """A test per key, for a trusted pack; the project raises the floor where the shipped one is lowest."""
    label, values = preset(kind, plugin)
    own = dict(recipe.flatten({k: v for k, v in values.items() if k != "plugin"}))
    raised: dict[str, Any] = {"machine": True, "required": True, "names": ["acme"], "rules": [], "entities": ["PERSON"]}
    floor = raised.get(key, own[key]) if rule in {"stays_on", "keeps_all"} and not own[key] else own[key]
    if rule == "keeps_all" and not floor:
        pytest.skip("nothing to keep in what ships")
    if rule == "at_least" and not floor:
        pytest.skip("nothing is lower")
    conf = tmp_path / "empty" / "conf" / kind / f"{label}.yaml"
    if floor != own[key]:
        conf.parent.mkdir(parents=True)
        package = f"# @package {kind}.{label}\n" if kind in LISTS else ""
        conf.write_text(package + yaml.safe_dump({**values, key: floor}))
    chosen = {
        "sanitizer": ["secrets", "pii", "identity", *([label] if label not in {"secrets", "pii", "identity"} else [])]
    }
    if kind != "sanitizer":
        chosen = {kind: [label] if kind in LISTS else label}
    place = f"{kind}.{label}.{key}" if kind in LISTS else f"{kind}.{key}"
    pack(content(chosen, {place: "gliner" if key == "engine" else worse(rule, floor)}), trusted=True)
    with pytest.raises(RecipeError, match="a pack may not lower") as caught:
        recipe.load(["recipe=evil"])
    assert place in str(caught.value)


@pytest.mark.parametrize(("key", "rule"), floors.of_settings().items())
def test_no_pack_lowers_a_floor_of_the_recipe(key: str, rule: str, pack: Callable[..., None], tmp_path: Path):
    base = yaml.safe_load((ROOT / "conf" / "bashgym_base.yaml").read_text())
    strict = {"verdict.floor.gold_precision": 0.5, "verdict.floor.gold_recall": 0.5, "verdict.floor.hacked_caught": 0.5,
              "verdict.floor.honest_demoted": 0.5}  # fmt: skip
    floor = strict.get(key, dict(recipe.flatten(base))[key])
    if key in strict:
        inner = base
        for name in key.split(".")[:-1]:
            inner = inner[name]
        inner[key.split(".")[-1]] = floor
        (tmp_path / "empty" / "conf").mkdir()
        (tmp_path / "empty" / "conf" / "bashgym_base.yaml").write_text(yaml.safe_dump(base, sort_keys=False))
    value = {"sanitize.style": "surrogate", "verdict.floor.labelled": "mine.jsonl"}.get(key) or worse(rule, floor)
    pack(content({}, {key: value}), trusted=True)
    with pytest.raises(RecipeError, match="a pack may not lower") as caught:
        recipe.load(["recipe=evil"])
    assert key in str(caught.value)


FIRST = "defaults:\n  - _self_\n  - bashgym_base\n  - override sanitizer: [pii]\n"  # its own values come first
SANITIZERS = {
    "drops one": content({"sanitizer": ["secrets"]}, {}),
    "drops one, speaking first": FIRST,
    "puts another in its place": content({}, {"sanitizer.pii.plugin": "identity"}),
    "empties one": content({}, {"sanitizer.secrets": {"machine": False, "providers": False}}),
}


@pytest.mark.parametrize("name", SANITIZERS)
@pytest.mark.parametrize("trusted", [True, False])
def test_no_pack_takes_a_sanitizer_away(name: str, trusted: bool, pack: Callable[..., None]):
    pack(SANITIZERS[name], trusted=trusted)
    with pytest.raises(RecipeError) as caught:
        recipe.load(["recipe=evil"])
    assert "sanitizer" in str(caught.value)


def test_nor_by_a_preset_under_a_shipped_name(pack: Callable[..., None]):
    text = (ROOT / "conf" / "sanitizer" / "secrets.yaml").read_text().replace("providers: true", "providers: false")
    pack(content({}, {}), trusted=True, conf__sanitizer__secrets=text)
    for name in ("evil", "quickstart"):
        with pytest.raises(RecipeError, match=r"sanitizer\.secrets\.providers"):
            recipe.load([f"recipe={name}"])


def test_every_setting_of_every_sanitizer_has_a_floor():
    for path in (ROOT / "plugins" / "sanitizer").glob("*.py"):
        fields = set(registry.load("sanitizer", path.stem).Config.model_fields)
        named = {key.split(".")[0] for key in floors.table()["plugins"].get(f"sanitizer.{path.stem}", {})}
        assert fields == named, f"conf/floors.yaml: {path.stem}"


def test_every_floor_names_a_key_there_is_and_a_rule_there_is():
    table = floors.table()
    for place, keys in table["plugins"].items():
        kind, name = place.split(".")
        there = dict(recipe.flatten(preset(kind, name)[1]))
        assert set(keys) <= set(there), place
        assert set(keys.values()) <= set(floors.RULES)
    assert set(table["settings"].values()) | set(table["everywhere"].values()) <= set(floors.RULES)


def test_every_url_path_and_limit_that_ships_counts_as_such():
    """The words are found by key, so new plugins' keys are looked at here."""
    expected = {"url": told.ENDPOINT, "path": told.PATH, "max_usd": told.LIMIT, "key_env": told.SECRET,
                "python": told.COMMAND, "image": told.COMMAND, "workers": told.LIMIT, "infra": told.PLACE,
                "dataset": told.REPOSITORY, "secrets": told.SECRET}  # fmt: skip
    for key, word in expected.items():
        assert told.of(f"x.y.{key}", 3 if word == told.LIMIT else "a/b") == word
    assert told.of("training.epochs", 3) == "" and told.of("training.scheduler", "cosine") == ""
    assert told.of("format.tag", "https://x") == told.ENDPOINT and told.of("format.tag", "~/x") == told.PATH
