"""The schemas against what ships, by a validator of its own (jsonschema); and the line that names them."""

import copy
import json
import re
from collections.abc import Callable
from pathlib import Path

import jsonschema
import pytest
import yaml

from bashgym import recipe
from bashgym.errors import BashGymError
from bashgym.kinds import KINDS, LISTS
from bashgym.recipebook import schema

ROOT = Path(__file__).resolve().parent.parent.parent
PRESETS = sorted(path for kind in KINDS for path in (ROOT / "conf" / kind).glob("*.yaml"))
RECIPES = [ROOT / "conf" / "bashgym_base.yaml", *sorted((ROOT / "recipes").glob("*.yaml"))]


@pytest.fixture(scope="module")
def schemas() -> dict[Path, dict]:
    return schema.files()


def errors(content: object, against: dict) -> list[str]:
    jsonschema.Draft7Validator.check_schema(against)
    return [error.message for error in jsonschema.Draft7Validator(against).iter_errors(content)]


@pytest.mark.parametrize("path", PRESETS, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_every_preset_is_valid_and_a_misspelt_key_is_not(path: Path, schemas: dict[Path, dict]):
    against = schemas[Path(path.parent.name) / schema.PRESET]
    content = yaml.safe_load(path.read_text())
    assert errors(content, against) == []
    assert errors({**content, "no_such_key": 1}, against)
    assert errors({**content, "plugin": "no_such_plugin"}, against)


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_every_recipe_is_valid(path: Path, schemas: dict[Path, dict]):
    assert errors(yaml.safe_load(path.read_text()), schemas[Path(schema.RECIPE)]) == []


WRONG = [
    {"sede": 3},
    {"training": {"epoch": 3}},
    {"training": {"epochs": "many"}},
    {"training": {"method": "ful"}},
    {"cloud": {"limits": {"max_us": 1}}},
    {"sanitizer": {"secrets": {"shortes": 3}}},
    {"model": {"scratch": {"layer": 3}}},
    {"defaults": ["quickstrat"]},
    {"defaults": ["quickstart", {"override cloud": "runpdo"}]},
    {"defaults": ["quickstart", {"override sanitizer": []}]},
    {"defaults": ["quickstart", {"overide cloud": "runpod"}]},
]


@pytest.mark.parametrize("content", WRONG, ids=json.dumps)
def test_what_the_schema_refuses_the_program_refuses(content: dict, schemas: dict[Path, dict], tmp_path: Path):
    assert errors(content, schemas[Path(schema.RECIPE)])
    file = tmp_path / "wrong.yaml"
    file.write_text(yaml.safe_dump({"defaults": ["quickstart", "_self_"]} | content))
    with pytest.raises(BashGymError):
        recipe.load([f"recipe={file}"])


def test_references_and_partial_tables_are_fine(schemas: dict[Path, dict]):
    content = {"training": {"epochs": "${seed}", "lora": {"r": 4}}, "verdict": {"gold": 0.9}}
    assert errors(content, schemas[Path(schema.RECIPE)]) == []


def test_every_key_is_described(schemas: dict[Path, dict]):
    def bare(node: dict, path: str) -> list[str]:
        found = []
        for key, value in node.get("properties", {}).items():
            described = "description" in value or all("description" in one for one in value.get("anyOf", [{}]))
            found += [] if described or "properties" in value else [f"{path}.{key}"]
            found += bare(value, f"{path}.{key}")
        return found

    whole = schemas[Path(schema.RECIPE)]
    without_labels = copy.deepcopy(whole)
    assert bare(without_labels, "") == []


@pytest.mark.parametrize("path", [*PRESETS, *RECIPES], ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_the_editors_line_leads_to_a_schema(path: Path):
    text = path.read_text()
    named = re.search(r"^# yaml-language-server: \$schema=(\S+)$", text, re.M)
    assert named, f"{path}: run make docs"
    assert (path.parent / named[1]).is_file()
    first = text.split("\n")[0]
    assert first.startswith("# @package") == (path.parent.name in LISTS), "Hydra's own line leads"


def test_hydra_still_reads_the_package_line(tmp_path: Path):
    """The line below `# @package` and not above it: above, Hydra would not see the package."""
    made = recipe.composition(["recipe=quickstart"])
    assert set(made.values["sanitizer"]) == {"secrets", "pii", "identity"}
    text = schema.with_line("# @package judge.x\nplugin: x\n", "# yaml-language-server: $schema=a")
    assert text == "# @package judge.x\n# yaml-language-server: $schema=a\nplugin: x\n"
    assert schema.with_line(text, "# yaml-language-server: $schema=a") == text


def test_the_verb_knows_a_projects_own_plugin(bashgym: Callable, tmp_path: Path):
    for part in ("plugins/judge/patience.py", "conf/judge/patience.yaml"):
        (tmp_path / part).parent.mkdir(parents=True)
        (tmp_path / part).write_bytes((ROOT / "tests" / "packages" / "local" / part).read_bytes())
    done = bashgym("schema", "--out", "recipes/recipe.schema.json")
    assert done.returncode == 0, done.stderr
    against = json.loads((tmp_path / "recipes" / "recipe.schema.json").read_text())
    assert errors({"judge": {"patience": {"steps": 3}}}, against) == []
    assert errors({"judge": {"patience": {"step": 3}}}, against)
    assert bashgym("schema", "judg").stderr.count("did you mean 'judge'") == 1


def test_a_sanitizer_under_a_shipped_name_is_not_run_for_a_schema(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "plugins" / "sanitizer").mkdir(parents=True)
    (tmp_path / "plugins" / "sanitizer" / "pii.py").write_text('"""Not ours."""\nraise SystemExit("it ran")\n')
    monkeypatch.chdir(tmp_path)
    made = schema.preset_schema("sanitizer")
    assert "pii: Not ours." in made["properties"]["plugin"]["description"]
    (rule,) = [one for one in made["allOf"] if one["if"]["properties"]["plugin"]["const"] == "pii"]
    assert rule["then"] == {"properties": {}}
