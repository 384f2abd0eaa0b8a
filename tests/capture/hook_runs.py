"""How the tests run the hook: as Claude Code does, a process with the event on stdin."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

HOOKS = Path(__file__).resolve().parents[2] / "hooks"
PYTHON = getattr(sys, "_base_executable", sys.executable)
ID = "5d1c9f6e-0000-4000-8000-000000000001"


def event(**fields: Any) -> dict[str, Any]:
    return {"session_id": ID, "hook_event_name": "PostToolUse", "tool_name": "Bash", **fields}


def environment(**more: str) -> dict[str, str]:
    """What the hook sees besides; the home is the test's own."""
    return {"PATH": os.environ["PATH"], "HOME": os.environ["BASHGYM_HOME"] + "/user"} | {
        "BASHGYM_HOME": os.environ["BASHGYM_HOME"], **more
    }  # fmt: skip


def run(said: Any, *, hook: Path = HOOKS / "capture.py", python: str = PYTHON, **options: Any) -> None:
    """Runs the hook and holds it to its word: exit 0, and nothing printed. Bytes go in as they are."""
    raw = said if isinstance(said, bytes) else json.dumps(said).encode()
    env = options.pop("env", None) or environment()
    done = subprocess.run(
        [python, "-I", "-S", str(hook)], input=raw, env=env, capture_output=True, timeout=60, **options
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def home() -> Path:
    return Path(os.environ["BASHGYM_HOME"])


def spool() -> Path:
    return home() / "spool" / "claude_code"


def files() -> list[str]:
    return sorted(path.name for path in spool().glob("*"))


def kept(session: str = ID) -> list[dict[str, Any]]:
    """The lines of a session, each of them whole."""
    path = spool() / f"{session}.jsonl"
    if not path.exists():
        return []
    raw = path.read_bytes()
    assert raw.endswith(b"\n")
    return [json.loads(line) for line in raw.split(b"\n")[:-1]]
