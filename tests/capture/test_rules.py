"""The hook decides what is kept out without BashGym; it decides as BashGym does."""

import os
import tempfile
from pathlib import Path
from unittest.mock import patch

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bashgym.capture.hooks import module
from bashgym.errors import InputError
from bashgym.reading import excluded

NAMES = ["a", "b", "src", "Ünï", "x y", "a.b", ".hidden", "[z]", "node_modules"]
FOLDERS = st.lists(st.sampled_from(NAMES), max_size=3).map("/".join)
GLOBS = st.one_of(
    st.sampled_from(
        ["*", "a", "/a", "a/", "src/a", "**/b", "./a", "*.b", "?", "[a-b]", "[!a]", "**", "*/b", "# note", "", "  a  ",
         "!a", "\\a", "[z]", ".*", "node_*", "a//b", "/", "**/", "./", "a\r", "﻿b"]
    ),
    st.text(st.sampled_from("ab/*?[]!.# "), max_size=6),
)  # fmt: skip
URLS = [
    "git@github.com:Acme/Secret.git", "https://user:token@github.com/acme/secret", "ssh://git@host.example:2222/x/y.git/",
    "github.com/acme/secret", "acme/secret", "secret", "../local/clone", "/srv/git/acme/secret.git", "file:///srv/x.git",
    "HTTPS://GitHub.com//acme//secret/", "host:acme/secret", "acme/secret.git.git", "https://[::1]:80/acme/secret",
]  # fmt: skip
ENTRIES = st.one_of(
    FOLDERS.map(lambda folder: "{root}/" + folder),
    st.sampled_from(
        [*URLS, "# note", "", "~", "~/a", "/", "{root}/link", "{root}/a/../b", "{root}//a/", "//etc", "a b"]
    ),
    st.text(st.sampled_from("aA/:@.~#%+ -é"), max_size=8),
)
PLACES = st.one_of(FOLDERS, st.sampled_from(["link", "link/a", "linked", "linked/src", "a/../b", "./a", "worktree/a"]))


def make(root: Path, links: list[tuple[str, str]], ignores: dict[str, list[str]], repositories: dict[str, str]) -> None:
    """Folders with ignore files and git configurations, a link to one of them and a linked worktree."""
    for folder in {*ignores, *repositories, "a", "b"}:
        (root / folder).mkdir(parents=True, exist_ok=True)
    for name, target in links:
        if not (root / name).exists():
            (root / name).symlink_to(root / target)
    for folder, globs in ignores.items():
        (root / folder / ".bashgymignore").write_text("\n".join(globs))
    for folder, config in repositories.items():
        (root / folder / ".git").mkdir(exist_ok=True)
        (root / folder / ".git" / "config").write_text(config)
        inner = root / folder / ".git" / "worktrees" / "one"
        inner.mkdir(parents=True, exist_ok=True)
        (inner / "commondir").write_text("../..\n")
        (root / "worktree").mkdir(exist_ok=True)
        (root / "worktree" / ".git").write_text(f"gitdir: {inner}\n")


CONFIGS = st.builds(
    "".join,
    st.lists(
        st.one_of(
            st.sampled_from(URLS).map('[remote "origin"]\n\turl = {}\n'.format),
            st.sampled_from(URLS).map(
                '[core]\n url = {}\n[REMOTE "x"] pushurl="{}" ; note\n'.replace("{}", "{0}").format
            ),
            st.just("[branch]\n  remote = origin\n"),
        ),
        max_size=3,
    ),
)


@settings(max_examples=300)
@given(
    entries=st.lists(ENTRIES, max_size=3),
    ignores=st.dictionaries(FOLDERS, st.lists(GLOBS, max_size=3), max_size=2),
    repositories=st.dictionaries(FOLDERS, CONFIGS, max_size=2),
    places=st.lists(PLACES, min_size=1, max_size=4),
)
@example(
    entries=["acme/secret"],
    ignores={},
    repositories={"a": '[remote "o"]\nurl=x@h:acme/Secret\n'},
    places=["worktree/a"],
)
def test_the_hook_decides_as_bashgym_does(
    entries: list[str], ignores: dict[str, list[str]], repositories: dict[str, str], places: list[str]
):
    """What BashGym refuses to understand, the hook keeps out."""
    with tempfile.TemporaryDirectory() as folder:
        root, home = Path(folder, "root"), Path(folder, "home")
        root.mkdir()
        home.mkdir()
        make(root, [("link", "a"), ("linked", "b")], ignores, repositories)
        (home / "exclude").write_text("\n".join(entries).replace("{root}", str(root)))
        with patch.dict(os.environ, {"BASHGYM_HOME": str(home), "HOME": str(root)}):
            for place in [f"{root}/{one}" for one in places]:
                try:
                    wanted = excluded.load().covers(place)
                except InputError:
                    wanted = True
                assert module("rules").covers(str(home), place) == wanted, place
                assert module("capture").kept_out(str(home), [place], ()) == wanted, place


@pytest.mark.parametrize("place", ["", "relative", "a/b", "/a\0b", "/" + "x" * 5000, "/ünï", "C:\\work"])
def test_places_that_are_none(place: str, own_home: Path):
    (own_home / "exclude").write_text("/excluded\n")
    assert module("rules").covers(str(own_home), place) == excluded.load().covers(place) is False


@settings(max_examples=100)
@given(st.lists(st.text(max_size=8), max_size=4), st.lists(st.text(max_size=8), max_size=3), st.booleans())
def test_forgotten_sessions(sessions: list[str], others: list[str], damaged: bool):
    with tempfile.TemporaryDirectory() as folder:
        lines = [excluded.digest(one) for one in sessions] + (["no digest"] if damaged else [])
        Path(folder, "forgotten").write_text("\n".join(lines))
        with patch.dict(os.environ, {"BASHGYM_HOME": folder}):
            for one in sessions + others:
                try:
                    wanted = excluded.load().forgotten(one)
                except InputError:
                    wanted = True
                assert module("rules").forgotten(folder, one) == wanted
