"""A past of one's own: sessions of Claude Code in a home that only the test knows."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from bashgym.cli import main
from bashgym.reading import remembered

ONE = "11111111-2222-4333-8444-555555555555"
TWO = "22222222-2222-4333-8444-555555555555"
THREE = "33333333-2222-4333-8444-555555555555"
MODEL = "claude-sonnet-4-5-20250929"


def usage(fresh: int = 10, output: int = 5, read: int = 100, wrote: int = 20) -> dict[str, int]:
    return {
        "input_tokens": fresh,
        "output_tokens": output,
        "cache_read_input_tokens": read,
        "cache_creation_input_tokens": wrote,
    }


class Past:
    """`projects` of a Claude Code that never ran; one call of a method is one line of a session."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.projects = home / "projects"
        self.projects.mkdir(parents=True)
        self.lines: list[dict] = []
        self.at = "2026-10-03T10:00"
        self.cwd = "/w/one"

    def line(self, kind: str, message: dict | None = None, **more: object) -> None:
        number = len(self.lines) + 1
        value = {"type": kind, "uuid": f"u{number}-{self.at}", "timestamp": f"{self.at}:{number % 60:02}.000Z"}
        value |= {"version": "2.1.40", "cwd": self.cwd, "gitBranch": "main", "isSidechain": False}
        if message is not None:
            value["message"] = message
        self.lines.append({**value, **more})

    def says(self, text: str, **more: object) -> "Past":
        self.line("user", {"role": "user", "content": text}, **more)
        return self

    def reply(self, id: str, *blocks: dict, tokens: dict | None = None, model: str = MODEL, **more: object) -> "Past":
        message = {"id": id, "role": "assistant", "model": model, "content": list(blocks), "stop_reason": "end_turn"}
        self.line("assistant", {**message, "usage": tokens or usage()}, requestId=f"req_{id}", **more)
        return self

    def calls(self, id: str, call: str, name: str, arguments: dict, **more: object) -> "Past":
        return self.reply(id, {"type": "tool_use", "id": call, "name": name, "input": arguments}, **more)

    def result(self, call: str, text: str, failed: bool = False, **more: object) -> "Past":
        block = {"type": "tool_result", "tool_use_id": call, "content": text, "is_error": failed}
        self.line("user", {"role": "user", "content": [block]}, **more)
        return self

    def save(self, session: str, folder: str = "-w-one", under: str = "") -> Path:
        """Writes what was said so far as the file of `session`, and begins anew."""
        path = self.projects / folder / (under or f"{session}.jsonl")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(json.dumps({**line, "sessionId": session}) + "\n" for line in self.lines))
        self.lines = []
        return path


def text(words: str) -> dict[str, str]:
    return {"type": "text", "text": words}


@pytest.fixture
def past(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Past:
    made = Past(tmp_path / "claude")
    monkeypatch.setenv("HOME", str(tmp_path / "user"))
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", str(made.home))
    for name in ("CODEX_HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "user").mkdir()
    (tmp_path / "stand").mkdir()
    monkeypatch.chdir(tmp_path / "stand")
    return made


@pytest.fixture
def trusting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files that a test wrote a moment ago may be remembered at once."""
    monkeypatch.setattr(remembered, "RACY", -(10**12))


@pytest.fixture
def told(capsys: pytest.CaptureFixture[str]) -> Callable[..., dict]:
    """told("collect") is what the real command line prints with --json."""

    def call(*words: str) -> dict:
        capsys.readouterr()
        assert main([*words, "--json"]) == 0
        return json.loads(capsys.readouterr().out)

    return call


@pytest.fixture
def printed(capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    def call(*words: str, code: int = 0) -> str:
        capsys.readouterr()
        assert main(list(words)) == code
        caught = capsys.readouterr()
        return caught.out + (caught.err if code else "")

    return call


def age(path: Path, days: float, now: float) -> None:
    os.utime(path, (now - days * 86_400, now - days * 86_400))
