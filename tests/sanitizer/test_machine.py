"""Secrets that this machine has are replaced wherever they stand; what is short or common stays and is counted."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bashgym.registry import load
from bashgym.scan import sanitize
from bashgym.scanning import machine

KEY = bytes(range(32))
FILES = {
    ".netrc": "machine h login me password plain-Horse-77\n",
    ".npmrc": "//registry.example.org/:_authToken=orbit-lantern-quill\n",
    ".aws/credentials": "[default]\naws_secret_access_key = marble/lantern/otter+42\n",
    ".git-credentials": "https://dana:Zx9-kk21%40q@git.example.org\n",
    ".config/gh/hosts.yml": "github.com:\n    oauth_token: willow-otter-crane\n    user: dana\n",
    ".pypirc": "[pypi]\nusername = __token__\npassword = harbor-willow-moss\n",
    ".docker/config.json": '{\n\t"auths": {\n\t\t"r.io": {\n\t\t\t"auth": "ZGFuYTpoYXJib3I="\n\t\t}\n\t}\n}',
    "work/.env": "TOKEN=1\nDB_PASSWORD='maple cedar'\nexport API_KEY=\"cedar-maple-birch\"\nUSER_PASSWORD=production\n",
    "work/.env.example": "API_KEY=stone-river-cloud\n",
}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home folder with the files of tools, and an environment of three variables."""
    for name, text in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    kept = {"BASHGYM_HOME", "PATH", "KF_RULE_CACHE_DIR"}  # compiled once for all tests
    for name in [name for name in machine.os.environ if name not in kept]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("DEPLOY_TOKEN", "velvet-anchor-finch")
    monkeypatch.setenv("BUILD_TOKEN", "max")
    monkeypatch.setenv("DATABASE_URL", "postgres://svc:copper-heron-dune@db/x")
    return tmp_path


@pytest.fixture
def mine(home: Path) -> Iterator[Any]:
    plugin = load("sanitizer", "secrets")
    yield plugin(plugin.Config())


def words(home: Path) -> dict[str, str]:
    return {
        "netrc": "plain-Horse-77", "npm": "orbit-lantern-quill", "aws": "marble/lantern/otter+42", "git": "Zx9-kk21@q",
        "gh": "willow-otter-crane", "pypi": "harbor-willow-moss", "docker": "ZGFuYTpoYXJib3I=",
        "dotenv": "cedar-maple-birch", "environment": "velvet-anchor-finch", "url": "copper-heron-dune",
    }  # fmt: skip


def test_every_secret_of_the_machine_is_found_with_nothing_beside_it(home: Path, mine: Any) -> None:
    session = {"cwd": str(home / "work" / "src"), "out": [f"see {value}, ok" for value in words(home).values()]}
    after = sanitize(session, [("secrets", mine)], KEY, "s")
    left = [name for name, value in words(home).items() if value in json.dumps(after.value)]
    assert left == []
    assert all(text.startswith("see ") and text.endswith(", ok") for text in after.value["out"])


def test_also_inside_base64_and_escaped(home: Path, mine: Any) -> None:
    wrapped = base64.b64encode(b"user is dana and her word is velvet-anchor-finch today").decode()
    after = sanitize({"a": f"data: {wrapped}", "b": r"{\"x\":\"velvet-anchor-finch\"}"}, [("secrets", mine)], KEY, "s")
    assert wrapped not in after.value["a"] and "velvet" not in after.value["b"]


def test_short_and_common_values_eat_no_code_and_are_counted(home: Path, mine: Any) -> None:
    text = "max = max(1, maximum) if production else 1  # velvet-anchor-finches"
    assert sanitize(text, [("secrets", mine)], KEY, "s").value == text
    assert mine.skipped["shorter than 8 characters"] >= 1
    env = machine.known(machine.of_files([home / "work" / ".env"]))
    assert env.types == {"cedar-maple-birch": "API_KEY"}
    assert env.skipped == {"shorter than 8 characters": 1, "a placeholder or prose": 1, "a plain word": 1}


def test_a_project_the_session_did_not_work_in_is_not_read(home: Path, mine: Any) -> None:
    text = "cedar-maple-birch and stone-river-cloud"
    assert sanitize([text], [("secrets", mine)], KEY, "s").value == [text]
    assert [path.name for path in machine.project_files([str(home / "work" / "a.py")])] == [".env"]


def test_the_engine_changes_with_the_values_and_does_not_tell_them(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plugin = load("sanitizer", "secrets")
    before = plugin(plugin.Config()).engine()
    monkeypatch.setenv("DEPLOY_TOKEN", "velvet-anchor-robin")
    after = plugin(plugin.Config()).engine()
    assert before != after and "velvet" not in before + after
    assert plugin(plugin.Config(machine=False)).engine().endswith("known none")


@pytest.mark.parametrize("text", ["//server/share/x", "/proc/1/cwd", "relative/x", "\\\\server\\share"])
def test_only_folders_of_this_machine_are_looked_into(text: str) -> None:
    assert machine.project_files([text]) == []


def test_files_of_windows_are_known(tmp_path: Path) -> None:
    paths = machine.credential_files({"APPDATA": str(tmp_path / "Roaming")}, tmp_path)
    assert tmp_path / "Roaming" / "GitHub CLI" / "hosts.yml" in paths and tmp_path / "_netrc" in paths
