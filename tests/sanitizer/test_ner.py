"""A model from a folder or none: prose is looked at, output of tools is not."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bashgym.errors import PrivacyError
from bashgym.registry import load
from bashgym.scan import sanitize

KEY = bytes(range(32))
PROSE = "Please ask Marlowe Okafor about it before you change the cache again."


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A real spaCy model of rules instead of weights, saved to a folder."""
    spacy = pytest.importorskip("spacy")
    model = spacy.blank("en")
    model.add_pipe("entity_ruler").add_patterns(
        [
            {"label": "PERSON", "pattern": "Marlowe Okafor"},
            {"label": "GPE", "pattern": "Tallinn"},
            {"label": "ORG", "pattern": "Quern"},
        ]
    )
    path = tmp_path_factory.mktemp("model") / "en_rules"
    model.to_disk(path)
    return path


@pytest.fixture(scope="module")
def made() -> Callable[..., Any]:
    plugin = load("sanitizer", "ner")
    return lambda **settings: plugin(plugin.Config(**settings))


def cleaned(value: Any, sanitizer: Any) -> Any:
    return sanitize(value, [("ner", sanitizer)], KEY, "s").value


def test_a_model_in_a_folder_finds_names_in_prose(made: Callable[..., Any], folder: Path) -> None:
    mine = made(path=str(folder))
    after = cleaned({"text": f"{PROSE} Quern moved to Tallinn."}, mine)["text"]
    assert "Marlowe" not in after and "PERSON_" in after and "LOCATION_" in after and "Quern" in after
    assert "ORGANIZATION_" in cleaned(
        "They say that Quern moved again", made(path=str(folder), entities=["ORGANIZATION"])
    )


def test_output_of_tools_is_no_prose(made: Callable[..., Any], folder: Path) -> None:
    code = 'owner = {"Marlowe Okafor": [1, 2], "Tallinn": (3, 4)}; print(owner["Marlowe Okafor"][0])'
    assert cleaned(code, made(path=str(folder))) == code


def test_absent_and_optional_is_said_and_finds_nothing(made: Callable[..., Any], tmp_path: Path) -> None:
    for mine in (made(), made(path=str(tmp_path / "nowhere"))):
        assert mine.engine() == "ner: absent" and cleaned(PROSE, mine) == PROSE


def test_absent_and_required_stops(made: Callable[..., Any], tmp_path: Path) -> None:
    for path in ("", str(tmp_path / "nowhere"), "en_core_web_sm"):
        with pytest.raises(PrivacyError, match=r"sanitizer\.ner\.path"):
            made(path=path, required=True)


def test_a_folder_without_a_model_stops(made: Callable[..., Any], tmp_path: Path) -> None:
    with pytest.raises(PrivacyError, match="holds no model of spacy"):
        made(path=str(tmp_path))


def test_an_engine_that_is_missing_stops(
    made: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "gliner", None)
    with pytest.raises(PrivacyError, match="gliner is not installed"):
        made(path=str(tmp_path), engine="gliner")


def test_the_engine_is_the_model_s_files(made: Callable[..., Any], folder: Path) -> None:
    before = made(path=str(folder)).engine()
    (folder / "note").write_text("changed")
    assert before != made(path=str(folder)).engine() != "ner: absent"
