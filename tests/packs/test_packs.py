"""Packs as their users meet them: from a git repository, a Hub, a folder; trusted, changed, without a network."""

import json
import os
import shutil
from collections.abc import Callable
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from bashgym import paths, recipe, registry
from bashgym.errors import BashGymError, InputError, PluginError, RecipeError
from bashgym.packs import added, kept
from bashgym.packs.address import Address, parsed

from .conftest import RECIPE, git


def trust(name: str = "team") -> None:
    added.trust(name, kept.named(name).pin)


def test_from_an_empty_folder_added_refused_trusted_changed_and_refused_again(bashgym: Callable, team, tmp_path: Path):
    """The whole story, through the command line."""
    where = {"cwd": tmp_path / "empty"}
    done = bashgym("packs", "add", team.address, **where)
    assert done.returncode == 0 and "plugins/judge/patience.py" in done.stdout
    refused = bashgym("recipes", "show", "team_sft", **where)
    assert refused.returncode == 2 and refused.stderr.count("\n") == 1
    assert "bashgym packs trust team" in refused.stderr and "judge 'patience'" in refused.stderr
    asked = bashgym("packs", "trust", "team", **where)
    assert asked.returncode == 2 and "patience.py" in asked.stdout, "it shows, and cannot ask here"
    assert bashgym("packs", "trust", "team", "--yes", **where).returncode == 0
    shown = bashgym("recipes", "show", "team_sft", "--json", **where)
    values = {row["key"]: (row["value"], row["origin"]) for row in json.loads(shown.stdout)}
    assert values["training.epochs"][0] == 2 and values["judge.patience.steps"][0] == 20
    assert values["training.learning_rate"][0] == 0.004, "of the shipped recipe that it extends"
    first = kept.named("team").commit
    second = team.commit({"recipes/team_sft.yaml": RECIPE.replace("epochs: 2", "epochs: 4")}, rewritten=True)
    assert bashgym("recipes", "show", "team_sft", **where).returncode == 0, "nothing is fetched behind one's back"
    told = bashgym("packs", "update", "team", **where).stdout
    for word in (first, second, "force-push", "recipes/team_sft.yaml: training.epochs: 2 -> 4", "not trusted any more"):
        assert word in told
    again = bashgym("recipes", "show", "team_sft", **where)
    assert again.returncode == 2 and second[:12] in again.stderr


def test_a_recipe_by_its_address_needs_no_adding(team, monkeypatch: pytest.MonkeyPatch):
    name = f"recipe={team.address}@main#team_sft"
    with pytest.raises(PluginError, match="not trusted"):
        recipe.load([name])
    (pack,) = kept.packs()
    assert not pack.listed and "patience" not in [one.name for one in registry.catalogue() if one.origin != pack.origin]
    trust()
    team.commit({"recipes/team_sft.yaml": RECIPE.replace("epochs: 2", "epochs: 9")})
    monkeypatch.setenv("PATH", os.devnull)  # no git: what is kept is used, at its commit
    found = recipe.load([name])
    assert found.one("training").values()["epochs"] == 2
    assert found.lock()["packs"]["team"]["commit"] == pack.commit
    kept.USED.clear()
    with pytest.raises(RecipeError, match="no such recipe"):
        recipe.load(["recipe=team_sft"])
    with pytest.raises(RecipeError, match="did you mean 'team_sft'"):
        recipe.load([f"recipe={team.address}@main#team_sfr"])
    with pytest.raises(RecipeError, match="team_sft"):
        recipe.load([f"recipe={team.address}@main"])


def test_over_http_and_by_tag_and_commit(team, tmp_path: Path):
    """git's dumb protocol, from a folder that a plain web server shows."""
    git(team.folder, "tag", "v1")
    first = git(team.folder, "rev-parse", "HEAD")
    team.commit({"recipes/other.yaml": RECIPE})
    bare = tmp_path / "served" / "team.git"
    git(tmp_path, "clone", "--quiet", "--bare", str(team.folder), str(bare))
    git(bare, "update-server-info")

    class Quiet(SimpleHTTPRequestHandler):
        def __init__(self, *args: object) -> None:
            super().__init__(*args, directory=str(bare.parent))

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Quiet)
    Thread(target=server.serve_forever, daemon=True).start()
    address = f"git+http://127.0.0.1:{server.server_port}/team.git"
    try:
        assert added.add(f"{address}@v1").commit == first
        assert "recipes/other.yaml" in added.update("team", "main").after.files
        assert added.update("team", first).after.commit == first
        with pytest.raises(InputError, match="no such branch, tag or commit"):
            added.update("team", "nowhere")
    finally:
        server.shutdown()
        server.server_close()
    assert kept.named("team").commit == first, "what cannot be fetched changes nothing"
    with pytest.raises(InputError, match="git fetch failed"):
        added.update("team")


