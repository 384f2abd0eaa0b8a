"""Packs that mean harm: each is stopped with one line and exit code 2, and nothing of it is left."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from bashgym import cli
from bashgym.errors import InputError
from bashgym.packs import added, git, kept, tree

from .conftest import RECIPE, Repository
from .conftest import git as git_of

BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{two}: &{two} [{', '.join([f'*{one}'] * 9)}]\n" for one, two in zip("abcdefgh", "bcdefghi", strict=True)
)
FILES = {
    "a YAML bomb": ({"recipes/a.yaml": BOMB}, "anchors and aliases"),
    "a tag": ({"conf/judge/a.yaml": "x: !!python/object/apply:os.system [id]\n"}, "tags"),
    "endless nesting": ({"conf/judge/a.yaml": "x: " + "[" * 5000 + "]" * 5000}, "tables in each other"),
    "a list": ({"recipes/a.yaml": "- 1\n"}, "a table"),
    "no YAML": ({"recipes/a.yaml": "a: {\n"}, "not valid YAML"),
    "a path in defaults": ({"recipes/a.yaml": "defaults: [../../../etc/x]\n"}, "leads out of the pack"),
    "another search path": ({"recipes/a.yaml": "defaults: ['file:///etc']\n"}, "leads out of the pack"),
    "hydra's own": ({"recipes/a.yaml": "defaults: [{override hydra/launcher: x}]\n"}, "leads out of the pack"),
    "a huge file": ({"plugins/judge/a.py": "#" * (tree.FILE_BYTES + 1)}, "more than the"),
    "a huge YAML": ({"recipes/a.yaml": "#" * (tree.YAML_BYTES + 1)}, "more than the"),
    "a shipped plugin's name": ({"plugins/sanitizer/secrets.py": "x = 1\n"}, "takes the name of a plugin that ships"),
    "one file on some systems": ({"recipes/a.yaml": RECIPE, "recipes/A.yaml": RECIPE}, "one file on some systems"),
    "nothing": ({"src/main.py": "x = 1\n"}, "no pack"),
}


def refused(capsys: pytest.CaptureFixture, address: str, words: str) -> None:
    code = cli.main(["packs", "add", address])
    told = capsys.readouterr().err
    assert code == 2 and told.count("\n") == 1 and words in told, told
    assert kept.packs() == [] and not list((kept.home() / "files").glob("**/*"))


@pytest.mark.parametrize("name", FILES)
def test_hostile_files(name: str, repository: Callable[..., Repository], capsys: pytest.CaptureFixture):
    files, words = FILES[name]
    team = repository(files)
    refused(capsys, team.address, words)
    refused(capsys, str(team.folder), words)


@pytest.mark.parametrize("target", ["/etc", "../../..", "recipes"])
def test_a_link_in_place_of_a_folder(target: str, repository: Callable[..., Repository], capsys: pytest.CaptureFixture):
    """git's own store has no folder there, so nothing of it is kept; in a folder it is refused."""
    team = repository({"recipes/a.yaml": RECIPE})
    (team.folder / "conf").symlink_to(target)
    team.commit()
    refused(capsys, str(team.folder), "symbolic link")
    assert set(added.add(team.address).files) == {"recipes/a.yaml"}


def test_a_link_among_its_files_and_a_submodule(repository: Callable[..., Repository], capsys: pytest.CaptureFixture):
    team = repository({"recipes/a.yaml": RECIPE})
    (team.folder / "recipes" / "b.yaml").symlink_to("/etc/passwd")
    team.commit()
    refused(capsys, team.address, "symbolic link")
    refused(capsys, str(team.folder), "symbolic link")
    other = repository({"recipes/a.yaml": RECIPE}, "other")
    head = git_of(other.folder, "rev-parse", "HEAD")
    git_of(other.folder, "update-index", "--add", "--cacheinfo", f"160000,{head},plugins/judge")
    git_of(other.folder, "commit", "--quiet", "-m", "x")
    refused(capsys, other.address, "a submodule")


def test_hooks_and_filters_of_a_repository_never_run(repository: Callable[..., Repository], tmp_path: Path):
    mark = tmp_path / "ran"
    team = repository({"recipes/a.yaml": RECIPE, ".gitattributes": "*.yaml filter=evil\n"})
    for name in ("post-checkout", "post-merge", "upload-pack"):
        hook = team.folder / ".git" / "hooks" / name
        hook.parent.mkdir(exist_ok=True)
        hook.write_text(f"#!/bin/sh\ntouch {mark}\n")
        hook.chmod(0o755)
    git_of(team.folder, "config", "filter.evil.smudge", f"touch {mark}")
    added.add(team.address)
    assert not mark.exists()


PATHS = ["../x.yaml", "recipes/../../x.yaml", "recipes//x.yaml", "/etc/x.yaml", "recipes/.git/config",
         "recipes/a\\b.yaml",
         "recipes/C:x.yaml", "recipes/a\nb.yaml", "recipes/./x.yaml", "recipes/" + "d/" * 20 + "x.yaml"]  # fmt: skip


@pytest.mark.parametrize("path", PATHS)
def test_paths_that_a_server_may_tell(path: str):
    with pytest.raises(InputError, match="leads elsewhere"):
        tree.check_paths({path: 1, "recipes/a.yaml": 1}, "a pack")


def test_paths_that_lead_out_in_gits_own_objects(repository: Callable[..., Repository], tmp_path: Path):
    """git itself makes no such tree; one made by hand is refused, by git's check or by ours."""
    import subprocess

    team = repository({"recipes/a.yaml": RECIPE})
    blob = git_of(team.folder, "rev-parse", "HEAD:recipes/a.yaml")
    raw = b"100644 ../../../evil.yaml\0" + bytes.fromhex(blob)
    hashed = subprocess.run(
        ["git", "hash-object", "-t", "tree", "-w", "--literally", "--stdin"],
        cwd=team.folder,
        input=raw,
        capture_output=True,
    ).stdout.decode()
    outer = b"40000 recipes\0" + bytes.fromhex(hashed.strip())
    top = subprocess.run(
        ["git", "hash-object", "-t", "tree", "-w", "--literally", "--stdin"],
        cwd=team.folder,
        input=outer,
        capture_output=True,
    ).stdout.decode()
    commit = git_of(team.folder, "commit-tree", top.strip(), "-m", "x")
    git_of(team.folder, "update-ref", "refs/heads/main", commit)
    with pytest.raises(InputError) as caught:
        added.add(team.address)
    assert "\n" not in str(caught.value) and not list(tmp_path.rglob("evil.yaml"))


def test_a_repository_without_end_is_stopped(repository: Callable[..., Repository], monkeypatch: pytest.MonkeyPatch):
    team = repository({"recipes/a.yaml": RECIPE})
    (team.folder / "data.bin").write_bytes(os.urandom(3_000_000))
    team.commit()
    monkeypatch.setattr(git, "REPOSITORY_BYTES", 1_000_000)
    with pytest.raises(InputError, match="git fetch failed"):
        added.add(team.address)


def test_what_a_pack_calls_itself_moves_no_cursor(repository: Callable[..., Repository], capsys: pytest.CaptureFixture):
    text = '"""Harmless\x1b[2J\x1b[31m."""\n'
    team = repository(
        {"plugins/judge/mine.py": text, "recipes/a.yaml": 'description: "\\e[2Jx"\n' + RECIPE.split("desc")[0]}
    )
    assert cli.main(["packs", "add", team.address]) == 0
    assert cli.main(["packs", "show", "team"]) == 0
    assert "\x1b" not in capsys.readouterr().out
