"""The doctor says what is broken here, and what to do; on a sound machine it has nothing to say."""

import json
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from bashgym.history import doctor
from bashgym.jsonl import dumps

EXAMPLES = Path(__file__).resolve().parents[2] / "examples" / "projects"
DAY = 86_400


@pytest.fixture
def claude(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Claude Code's folder with four sessions of today."""
    folder = tmp_path / "claude"
    for slug in sorted(EXAMPLES.iterdir())[:2]:
        for file in sorted(slug.glob("*.jsonl"))[:2]:
            (folder / "projects" / slug.name).mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, folder / "projects" / slug.name / file.name)
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", str(folder))
    return folder


@pytest.fixture
def ask(bashgym: Callable, claude: Path) -> Callable[..., dict[str, list[dict]]]:
    """The checks of `bashgym doctor --json` by name; the exit code is 1 exactly where one is an error."""

    def asked(**env: str) -> dict[str, list[dict]]:
        done = bashgym("doctor", "--json", **env)
        checks = json.loads(done.stdout)
        assert done.returncode == int(any(one["level"] == "error" for one in checks)), done.stderr
        for one in checks:
            assert one["level"] in {"ok", "warning", "error"} and "\n" not in one["said"]
            assert one["evidence"] in {"measured", "estimated", "missing"}
            assert one["do"] or one["level"] != "error"
        return {name: [one for one in checks if one["name"] == name] for name in {one["name"] for one in checks}}

    return asked


def session(claude: Path) -> Path:
    return sorted((claude / "projects").glob("*/*.jsonl"))[0]


def age(file: Path, days: float) -> None:
    moment = time.time() - days * DAY
    os.utime(file, (moment, moment))


def test_a_sound_machine(bashgym: Callable, ask: Callable, claude: Path, own_home: Path):
    assert ask()["hooks"][0]["do"] == "bashgym capture install"
    bashgym("capture", "install")
    found = ask()
    assert [one["level"] for name in ("hooks", "retention", "disk") for one in found[name]] == ["ok"] * 3
    assert "4 sessions" in found["reading"][0]["said"] and found["reading"][0]["level"] == "ok"
    assert "BashGym" in found["versions"][0]["said"] and "sessions" in found["versions"][0]["said"]
    text = bashgym("doctor").stdout
    assert len(text.strip().splitlines()) == sum(map(len, found.values())) and "(measured)" in text


def test_hooks_that_cannot_run(bashgym: Callable, ask: Callable, claude: Path, own_home: Path):
    bashgym("capture", "install")
    settings = claude / "settings.json"
    sound = settings.read_text()
    python = json.loads(bashgym("capture", "status", "--json").stdout)["registered"][0]["python"]
    settings.write_text(sound.replace(python, "/gone/python3"))
    assert "/gone/python3, is gone" in ask()["hooks"][0]["said"]
    settings.write_text(sound.replace('"Stop"', '"SomethingNew"'))
    (found,) = ask()["hooks"]
    assert found["level"] == "error" and "does not know SomethingNew" in found["said"]
    settings.write_text(sound.replace("{", '{ "disableAllHooks": true,', 1))
    assert any("disableAllHooks" in one["said"] for one in ask()["hooks"])
    settings.write_text("{")
    assert ask()["settings"][0]["level"] == "error"
    settings.write_text(sound)
    (own_home / "hooks" / "capture.py").unlink()
    assert "the hook itself is gone" in ask()["hooks"][0]["said"]
    bashgym("capture", "install")
    bashgym("capture", "pause")
    assert any("paused" in one["said"] for one in ask()["hooks"])


def test_sessions_that_go_on_without_the_hooks(bashgym: Callable, ask: Callable, claude: Path, own_home: Path):
    bashgym("capture", "install")
    installed = own_home / "capture" / "installed.json"
    notes = json.loads(installed.read_text())
    (note,) = notes.values()
    note["at"] = "2026-01-01T00:00:00Z"
    installed.write_text(json.dumps(notes))
    silent = ask()["last event"]
    assert silent[0]["level"] == "warning" and "last event never" in silent[0]["said"]
    spool = own_home / "spool" / "claude_code"
    spool.mkdir(parents=True)
    for file in (claude / "projects").glob("*/*.jsonl"):
        event = {"session_id": file.stem, "hook_event_name": "Stop", "cwd": "/work/here"}
        (spool / file.name).write_bytes(dumps({"ts": "2026-11-01T00:00:00.000Z", "event": event}) + b"\n")
    (heard,) = ask()["last event"]
    assert heard["level"] == "ok" and "2026-11-01T00:00:00.000Z in /work/here" in heard["said"]
    os.utime(session(claude), (time.time() + 3600, time.time() + 3600))
    assert ask()["last event"][0]["level"] == "warning"


def test_what_is_about_to_be_deleted(bashgym: Callable, ask: Callable, claude: Path):
    age(session(claude), 28)
    (found,) = ask()["retention"]
    assert found["level"] == "warning" and "1 sessions" in found["said"] and "rescue" in found["do"]
    assert bashgym("capture", "rescue").returncode == 0
    assert ask()["retention"][0]["level"] == "ok"
    age(session(claude), 27.5)
    (claude / "settings.json").write_text('{ // long\n "cleanupPeriodDays": 3650, }')
    assert "3650 days" in ask()["retention"][0]["said"]


def test_what_cannot_be_read_or_understood(ask: Callable, claude: Path):
    with session(claude).open("a") as file:
        file.write('{"cut": \n{"type": "quantum-state", "sessionId": "x", "uuid": "q"}\n')
    found = ask()
    assert found["malformed"][0]["said"].startswith("1 of ") and session(claude).stem in found["malformed"][0]["do"]
    assert "quantum-state (1)" in found["line types"][0]["said"] and "reading" not in found
    if os.geteuid():
        session(claude).chmod(0)
        assert ask()["unreadable"][0]["level"] == "error"


def test_rules_that_cannot_be_understood(ask: Callable, own_home: Path):
    (own_home / "exclude").write_text("word\n")
    (rules,) = ask()["rules"]
    assert rules["level"] == "error" and "exclude:1" in rules["said"]


@pytest.mark.parametrize(("words", "empty", "level"), [(0, 0, "ok"), (9, 1, "ok"), (1, 9, "warning")])
def test_empty_thinking(words: int, empty: int, level: str):
    assert doctor.thinking(words, empty).level == level
