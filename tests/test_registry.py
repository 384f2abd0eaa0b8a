"""Plugins through both doors: a project's own folder and an installed package; and what may not shadow what."""

import json
import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import pytest

from bashgym import registry
from bashgym.errors import PluginError

PACKAGES = Path(__file__).parent / "packages"


def write(folder: Path, kind: str, name: str, text: str) -> Path:
    path = folder / "plugins" / kind / f"{name}.py"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_a_projects_own_plugin_is_found_chosen_and_listed(bashgym, tmp_path):
    shutil.copytree(PACKAGES / "local", tmp_path, dirs_exist_ok=True)
    listed = json.loads(bashgym("plugins", "list", "--json").stdout)
    mine = next(row for row in listed if row["name"] == "patience")
    assert mine["origin"] == "project" and mine["kind"] == "judge" and "many steps" in mine["line"]
    shown = bashgym("recipes", "show", "quickstart", "judge=[patience,outcome]", "judge.patience.steps=5", "--json")
    assert {row["key"]: row["value"] for row in json.loads(shown.stdout)}["judge.patience.steps"] == 5


def test_an_installed_package_brings_plugin_preset_and_recipe(tmp_path):
    """The real door: a wheel with an entry point, installed beside bashgym in a fresh environment."""
    site = tmp_path / "env"
    venv.create(site, with_pip=False)
    packages = next((site / "lib").glob("python*")) / "site-packages"
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run(
        [*command, "--target", str(packages), str(PACKAGES / "bashgym_sample")], check=True, capture_output=True
    )
    ours = [path for path in sys.path if path.endswith("site-packages")]
    (packages / "beside.pth").write_text("\n".join([*ours, str(Path(__file__).resolve().parent.parent)]))
    python = site / "bin" / "python"
    env = {**os.environ, "COLUMNS": "200"}

    def call(*words: str) -> str:
        done = subprocess.run([python, "-m", "bashgym", *words], cwd=tmp_path, env=env, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    rows = {row["name"]: row for row in json.loads(call("plugins", "list", "--json"))}
    assert rows["brevity"]["origin"] == "package sample"
    assert "sample_brief" in call("recipes", "list")
    values = {row["key"]: row["value"] for row in json.loads(call("recipes", "show", "sample_brief", "--json"))}
    assert values["judge.brevity.steps"] == 20 and values["judge.outcome.plugin"] == "outcome"


def test_a_pack_by_environment(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BASHGYM_PACKS", str(PACKAGES / "local"))
    assert registry.find("judge", "patience").origin == "pack local"
    monkeypatch.setenv("BASHGYM_PACKS", str(tmp_path / "nowhere"))
    with pytest.raises(PluginError, match="BASHGYM_PACKS"):
        registry.roots()


BROKEN = {
    "no_class": ("x = 1\n", "defines no class Judge"),
    "no_config": ("class Judge:\n    pass\n", "no inner Config"),
    "half": (
        "from bashgym.config import Config as Base\nclass Judge:\n    class Config(Base):\n        pass\n",
        "lacks judge",
    ),
    "crash": ("raise RuntimeError('boom')\n", "RuntimeError: boom"),
    "syntax": ("def (\n", "SyntaxError"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_plugin_says_what_it_lacks(name, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    text, words = BROKEN[name]
    write(tmp_path, "judge", name, text)
    with pytest.raises(PluginError, match=words):
        registry.load("judge", name)
    assert registry.catalogue()  # listing never imports, so it never breaks


def test_listing_imports_nothing(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    write(tmp_path, "judge", "loud", '"""Loud."""\nopen("loaded", "w").close()\n')
    assert "Loud." in [listing.line for listing in registry.catalogue()]
    assert not (tmp_path / "loaded").exists()


def test_a_plugin_changed_under_a_run_is_noticed(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    path = write(tmp_path, "judge", "moving", "x = 1\n")
    plugin = registry.find("judge", "moving")
    path.write_text("x = 2\n")
    with pytest.raises(PluginError, match="changed while the run"):
        registry.load_plugin(plugin)


def test_a_shipped_sanitizers_name_is_refused_until_trusted(monkeypatch, tmp_path, bashgym):
    monkeypatch.chdir(tmp_path)
    shipped = Path(__file__).resolve().parent.parent / "plugins" / "sanitizer" / "secrets.py"
    path = write(tmp_path, "sanitizer", "secrets", shipped.read_text() + "\n# looks harmless\n")
    with pytest.raises(PluginError, match="bashgym plugins trust sanitizer secrets"):
        registry.find("sanitizer", "secrets")
    assert bashgym("plugins", "trust", "sanitizer", "secrets").returncode == 0
    assert registry.find("sanitizer", "secrets").origin == "project"
    path.write_text(path.read_text() + "# one byte more\n")
    with pytest.raises(PluginError, match="takes the name of a shipped one"):
        registry.find("sanitizer", "secrets")


def test_taking_another_shipped_name_is_announced(monkeypatch, tmp_path):
    from bashgym import recipe

    monkeypatch.chdir(tmp_path)
    shipped = Path(__file__).resolve().parent.parent / "plugins" / "curator" / "split.py"
    write(tmp_path, "curator", "split", shipped.read_text())
    found = recipe.load(["recipe=quickstart"])
    assert any("in place of the shipped one" in notice for notice in found.notices)
    assert found.lock()["plugins"]["curator"]["split"]["shadows_shipped"] is True