def test_a_folder_is_taken_as_it_is_now(tmp_path: Path, team):
    pack = added.add(str(team.folder))
    trust()
    assert recipe.load(["recipe=team_sft"]).one("training").values()["epochs"] == 2
    team.write({"recipes/team_sft.yaml": RECIPE.replace("epochs: 2", "epochs: 7")})
    assert recipe.load(["recipe=team_sft"]).one("training").values()["epochs"] == 2
    change = added.update("team")
    assert change.files == [("changed", "recipes/team_sft.yaml")] and not change.after.is_trusted
    assert not pack.folder.exists() and added.remove("team").folder.parent.exists() is False


def test_the_user_is_asked(bashgym: Callable, team, tmp_path: Path):
    """At a terminal: anything but yes is no."""
    import pty
    import subprocess
    import sys

    added.add(team.address)
    for answer, trusted in (("y", False), ("yes", True)):
        main, other = pty.openpty()
        env = {**os.environ, "PYTHONPATH": str(Path(registry.__file__).parent.parent)}
        command = [sys.executable, "-m", "bashgym", "packs", "trust", "team"]
        asked = subprocess.Popen(command, stdin=other, stdout=subprocess.PIPE, env=env, text=True)
        os.write(main, f"{answer}\n".encode())
        out, _ = asked.communicate(timeout=60)
        assert "Trust team at" in out and kept.named("team").is_trusted is trusted
        os.close(main), os.close(other)


def test_a_byte_changed_in_the_cache_is_noticed(team):
    added.add(team.address)
    trust()
    pack = kept.named("team")
    for path in ("plugins/judge/patience.py", "recipes/team_sft.yaml"):
        file = pack.folder / path
        text = file.read_text()
        file.chmod(0o600)
        file.write_text(text + "# one byte more\n")
        registry.load_plugin.cache_clear()
        with pytest.raises(PluginError, match="not as it was fetched"):
            recipe.load(["recipe=team_sft"])
        file.write_text(text)
    (pack.folder / "recipes" / "planted.yaml").write_text(RECIPE)
    with pytest.raises(PluginError, match=r"planted\.yaml"):
        recipe.load(["recipe=planted"])


def test_names_that_ship_are_told_and_wait_for_trust(repository: Callable):
    mine = {"recipes/quickstart.yaml": "defaults: [bashgym_base, _self_]\nseed: 5\n", "conf/cloud/local.yaml":
            (Path(registry.__file__).parent.parent / "conf/cloud/local.yaml").read_text()}  # fmt: skip
    team = repository(mine)
    added.add(team.address)
    with pytest.raises(RecipeError, match="takes the place of the one that ships"):
        recipe.load(["recipe=quickstart"])
    trust()
    found = recipe.load(["recipe=quickstart"])
    assert found.settings.seed == 5
    assert {"recipes/quickstart is that of pack team, in place of the shipped one"} <= set(found.notices)
    added.remove("team")
    assert recipe.load(["recipe=quickstart"]).settings.seed == 42


def test_a_pack_for_another_bashgym_is_refused(repository: Callable):
    for wanted, words in (
        ("'>=99'", "needs bashgym >=99"),
        ("newest", "no range of versions"),
        ("3", "text is needed"),
    ):
        team = repository({"recipes/a.yaml": RECIPE, "pack.yaml": f"bashgym: {wanted}\n"}, name=f"p{len(words)}")
        with pytest.raises(InputError, match=words):
            added.add(team.address)
    assert kept.packs() == []


ADDRESSES = {
    "git+https://host/org/pack@v1.2#name": Address("git", "git+https://host/org/pack", "v1.2", "name"),
    "git+https://host/org/pack.git": Address("git", "git+https://host/org/pack.git"),
    "git+https://host/org/pack@feature/x#a": Address("git", "git+https://host/org/pack", "feature/x", "a"),
    "git+ssh://git@host/org/pack@main": Address("git", "git+ssh://git@host/org/pack", "main"),
    "hf://org/repo@main/name": Address("hub", "hf://org/repo", "main", "name"),
    "hf://org/repo/name": Address("hub", "hf://org/repo", "", "name"),
    "hf://datasets/org/repo": Address("hub", "hf://datasets/org/repo"),
}


@pytest.mark.parametrize("text", ADDRESSES)
def test_addresses(text: str):
    assert parsed(text) == ADDRESSES[text]


