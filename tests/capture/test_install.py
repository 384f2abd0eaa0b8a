"""Our hooks go into any settings file and come out again; everything else stays."""

import json
import os
import shlex
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bashgym import jsonc
from bashgym.capture import install
from bashgym.capture import settings as files
from bashgym.errors import InputError
from tests.test_jsonc import texts

PYTHON = sys.executable
WANTED = install.wanted(PYTHON, "2.1.329")
OWN = {"matcher": "Write|Edit", "hooks": [{"type": "command", "command": "fmt # mine", "timeout": 5}]}
SEVERAL = {"hooks": [{"type": "command", "command": "say done"}, {"type": "http", "url": "http://127.0.0.1:1/x"}]}
EVENTS = st.sampled_from(["Stop", "PostToolUse", "Notification", "SessionStart", "SubagentStop"])
HOOKS = st.dictionaries(EVENTS, st.lists(st.sampled_from([OWN, SEVERAL]), max_size=3), max_size=4)
OTHERS = {
    "model": st.sampled_from(["opus", ""]),
    "permissions": st.just({"allow": ["Bash(git *)"], "deny": []}),
    "env": st.dictionaries(st.text("AB", min_size=1, max_size=2), st.text(max_size=3), max_size=2),
    "x-unknown": st.none() | st.lists(st.integers(), max_size=2),
    "hooks": HOOKS,
}


@st.composite
def written(draw: st.DrawFn) -> str:
    """A settings file of somebody's own: any order of keys, comments, blanks, own hooks."""
    keys = draw(st.lists(st.sampled_from(sorted(OTHERS)), unique=True))
    return draw(texts({key: draw(OTHERS[key]) for key in keys}))


def value(text: str) -> dict:
    return jsonc.parse(text).value


def bare(found: dict) -> dict:
    """Settings without hooks of ours, and without what only they kept from being empty."""
    hooks = {
        event: [
            {**entry, "hooks": kept}
            for entry in entries
            if (kept := [hook for hook in entry["hooks"] if not files.is_ours(hook)])
        ]
        for event, entries in found.get("hooks", {}).items()
    }
    hooks = {event: entries for event, entries in hooks.items() if entries}
    return {**{key: one for key, one in found.items() if key != "hooks"}, **({"hooks": hooks} if hooks else {})}


@given(written())
def test_our_hooks_are_added_and_nothing_else_changes(text: str):
    changed = files.with_ours(text, WANTED)
    found, before = value(changed), value(text)
    assert all(entry in found["hooks"][event] for event, entry in WANTED.items())
    assert bare(found) == bare(before)
    assert [key for key in found if key in before] == list(before), "the order of keys"
    for event, entries in before.get("hooks", {}).items():
        assert found["hooks"][event][: len(entries)] == entries, "the user's own hooks come first, as they were"
    assert files.with_ours(changed, WANTED) == changed, "a second install changes nothing"
    assert comments(changed) == comments(text)


@given(written())
def test_taking_out_leaves_what_was_there(text: str):
    changed = files.without_ours(files.with_ours(text, WANTED))
    assert bare(value(changed)) == bare(value(text))
    assert comments(changed) == comments(text)
    assert not files.events(jsonc.parse(changed))


@given(written(), st.sampled_from(["/old/python", "/usr/bin/python3.99"]))
def test_an_older_install_is_replaced(text: str, python: str):
    older = {event: WANTED[event] for event in list(WANTED)[:4]} | {"Notification": WANTED["Stop"]}
    older = json.loads(json.dumps(older).replace(PYTHON, python))
    changed = files.with_ours(files.with_ours(text, older), WANTED)
    assert python not in changed
    assert sorted(place.event for place in files.ours(jsonc.parse(changed))) == sorted(WANTED)
    assert bare(value(changed)) == bare(value(text))


def comments(text: str) -> list[str]:
    """The comments, each begun by a mark that no string of these files holds."""
    return sorted(word for word in ("note, [", "{,}", "// x") for _ in range(text.count(word)))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(written(), st.sampled_from([0o644, 0o600, 0o640]), st.booleans())
