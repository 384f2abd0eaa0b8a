"""Rules of a team: found as recipes are, checked before the engine sees them, and told in one line what is wrong."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from bashgym.errors import BashGymError, RecipeError
from bashgym.registry import load
from bashgym.scan import sanitize
from bashgym.scanning import rule_files

KEY = bytes(range(32))
GOOD = {
    "name": "Ticket of the deploy desk",
    "id": "kestrel.ticket.deploy",
    "pattern": r"\bDESK-([a-z]{3}-[a-z]{3}-[a-z]{3})\b",
    "examples": ["DESK-abc-def-ghi"],
}


def written(folder: Path, *rules: dict[str, Any]) -> Path:
    file = folder / "conf" / "sanitizer" / "rules" / "kestrel.yaml"
    file.parent.mkdir(parents=True)
    file.write_text(yaml.safe_dump({"rules": list(rules)}))
    return file


@pytest.fixture(params=["project", "pack"])
def team(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is searched: the one the user stands in, or a pack."""
    here, pack = tmp_path / "here", tmp_path / "pack"
    for folder in (here, pack):
        folder.mkdir()
    monkeypatch.chdir(here)
    monkeypatch.setenv("BASHGYM_PACKS", str(pack))
    monkeypatch.setenv("BASHGYM_HOME", str(tmp_path / "home"))
    return here if request.param == "project" else pack


def built() -> Any:
    plugin: Any = load("sanitizer", "secrets")
    return plugin(plugin.Config(rules=["kestrel"], providers=False, machine=False))


def test_a_teams_rule_is_found_and_names_its_pseudonyms(team: Path) -> None:
    file = written(team, GOOD)
    mine = built()
    clean = sanitize("see DESK-qwe-rty-uio, not DESK-1", [("secrets", mine)], KEY, "s")
    assert "qwe" not in clean.value and "DESK-TICKET_" in clean.value and "DESK-1" in clean.value
    assert clean.by_rule == {"secrets/kestrel.ticket.deploy": 1}
    before = mine.engine()
    file.write_text(file.read_text().replace("a-z", "a-y"))
    assert built().engine() != before  # what was cached under the old rules is not taken for theirs


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"pattern": None}, "rules.0.pattern"),
        ({"patern": "x"}, "rules.0.patern"),
        ({"id": "bashgym.ticket.deploy"}, "begin with the name of your team"),
        ({"id": "deploy"}, "rules.0.id"),
        ({"examples": []}, "rules.0.examples"),
        ({"pattern": r"DESK-(\d+"}, "kestrel.ticket.deploy"),
        ({"examples": ["nothing of it"]}, "finds nothing in its example 1"),
    ],
)
def test_a_bad_rule_gives_one_line(
    change: dict[str, Any], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BASHGYM_HOME", str(tmp_path / "home"))
    file = written(tmp_path, {key: value for key, value in (GOOD | change).items() if value is not None})
    with pytest.raises(BashGymError) as error:
        built()
    assert said in str(error.value) and file.name in str(error.value) and "\n" not in str(error.value)


def test_what_is_not_there_and_what_is_no_yaml(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(RecipeError, match=r"there is no conf/sanitizer/rules/kestrel.yaml .*there are: .*secrets"):
        rule_files.named("kestrel")
    written(tmp_path).write_text("rules: [\n - a: b: c")
    with pytest.raises(RecipeError, match="cannot be read as YAML in line 2"):
        rule_files.checked(rule_files.named("kestrel"))
