"""`bashgym plugins new` and `bashgym packs new`: what they write passes its own tests, and works, at once."""

import itertools
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from bashgym import recipe, registry
from bashgym.errors import BashGymError
from bashgym.kinds import KINDS, LISTS
from bashgym.packs import added, kept
from bashgym.scaffold import pack, plugin

ROOT = Path(registry.__file__).resolve().parent.parent


@pytest.fixture(autouse=True)
def project(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)


def run_tests(folder: Path) -> str:
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    words = ["-q", "-p", "no:cacheprovider", "--import-mode=importlib", "."]
    done = subprocess.run([sys.executable, "-m", "pytest", *words], cwd=folder, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    return done.stdout


def test_every_kind_passes_its_own_tests_the_laws_and_the_linters(tmp_path: Path):
    for kind in KINDS:
        written = list(plugin.write(kind, f"my_{kind}"))
        assert [path.relative_to(tmp_path).parts[0] for path in written] == ["plugins", "conf", "tests"]
    list(pack.write("team-pack"))
    assert f"{2 * len(KINDS) + 1 + 3} passed" in run_tests(tmp_path), "two each, one of two cases; three of the pack"
    for kind in KINDS:
        text = (tmp_path / "conf" / kind / f"my_{kind}.yaml").read_text()
        assert text.startswith(f"# @package {kind}.my_{kind}") is (kind in LISTS)
        lines = text.split("\n")
        for above, line in itertools.pairwise(lines):
            assert above.strip().startswith("#") or not line[:1].isalpha(), f"{kind}: {line} has no comment"
        assert set(yaml.safe_load(text)) == {"plugin", *registry.load(kind, f"my_{kind}").Config.model_fields}
    config = ["--config", str(ROOT / "pyproject.toml"), "--extend-ignore", "I001", "plugins", "tests"]
    assert subprocess.run([sys.executable, "-m", "ruff", "check", *config], capture_output=True).returncode == 0
    config = ["--config", str(ROOT / "pyproject.toml"), "--check", "plugins", "tests"]
    assert subprocess.run([sys.executable, "-m", "ruff", "format", *config], capture_output=True).returncode == 0


def test_a_new_pack_can_be_added(tmp_path: Path, bashgym: Callable):
    told = bashgym("packs", "new", "team-pack")
    assert told.returncode == 0 and "team_pack_judge.py" in told.stdout and "test.yml" in told.stdout
    pinned = added.add(str(tmp_path / "team-pack"))
    added.trust("team-pack", kept.named("team-pack").pin)
    found = recipe.load(["recipe=team_pack_judge", "judge.team_pack_judge.steps=3"])
    shipped = [choice.label for choice in recipe.load(["recipe=quickstart"]).all("judge")]
    assert "reward_hacking" in shipped, "what its recipe starts from"
    assert [choice.label for choice in found.all("judge")] == [*shipped, "team_pack_judge"]
    assert found.lock()["packs"]["team-pack"]["sha256"] == pinned.sha256


def test_a_new_plugin_is_chosen_at_once(bashgym: Callable):
    assert bashgym("plugins", "new", "judge", "mine").returncode == 0
    assert recipe.load(["recipe=quickstart", "judge=[mine]", "judge.mine.steps=3"]).one("judge").values() == {
        "steps": 3
    }


@pytest.mark.parametrize(
    ("kind", "name", "words"),
    [("jugde", "mine", "did you mean 'judge'"), ("judge", "outcome", "already"), ("judge", "../x", "is no name"),
     ("judge", "My", "is no name"), ("judge", "judge", "is no name"), ("judge", "list", "is no name")],
)  # fmt: skip
def test_names_that_will_not_do(kind: str, name: str, words: str):
    with pytest.raises(BashGymError, match=words):
        list(plugin.write(kind, name))


def test_nothing_is_overwritten(tmp_path: Path):
    list(plugin.write("judge", "mine"))
    (tmp_path / "plugins" / "judge" / "mine.py").unlink()
    with pytest.raises(BashGymError, match="is there already"):
        list(plugin.write("judge", "mine"))
    list(pack.write("team"))
    with pytest.raises(BashGymError, match="is there already"):
        list(pack.write("team"))
