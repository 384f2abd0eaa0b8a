"""The user is replaced wherever the session names them; accounts that everybody has and code stay."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bashgym.registry import load
from bashgym.scan import Sanitized, sanitize

KEY = bytes(range(32))


@pytest.mark.parametrize(
    "path",
    [
        "/home/{}/work/app.py", "/Users/{}/code", "C:\\Users\\{}\\repo", "C:\\\\Users\\\\{}\\\\repo",
        "/mnt/c/Users/{}/repo",
        "file:///home/{}/x.txt", "/export/home/{}/.bashrc", "~/.claude/projects/-Users-{}-code-app/x.jsonl",
        "-home-{}-work", "C--Users-{}-repo", "D:/Users/{}/x", "HOME=/home/{}\\nPATH=/bin",
    ],
)  # fmt: skip
def test_home_folders_of_every_system(path: str, cleaned_text: Callable[..., str]) -> None:
    after = cleaned_text(path.format("dwhitfield"), "identity")
    head, tail = path.split("{}")
    assert after.startswith(head + "USER_") and after.endswith(tail) and "whit" not in after


def test_a_name_learnt_in_one_place_is_found_in_all(clean: Callable[..., Sanitized]) -> None:
    session = [
        {"cwd": "/home/d.whitfield/app"},
        {"stdout": "LOGNAME=d.whitfield\nssh d.whitfield@10.0.0.1", "text": "ask D.Whitfield \\nd.whitfield"},
        {"path": "/root/.claude/projects/-home-d-whitfield-app", "db": "d.whitfield_db"},
        {"text": "HOSTNAME=ws-dana-04.corp.kestrel.systems", "prompt": "copied to ws-dana-04:/tmp"},
        {"log": "Author: Dana Whitfield <x@kestrel.systems>", "text": "Dana Whitfield wrote it"},
    ]
    result = clean(session, "identity")
    text = json.dumps(result.value).lower()
    assert not any(word in text for word in ("whitfield", "ws-dana", "corp.kestrel"))
    assert set(result.counts) == {"USER", "HOST", "PERSON"}


def test_the_same_user_is_the_same_pseudonym(clean: Callable[..., Sanitized]) -> None:
    after = clean(["/home/dwhitfield/a", "by dwhitfield"], "identity").value
    assert after[0].removeprefix("/home/").removesuffix("/a") == after[1].removeprefix("by ")


@pytest.mark.parametrize(
    "text",
    [
        "/root/.bashrc /home/runner/work /home/vscode/.local /Users/Shared/x /home/user/app C:\\Users\\Public\\x",
        "/home/<user>/x /home/$USER/x /home/{name}/x /home/your-name/x",
        "--home-bg-color: red; nav-home-button",
        "HOSTNAME=localhost USER=root",
        "Co-Authored-By: Claude <noreply@anthropic.com>",
        "Author: dependabot[bot] <support@github.com>",
        "retrieves the git user.name and user.email from the repository",
        "from pathlib import Path\n@app.route('/users/list')",
    ],
)
def test_what_everybody_has_stays(text: str, cleaned_text: Callable[..., str]) -> None:
    assert cleaned_text(text, "identity") == text


def test_short_and_common_names_do_not_eat_code(clean: Callable[..., Sanitized]) -> None:
    session = ["/home/sam/x", "/Users/agent/y", "sam = same(sam)  # the agent", "sam@host", {"source": "agent"}]
    after = clean(session, "identity").value
    assert after[0].startswith("/home/USER_") and after[1].startswith("/Users/USER_")
    assert after[2] == "sam = same(sam)  # the agent" and after[4] == {"source": "agent"}
    assert after[3].startswith("USER_")


def test_no_part_of_a_longer_word_is_replaced(clean: Callable[..., Sanitized]) -> None:
    after = clean(["/home/martin/x", "martini martinet smartin martin"], "identity").value
    assert after[1].startswith("martini martinet smartin USER_")


def test_a_key_names_a_user(clean: Callable[..., Sanitized]) -> None:
    after = clean({"username": "qx7", "login": "root", "hostname": "mercer-desktop", "user": "hi"}, "identity").value
    assert after["username"].startswith("USER_") and after["hostname"].startswith("HOST_")
    assert (after["login"], after["user"]) == ("root", "hi")


def test_this_machine_and_names_of_the_recipe_are_known(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LOGNAME", "qwhitfield")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "gitconfig"))
    monkeypatch.setattr("socket.gethostname", lambda: "mercer-desktop.lan")
    for setting in (("user.name", "Quentin Whitfield"), ("user.email", "q@kestrel.systems")):
        subprocess.run(["git", "config", "--file", tmp_path / "gitconfig", *setting], check=True)
    plugin = load("sanitizer", "identity")
    mine = plugin(plugin.Config(names=["Project Larkspur"], keep=["buildbot9"]))
    text = "qwhitfield on mercer-desktop, Quentin Whitfield <q@kestrel.systems>, project larkspur, /home/buildbot9/x"
    result = sanitize(text, [("identity", mine)], KEY, "s")
    assert result.counts == {"USER": 1, "HOST": 1, "PERSON": 1, "EMAIL": 1, "NAME": 1}
    assert result.value.endswith("/home/buildbot9/x")
    assert "whitfield" not in mine.engine() and "known" in mine.engine()
    assert mine.engine() != plugin(plugin.Config(machine=False)).engine()


def test_a_home_folder_called_home_names_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/data/home")
    plugin = load("sanitizer", "identity")
    text = "cd /home && ls /mnt/home/x"
    assert sanitize(text, [("identity", plugin(plugin.Config()))], KEY, "s").value == text


def test_thousands_of_users_are_all_replaced(cleaned_text: Callable[..., str]) -> None:
    text = " ".join(f"/home/person{number}x wrote; person{number}x left" for number in range(2000))
    after = cleaned_text(text, "identity")
    assert "person" not in after and after.count("USER_") == 4000


@settings(deadline=None, max_examples=60)
@given(
    st.lists(
        st.sampled_from(
            ["/home/", "whitfield", "/Users/", "-home-", "\\n", "@", " ", "Author: ", "Al Iyer", "<a@", "USER_"]
        )
    )
)
def test_twice_is_once(clean: Callable[..., Sanitized], parts: list[str]) -> None:
    once = clean({"a": "".join(parts), "b": "whitfield"}, "identity").value
    assert clean(once, "identity").value == once


def test_the_engine_names_rules_and_lists(built: dict[str, Any]) -> None:
    assert all(word in built["identity"].engine() for word in ("kingfisher", "rules", "lists", "known"))


def test_names_beside_addresses_and_hosts_of_private_networks(cleaned_text: Callable[..., str]) -> None:
    log = "3d0e167 Maarit Zelenkov <maarit@quern.dev> Fix it\nce9eb66 Okwudili Quistgaard <ok@quern.dev> Start"
    call = "curl https://shop-1.thistlemoor.internal/v1\nhost: mail-2.quern.internal\nping shop-1.thistlemoor.internal"
    text = f"{log}\n{call}\ncurl http://metadata.google.internal/x http://host.docker.internal:80"
    clean = cleaned_text(text, "identity")
    for gone in ("Maarit", "Zelenkov", "Quistgaard", "thistlemoor", "quern.internal"):
        assert gone not in clean
    assert "metadata.google.internal" in clean and "host.docker.internal" in clean
