"""A pack in a real git repository, changed and pushed as its authors would."""

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bashgym.packs import kept

PATIENCE = Path(__file__).resolve().parent.parent / "packages" / "local"
RECIPE = """defaults:
  - quickstart
  - override judge: [outcome, patience]
  - _self_
description: "a team's recipe"
training:
  epochs: 2
"""


def git(folder: Path, *words: str) -> str:
    env = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    who = ["-c", "user.name=Pia Ortega", "-c", "user.email=pia@example.org", "-c", "init.defaultBranch=main"]
    done = subprocess.run(["git", *who, *words], cwd=folder, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


class Repository:
    """A working copy and its commits."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True)
        git(folder, "init", "--quiet")

    @property
    def address(self) -> str:
        return f"git+file://{self.folder}"

    def write(self, files: dict[str, str]) -> None:
        for name, text in files.items():
            (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
            (self.folder / name).write_text(text)

    def commit(self, files: dict[str, str] | None = None, *, rewritten: bool = False) -> str:
        """The new commit; `rewritten` leaves the earlier one out of its history, as a force-push does."""
        self.write(files or {})
        git(self.folder, "add", "--all", "--force")
        git(self.folder, "commit", "--quiet", "--allow-empty", "-m", "x", *(["--amend"] if rewritten else []))
        return git(self.folder, "rev-parse", "HEAD")


@pytest.fixture(autouse=True)
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An empty folder; git on this machine's own repositories allowed; no pack in use from an earlier test."""
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    monkeypatch.setenv("BASHGYM_PACK_PROTOCOLS", "file http")
    kept.USED.clear()
    yield
    kept.USED.clear()


@pytest.fixture
def repository(tmp_path: Path) -> Callable[..., Repository]:
    def made(files: dict[str, str], name: str = "team") -> Repository:
        found = Repository(tmp_path / "remotes" / name)
        found.commit(files)
        return found

    return made


@pytest.fixture
def team(tmp_path: Path, repository: Callable[..., Repository]) -> Repository:
    """A pack with a plugin, its preset, and a recipe that extends a shipped one."""
    made = Repository(tmp_path / "remotes" / "team")
    shutil.copytree(PATIENCE, made.folder, dirs_exist_ok=True)
    made.commit({"recipes/team_sft.yaml": RECIPE, "pack.yaml": "description: a team's habits\nbashgym: '>=0.0.1'\n"})
    return made
