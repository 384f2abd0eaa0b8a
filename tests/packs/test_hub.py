"""Packs of the Hub, through huggingface_hub's own client against a Hub on loopback."""

import importlib.util
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest

from bashgym import recipe
from bashgym.errors import InputError, PluginError
from bashgym.packs import added, kept

from .conftest import PATIENCE, RECIPE

FILES = {
    "recipes/team_sft.yaml": RECIPE,
    "plugins/judge/patience.py": (PATIENCE / "plugins/judge/patience.py").read_text(),
    "conf/judge/patience.yaml": (PATIENCE / "conf/judge/patience.yaml").read_text(),
    "model.safetensors": "not of the pack",
}


def fake() -> ModuleType:
    path = Path(__file__).resolve().parent.parent / "fakes" / "hub.py"
    spec = importlib.util.spec_from_file_location("fake_hub", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules["fake_hub"] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[object]:
    """huggingface_hub reads its endpoint once, at its import."""
    from huggingface_hub import constants

    with fake().Hub() as server:
        monkeypatch.setattr(constants, "ENDPOINT", server.url)
        template = server.url + "/{repo_id}/resolve/{revision}/{filename}"
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
        monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)  # where an earlier test had it imported offline
        yield server


def test_the_whole_story_from_the_hub(hub, monkeypatch: pytest.MonkeyPatch):
    first = hub.push("team/pack", FILES)
    name = "recipe=hf://team/pack@main/team_sft"
    with pytest.raises(PluginError, match="bashgym packs trust pack"):
        recipe.load([name])
    pack = kept.named("pack")
    assert pack.commit == first and set(pack.files) == set(FILES) - {"model.safetensors"}
    added.trust("pack", pack.pin)
    assert recipe.load([name]).one("training").values()["epochs"] == 2
    second = hub.push("team/pack", {**FILES, "recipes/team_sft.yaml": RECIPE.replace("epochs: 2", "epochs: 6")})
    assert recipe.load([name]).one("training").values()["epochs"] == 2, "pinned"
    change = added.update("pack")
    assert change.after.commit == second and change.files == [("changed", "recipes/team_sft.yaml")]
    with pytest.raises(PluginError, match=second[:12]):
        recipe.load([name])
    assert added.update("pack", first).after.is_trusted, "that very commit was trusted"
    assert added.add(f"hf://team/pack@{second}", name="new").commit == second


@pytest.mark.parametrize(
    ("lie", "words"),
    [({"path": "recipes/../../evil.yaml", "size": 1}, "leads elsewhere"),
     ({"path": "plugins/judge/big.py", "size": 2_000_000_000}, "more than the"),
     ({"path": "recipes/absent.yaml", "size": 1}, "check the address")],
)  # fmt: skip
def test_a_hub_that_lies(hub, lie: dict, words: str):
    hub.push("team/pack", FILES)
    hub.lies.append({"type": "file", "oid": "0" * 40, **lie})
    with pytest.raises(InputError, match=words) as caught:
        added.add("hf://team/pack")
    assert "\n" not in str(caught.value) and kept.packs() == []


def test_what_is_not_there(hub, capsys: Callable):
    hub.push("team/pack", FILES)
    for address in ("hf://team/nowhere", "hf://team/pack@nowhere"):
        with pytest.raises(InputError, match="check the address") as caught:
            added.add(address)
        assert "\n" not in str(caught.value)
