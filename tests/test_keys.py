"""The pseudonym key goes from one home to another and gives the same pseudonyms there; nothing else opens its file."""

from collections.abc import Callable
from pathlib import Path

import pytest

from bashgym import keys, paths, pseudonyms
from bashgym.errors import InputError, PrivacyError

WORDS = "a long enough passphrase"


@pytest.fixture(autouse=True)
def cheap(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(keys, "COST", 2**10)  # the cost is there to slow attackers, not tests


def other_home(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    monkeypatch.setenv("BASHGYM_HOME", str(folder))


def test_same_pseudonyms_over_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    name = pseudonyms.pseudonym(pseudonyms.load_key(), "EMAIL", "dana@brackenweb.net")
    here = keys.export(tmp_path / "team.key", WORDS)
    assert (tmp_path / "team.key").stat().st_mode & 0o077 == 0
    assert pseudonyms.load_key() not in (tmp_path / "team.key").read_bytes()
    other_home(monkeypatch, tmp_path / "other")
    assert keys.take(tmp_path / "team.key", WORDS, replace=False) == here
    assert pseudonyms.pseudonym(pseudonyms.load_key(), "EMAIL", "dana@brackenweb.net") == name


def test_a_key_in_use_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    keys.export(tmp_path / "team.key", WORDS)
    other_home(monkeypatch, tmp_path / "other")
    mine = pseudonyms.load_key()
    with pytest.raises(PrivacyError, match="another key"):
        keys.take(tmp_path / "team.key", WORDS, replace=False)
    assert pseudonyms.load_key() == mine
    keys.take(tmp_path / "team.key", WORDS, replace=True)
    assert (paths.home() / "keys" / f"pseudonym.{pseudonyms.key_id(mine)}.key").read_bytes() == mine


def test_what_does_not_open(tmp_path: Path):
    file = tmp_path / "team.key"
    keys.export(file, WORDS)
    with pytest.raises(PrivacyError, match="passphrase"):
        keys.opened(file, "another passphrase")
    damaged = tmp_path / "damaged"
    content = bytearray(file.read_bytes())
    content[-10] ^= 1
    damaged.write_bytes(content)
    with pytest.raises((PrivacyError, InputError)):
        keys.opened(damaged, WORDS)
    for text in ("", "{}", "[1]", '{"format": "x", "salt": "", "nonce": "", "key": ""}'):
        damaged.write_text(text)
        with pytest.raises(InputError, match="no key that"):
            keys.opened(damaged, WORDS)
    with pytest.raises(InputError, match="there already"):
        keys.export(file, WORDS)
    with pytest.raises(InputError, match="at least"):
        keys.export(tmp_path / "new", "short")


def test_on_the_command_line(bashgym: Callable, tmp_path: Path):
    (tmp_path / "words").write_text(WORDS + "\n")
    file = str(tmp_path / "team.key")
    done = bashgym("keys", "export", file, "--passphrase-file", str(tmp_path / "words"))
    assert done.returncode == 0, done.stderr
    shown = bashgym("keys", "show").stdout.strip()
    assert shown in done.stdout
    done = bashgym(
        "keys", "import", file, "--passphrase-file", str(tmp_path / "words"), BASHGYM_HOME=str(tmp_path / "h")
    )
    assert done.returncode == 0, done.stderr
    assert bashgym("keys", "show", BASHGYM_HOME=str(tmp_path / "h")).stdout.strip() == shown
    done = bashgym("keys", "export", str(tmp_path / "again"))
    assert done.returncode == 2
    assert "passphrase" in done.stderr