def test_uninstalling_gives_back_the_very_bytes(own_home: Path, text: str, mode: int, linked: bool):
    folder = own_home / os.urandom(8).hex()
    folder.mkdir()
    real = folder / "dotfiles" if linked else folder / "settings.json"
    real.write_bytes(text.encode())
    real.chmod(mode)
    file = folder / "settings.json"
    if linked:
        file.symlink_to("dotfiles")
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert files.install(file, WANTED) == "installed"
    backup = next(path for path in folder.iterdir() if files.BACKUP in path.name)
    assert backup.read_bytes() == text.encode() and stat.S_IMODE(backup.stat().st_mode) == mode
    assert file.is_symlink() == linked and stat.S_IMODE(real.stat().st_mode) == mode
    installed = file.read_bytes()
    assert files.install(file, WANTED) == "unchanged" and file.read_bytes() == installed
    older = json.loads(json.dumps(WANTED).replace(PYTHON, "/another/python"))
    assert files.install(file, older) == "upgraded", "an upgrade still knows the way back"
    assert files.uninstall(file) == "restored"
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert file.is_symlink() == linked and stat.S_IMODE(real.stat().st_mode) == mode
    assert files.uninstall(file) == "absent"


def test_what_its_owner_changed_since_stays(tmp_path: Path):
    file = tmp_path / "settings.json"
    file.write_text('{\n  "model": "opus"\n}\n')
    files.install(file, WANTED)
    file.write_text(file.read_text().replace('"opus"', '"haiku" /* cheaper */'))
    assert files.install(file, json.loads(json.dumps(WANTED).replace(PYTHON, "/other"))) == "upgraded"
    assert files.uninstall(file) == "removed"
    assert file.read_text() == '{\n  "model": "haiku" /* cheaper */\n}\n'


def test_a_file_and_folders_that_were_not_there_are_gone_again(tmp_path: Path):
    file = tmp_path / "new" / ".claude" / "settings.json"
    assert files.install(file, WANTED) == "created"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert files.uninstall(file) == "deleted" and not (tmp_path / "new").exists()
    files.install(file, WANTED)
    (file.parent / "agents").mkdir()
    assert files.uninstall(file) == "deleted" and file.parent.is_dir() and not file.exists()
    files.install(file, WANTED)
    file.write_text(file.read_text().replace("{\n", '{\n  "model": "x",\n', 1))
    assert files.install(file, json.loads(json.dumps(WANTED).replace(PYTHON, "/other"))) == "upgraded"
    assert files.uninstall(file) == "removed" and json.loads(file.read_text()) == {"model": "x"}


def test_a_link_to_nowhere_stays_one(tmp_path: Path):
    file = tmp_path / "settings.json"
    file.symlink_to(tmp_path / "dotfiles" / "claude.json")
    assert files.install(file, WANTED) == "created" and (tmp_path / "dotfiles" / "claude.json").is_file()
    assert files.uninstall(file) == "deleted"
    assert file.is_symlink() and not (tmp_path / "dotfiles").exists()


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b'{"a": 1,\n "b" }', "line 2"),
        (b"\xff\xfe{}", "not UTF-8"),
        (b"[]", "not an object"),
        (b'{"hooks": []}', "hooks is not an object"),
        (b'{"hooks": {"Stop": {}}}', r"hooks\.Stop is not a list"),
        (b"hello", "line 1"),
    ],
)
def test_a_file_that_cannot_be_understood_is_left_alone(bashgym: Callable, own_home: Path, raw: bytes, said: str):
    file = own_home / "claude" / "settings.json"
    file.parent.mkdir()
    file.write_bytes(raw)
    for word in ("install", "uninstall"):
        done = bashgym("capture", word, CLAUDE_CONFIG_DIR=str(file.parent))
        assert done.returncode == 2 and len(done.stderr.strip().splitlines()) == 1
        assert said.replace("\\", "") in done.stderr and "nothing was changed" in done.stderr
    assert file.read_bytes() == raw and [path.name for path in file.parent.iterdir()] == ["settings.json"]


def test_of_repeated_keys_only_the_one_that_counts_is_changed():
    text = '{"hooks": {"Stop": [1]}, "hooks": {"Stop": [{"hooks": 7}], "Stop": [{"hooks": [3]}]}}'
    changed = files.with_ours(text, {"Stop": WANTED["Stop"]})
    assert changed.startswith('{"hooks": {"Stop": [1]}, ') and value(changed)["hooks"]["Stop"][0] == {"hooks": [3]}
    assert files.without_ours(changed) == text