@pytest.mark.parametrize(
    "text",
    ["git+ext::sh -c id", "git+ext://x/y", "git+https://u:secret@host/p", "git+https://host/p@--upload-pack=x",
     "git+https://-oProxyCommand=x/p", "https://host/p", "ftp://host/p", "hf://org", "hf://org/../x", "git+https://",
     "nowhere/at/all", "git+https://host/p@a..b", "git+https://host/p#../../x", "git+https://host/p\n", "hf://o/r@-x/y"],
)  # fmt: skip
def test_what_is_no_address(text: str):
    with pytest.raises(InputError) as caught:
        parsed(text)
    assert "\n" not in str(caught.value) and "secret" not in str(caught.value)


def test_protocols_that_are_not_safe_are_asked_for(monkeypatch: pytest.MonkeyPatch, team):
    monkeypatch.delenv("BASHGYM_PACK_PROTOCOLS")
    for address in (team.address, "git+http://host/pack", "git+git://host/pack"):
        with pytest.raises(InputError, match="not allowed"):
            added.add(address)
    added.add(team.address, allow=("file",))
    assert added.update("team").after.allow == ("file",)


def test_two_packs_of_one_name(team, repository: Callable, tmp_path: Path):
    added.add(team.address)
    other = repository({"recipes/b.yaml": RECIPE}, name="elsewhere/team")
    with pytest.raises(InputError, match="--name"):
        added.add(other.address)
    added.add(other.address, name="second")
    assert {pack.name for pack in kept.packs()} == {"team", "second"}
    with pytest.raises(BashGymError, match="did you mean 'second'"):
        kept.named("secon")


def test_unsafe_names(team):
    for name in ("../x", "/etc", "-x", "a b"):
        with pytest.raises(InputError, match="no name of a pack"):
            added.add(team.address, name)


def test_a_run_held_to_another_commit_of_a_pack_says_so(team, tmp_path: Path):
    """What is told before anything is done; the pack is used though it is known by its address only."""
    import copy

    from bashgym.lock import held
    from bashgym.lock.differences import packs as differences

    name = f"recipe={team.address}@main#team_sft"
    with pytest.raises(PluginError):
        recipe.load([name])
    trust()
    locked = recipe.load([name]).lock()
    kept.USED.clear()
    assert [pack.name for pack in held.packs(locked)] == ["team"] and set(kept.USED) == {"team"}
    assert list(differences(locked["packs"], held.packs_here(locked))) == []
    first = copy.deepcopy(locked["packs"])
    second = team.commit({"recipes/team_sft.yaml": RECIPE + "seed: 4\n"})
    added.update("team")
    (line,) = differences(first, held.packs_here(locked))
    commit = first["team"]["commit"]
    assert commit[:12] in line and second[:12] in line and f"bashgym packs update team --revision {commit}" in line
    assert added.update("team", commit).after.is_trusted
    assert list(differences(first, held.packs_here(locked))) == []
    added.remove("team")
    (line,) = differences(first, held.packs_here(locked))
    assert "is not here" in line and f"bashgym packs add {team.address}@{commit}" in line


def test_a_locked_run_under_another_commit_of_its_pack_does_nothing(bashgym: Callable, team, tmp_path: Path):
    """And the very bytes again under the commit that it had."""
    name, lock = f"recipe={team.address}@main#team_sft", tmp_path / "first" / "recipe.lock.yaml"
    session = sorted((paths.shipped("examples") / "projects").glob("*/*.jsonl"))[0]
    (tmp_path / "sessions").mkdir()
    shutil.copy(session, tmp_path / "sessions")
    with pytest.raises(PluginError):
        recipe.load([name])
    trust()
    words = [f"source.examples.path={tmp_path / 'sessions'}", "dataset.classes=[gold,silver,unverified]"]
    done = bashgym("run", name, *words, f"run_dir={lock.parent}", "--until", "dataset")
    assert done.returncode == 0, done.stderr
    second = team.commit({"recipes/team_sft.yaml": RECIPE + "seed: 4\n"})
    commit = added.update("team").before.commit
    trust()
    again = ["run", "--locked", str(lock), f"run_dir={tmp_path / 'again'}", "--until", "dataset"]
    done = bashgym(*again)
    assert done.returncode == 2 and not (tmp_path / "again").exists()
    assert f"bashgym packs update team --revision {commit}" in done.stderr and second[:12] in done.stderr
    added.update("team", commit)
    trust()
    done = bashgym(*again)
    assert done.returncode == 0, done.stderr
    for split in ("train", "validation", "test"):
        made = [folder / "dataset" / f"{split}.jsonl" for folder in (lock.parent, tmp_path / "again")]
        assert made[0].read_bytes() == made[1].read_bytes()
