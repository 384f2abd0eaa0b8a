"""A pack of one's own: a judge with its preset, a recipe, tests, and CI that runs them."""

from collections.abc import Iterator
from pathlib import Path

from bashgym import __version__, paths, recipe
from bashgym.errors import BashGymError
from bashgym.packs.address import NAME
from bashgym.scaffold import plugin

KIND = "judge"
BASE = "quickstart"
PACK = """# What this pack is. Others add it with: bashgym packs add git+https://HOST/ORG/{name}
description: "recipes and plugins of {name}"
# the versions of BashGym that it was tried with
bashgym: ">={version}"
"""
RECIPE = """# Starts from a recipe that ships, and judges with this pack's own judge as well.
defaults:
  - {base}
  # a list takes the place of the other recipe's: these are its own, and ours
  - override judge: [{judges}, {plugin}]
  - _self_

# shown by `bashgym recipes list`
description: "the {base}, judged by {plugin} too"
"""
README = """# {name}

A pack for BashGym: recipes, presets and plugins.

    bashgym packs add git+https://HOST/ORG/{name}     # fetched at one commit
    bashgym packs trust {name}                        # shows what is in it, and asks
    bashgym run recipe={plugin}

`plugins/KIND/NAME.py` holds a plugin, `conf/KIND/NAME.yaml` its preset, `recipes/NAME.yaml` a recipe.
One more plugin, with its preset and test: `bashgym plugins new KIND NAME`. Tests: `python -m pytest`.
"""
RECIPE_TEST = '''"""Every recipe of the pack can be put together."""

from pathlib import Path

import pytest

from bashgym import recipe

ROOT = Path(__file__).resolve().parents[1]


@pytest.mark.parametrize("path", sorted((ROOT / "recipes").glob("*.yaml")), ids=lambda path: path.stem)
def test_recipe(path: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("BASHGYM_HOME", str(tmp_path / "home"))
    assert recipe.load([f"recipe={path.stem}"]).settings.description
'''
CI = """name: test
on: [push, pull_request]
permissions:
  contents: read
jobs:
  test:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - uses: actions/setup-python@v5
        with:
          python-version: "3.11"
      - run: python -m pip install bashgym pytest
      - run: python -m pytest --import-mode=importlib
"""


def write(name: str) -> Iterator[Path]:
    """The files that were written, into a folder of the pack's name. Raises BashGymError where it is there already."""
    if not NAME.fullmatch(name):
        raise BashGymError(f"packs new: '{name}' is no name; write letters, digits, - and _")
    top = paths.project() / name
    if top.exists():
        raise BashGymError(f"{top}: is there already; give the pack another name")
    own = plugin_name(name)
    texts = {
        "pack.yaml": PACK,
        "README.md": README,
        f"recipes/{own}.yaml": RECIPE,
        "tests/test_recipes.py": RECIPE_TEST,
        ".github/workflows/test.yml": CI,
        ".gitignore": "__pycache__/\n",
    }
    plugin.check(KIND, own)
    judges = ", ".join(choice.label for choice in recipe.load([f"recipe={BASE}"]).all(KIND))
    words = {"name": name, "plugin": own, "version": __version__, "base": BASE, "judges": judges}
    for path, text in texts.items():
        (top / path).parent.mkdir(parents=True, exist_ok=True)
        for word, value in words.items():
            text = text.replace(f"{{{word}}}", value)
        (top / path).write_text(text, encoding="utf-8")
        yield top / path
    yield from plugin.write(KIND, own, top)


def plugin_name(name: str) -> str:
    """A pack's name as a plugin's."""
    plain = "".join(char if char.isalnum() else "_" for char in name.lower()).strip("_")
    return f"{plain if plain[:1].isalpha() else f'pack_{plain}'}_judge"