def test_a_hook_of_ours_among_others_is_taken_out_alone():
    ours = WANTED["Stop"]["hooks"][0]
    text = json.dumps({"hooks": {"Stop": [{"hooks": [OWN["hooks"][0], ours]}]}}, indent=4)
    assert value(files.without_ours(text)) == {"hooks": {"Stop": [{"hooks": OWN["hooks"]}]}}


def run_hook(command: str, event: dict, home: Path) -> subprocess.CompletedProcess:
    """As Claude Code does: a shell, the event on stdin, an environment that knows nothing of us."""
    env = {"PATH": "/usr/bin:/bin", "HOME": str(home)}
    return subprocess.run(["sh", "-c", command], input=json.dumps(event).encode(), env=env, capture_output=True)


def test_the_command_works_and_its_absence_is_silent(bashgym: Callable, own_home: Path, tmp_path: Path):
    claude = tmp_path / "claude"
    done = bashgym("capture", "install", "--json", CLAUDE_CONFIG_DIR=str(claude))
    assert done.returncode == 0, done.stderr
    facts = json.loads(done.stdout)
    assert facts["done"] == "created" and facts["client"] is None
    registered = json.loads((claude / "settings.json").read_text())["hooks"]
    assert set(registered) == set(facts["events"]) == set(install.wanted(PYTHON, None))
    assert not {"WorktreeCreate", "WorktreeRemove", "MessageDisplay", "FileChanged"} & set(registered)
    command = registered["Stop"][0]["hooks"][0]["command"]
    words = shlex.split(command)
    assert Path(words[1]).is_absolute() and words[2:4] == ["-I", "-S"]
    event = {"session_id": "one", "hook_event_name": "Stop", "cwd": str(tmp_path)}
    done = run_hook(command, event, tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    spool = own_home / "spool" / "claude_code" / "one.jsonl"
    assert json.loads(spool.read_text())["event"] == event
    state = json.loads(bashgym("capture", "status", "--json", CLAUDE_CONFIG_DIR=str(claude)).stdout)
    assert state["registered"][0]["current"] and state["registered"][0]["alive"]
    assert state["projects"][0]["folder"] == str(tmp_path) and state["spool"]["sessions"] == 1

    for broken in (command.replace(words[1], "/gone/python3"), command.replace("capture.py", "gone.py")):
        done = run_hook(broken, event, tmp_path)
        assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    (claude / "settings.json").write_text((claude / "settings.json").read_text().replace(words[1], "/gone/python3"))
    shown = bashgym("capture", "status", CLAUDE_CONFIG_DIR=str(claude)).stdout
    assert "/gone/python3 is gone" in shown and "bashgym capture install" in shown
    assert bashgym("capture", "install", CLAUDE_CONFIG_DIR=str(claude)).returncode == 0
    assert bashgym("capture", "uninstall", CLAUDE_CONFIG_DIR=str(claude)).returncode == 0
    assert not (claude / "settings.json").exists() or "hooks" not in (claude / "settings.json").read_text()
    assert not (own_home / "hooks").exists() and spool.exists(), "what was captured stays"


def test_the_project_has_a_file_of_its_own(bashgym: Callable, own_home: Path, tmp_path: Path):
    assert bashgym("capture", "install", "--project", CLAUDE_CONFIG_DIR=str(own_home / "c")).returncode == 0
    assert (tmp_path / ".claude" / "settings.local.json").is_file() and not (own_home / "c").exists()
    assert bashgym("capture", "uninstall", "--project").returncode == 0
    assert not (tmp_path / ".claude").exists()


def test_a_home_with_blanks_and_quotes_is_no_trap(bashgym: Callable, tmp_path: Path):
    home, claude = tmp_path / 'it\'s "my" $HOME;x', tmp_path / "claude"
    assert bashgym("capture", "install", BASHGYM_HOME=str(home), CLAUDE_CONFIG_DIR=str(claude)).returncode == 0
    command = json.loads((claude / "settings.json").read_text())["hooks"]["Stop"][0]["hooks"][0]["command"]
    event = {"session_id": "one", "hook_event_name": "Stop", "cwd": str(tmp_path)}
    assert run_hook(command, event, tmp_path).returncode == 0
    assert (home / "spool" / "claude_code" / "one.jsonl").is_file()
    state = json.loads(
        bashgym("capture", "status", "--json", BASHGYM_HOME=str(home), CLAUDE_CONFIG_DIR=str(claude)).stdout
    )
    assert state["registered"][0]["current"] and state["registered"][0]["alive"]


def test_events_are_those_that_the_oldest_client_knows(bashgym: Callable, tmp_path: Path):
    claude, program = tmp_path / "claude", tmp_path / "bin" / "claude"
    (claude / "projects" / "x").mkdir(parents=True)
    program.parent.mkdir()
    program.write_text("#!/bin/sh\necho '2.1.329 (Claude Code)'\n")
    program.chmod(0o755)
    env = {"PATH": f"{program.parent}:{os.environ['PATH']}", "CLAUDE_CONFIG_DIR": str(claude)}
    newest = json.loads(bashgym("capture", "install", "--json", **env).stdout)
    assert newest["client"] == "2.1.329" and "PostToolUseFailure" in newest["events"]
    line = json.dumps({"version": "1.0.100", "cwd": "/"}) + "\n"
    (claude / "projects" / "x" / "s.jsonl").write_text(line)
    older = json.loads(bashgym("capture", "install", "--json", **env).stdout)
    assert older["client"] == "1.0.100" and "PostToolUseFailure" not in older["events"]
    assert set(json.loads((claude / "settings.json").read_text())["hooks"]) == set(older["events"])
    long_ago = 1_700_000_000
    os.utime(claude / "projects" / "x" / "s.jsonl", (long_ago, long_ago))
    assert json.loads(bashgym("capture", "install", "--json", **env).stdout)["done"] == "upgraded"
    program.write_text("#!/bin/sh\nexit 1\n")
    assert json.loads(bashgym("capture", "install", "--json", **env).stdout)["client"] is None


def test_the_python_is_no_virtual_environments(own_home: Path):
    chosen = Path(install.python())
    assert chosen.is_absolute() and not (chosen.parent.parent / "pyvenv.cfg").exists()


def test_other_hooks_are_warned_of(tmp_path: Path, own_home: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", str(tmp_path))
    (tmp_path / "settings.json").write_text('{"disableAllHooks": true, "enabledPlugins": {"bashgym@bashgym": true}}')
    told = install.install(False)["notices"]
    assert len(told) == 2 and "disableAllHooks" in told[0] and "twice" in told[1]


def test_pause_and_resume(bashgym: Callable, own_home: Path):
    assert "paused" in bashgym("capture", "pause").stdout and (own_home / "paused").exists()
    assert "already paused" in bashgym("capture", "pause").stdout
    assert json.loads(bashgym("capture", "resume", "--json").stdout) == {"paused": False, "changed": True}
    assert not (own_home / "paused").exists()


def test_exclude_and_let_in_again(bashgym: Callable, own_home: Path, tmp_path: Path):
    (tmp_path / "client").mkdir()
    (own_home / "exclude").write_text("# mine\n/kept")
    assert str(tmp_path / "client") in bashgym("capture", "exclude", "client").stdout
    bashgym("capture", "exclude", "git@github.com:Owner/Name.git")
    assert "already" in bashgym("capture", "exclude", "https://github.com/owner/name/").stdout
    lines = f"# mine\n/kept\n{tmp_path / 'client'}\ngithub.com/owner/name\n"
    assert (own_home / "exclude").read_text() == lines
    assert bashgym("capture", "exclude", "--remove", "ssh://git@github.com/owner/name").returncode == 0
    assert bashgym("capture", "exclude", "--remove", "./client/").returncode == 0
    assert (own_home / "exclude").read_text() == "# mine\n/kept\n"
    done = bashgym("capture", "exclude", "--remove", "/keep")
    assert done.returncode == 2 and "did you mean '/kept'" in done.stderr
    assert bashgym("capture", "exclude", "word").returncode == 2
    assert json.loads(bashgym("capture", "exclude", "--json").stdout) == {"excluded": ["/kept"]}


def test_a_read_only_folder_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    if os.geteuid() == 0:
        monkeypatch.setattr(
            tempfile, "mkstemp", lambda **_: (_ for _ in ()).throw(PermissionError(13, "Permission denied"))
        )
    file = tmp_path / "settings.json"
    file.write_text("{}")
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(InputError, match=r"cannot be written \(Permission denied\)"):
            files.install(file, WANTED)
        assert file.read_text() == "{}"
    finally:
        tmp_path.chmod(0o700)
