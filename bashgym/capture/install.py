"""The hooks: copied into the data home, registered with Claude Code, run by a Python that stays.

The copy in `$BASHGYM_HOME/hooks` is what Claude Code runs, so that sessions never depend on where BashGym is
installed. The Python is one of the system, else the one behind our virtual environment, which outlives it. Should
either vanish, the command is still silent and successful: nobody's session may fail for us (law 5)."""

import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

from bashgym import jsonl, paths
from bashgym.capture import client, events, notes, settings
from bashgym.capture.settings import MARK, Entry
from bashgym.errors import InputError

CODE = "capture.py"
TRIAL = 20.0  # seconds a Python has to show that the hook works with it
EVENT = {"session_id": "trial", "hook_event_name": "Stop", "cwd": "/"}
DEFAULT_HOME = ".bashgym"


def folder() -> Path:
    """Where the hooks lie that Claude Code runs."""
    return paths.home() / "hooks"


def shipped() -> dict[str, bytes]:
    """The hooks that come with this BashGym, by name."""
    return {path.name: path.read_bytes() for path in sorted(paths.shipped("hooks").glob("*.py"))}


def outdated() -> list[str]:
    """Names of hooks in the data home that are not those of this BashGym."""
    return [name for name, code in shipped().items() if settings.content(folder() / name) != code]


def copy() -> None:
    """Brings the hooks in the data home up to date, each in one step."""
    for name in outdated():
        jsonl.replace(folder() / name, shipped()[name])


def remove() -> None:
    """Takes the hooks out of the data home. A session that still calls them notices nothing."""
    for path in [*folder().glob("*.py"), *folder().glob("__pycache__/*.pyc")]:
        path.unlink()
    for place in (folder() / "__pycache__", folder()):
        if place.is_dir() and not any(place.iterdir()):
            place.rmdir()


def candidates() -> Iterator[str]:
    """Absolute paths of Pythons, the one least likely to go away first.

    Not macOS's /usr/bin/python3, which may be a stub that opens a window."""
    if sys.platform == "linux":
        yield "/usr/bin/python3"
    yield str(getattr(sys, "_base_executable", "") or sys.executable)
    yield sys.executable


@lru_cache
def python() -> str:
    """The Python that runs the hook. Raises InputError when none can."""
    tried = [path for path in dict.fromkeys(candidates()) if path.startswith("/")]
    for path in tried:
        if works(path):
            return path
    raise InputError(f"no Python here runs the hook (tried {', '.join(tried)}); install python3 of your system")


def works(python: str) -> bool:
    """Whether the shipped hook writes an event with this Python; tried in a folder of its own."""
    with tempfile.TemporaryDirectory() as home:
        command = [python, "-I", "-S", str(paths.shipped("hooks") / CODE)]
        try:
            done = subprocess.run(
                command,
                input=jsonl.dumps(EVENT),
                env={"BASHGYM_HOME": home, "HOME": home},
                capture_output=True,
                timeout=TRIAL,
            )
        except (OSError, subprocess.TimeoutExpired):
            return False
        wrote = Path(home, "spool", "claude_code", "trial.jsonl")
        return done.returncode == 0 and not done.stdout and wrote.is_file() and b'"Stop"' in wrote.read_bytes()


def command(python: str) -> str:
    """What the shell runs for every event. Silent and successful whatever happens: the hook prints nothing, and a
    Python or hook that is gone is no business of the session."""
    words = shlex.join([python, "-I", "-S", str(folder() / CODE)])
    home = (
        ""
        if paths.home() == Path.home().resolve() / DEFAULT_HOME
        else f"BASHGYM_HOME={shlex.quote(str(paths.home()))} "
    )
    return f"{home}{words} 2>/dev/null || : {MARK}"


def wanted(python: str, version: str | None) -> dict[str, Entry]:
    """Event -> the entry that settings should have for clients from `version` on (None: any)."""
    line = command(python)
    return {
        event: {"hooks": [{"type": "command", "command": line, "timeout": seconds}]}
        for event, seconds in events.registered(version).items()
    }


def oldest_client() -> str | None:
    """The version that hooks are registered for: a client ignores all its settings for one event it does not know."""
    found = client.clients()
    return found[0].version if found else None


def install(project: bool) -> dict[str, Any]:
    """Registers the hooks, in the user's settings or the project's; what was done. Raises InputError."""
    file = settings.path(project)
    version = oldest_client()
    entries = wanted(python(), version)
    raw = settings.content(file)
    if raw is not None and raw.strip():
        settings.parsed(file, raw)  # a file we cannot change ends this before anything is written
    fresh = bool(outdated())
    copy()
    done = settings.install(file, entries, version)
    note = notes.notes().get(str(file))
    return {
        "settings": str(file),
        "done": "upgraded" if done == "unchanged" and fresh else done,
        "client": version,
        "events": list(entries),
        "command": command(python()),
        "backup": note.backup if note else None,
        "notices": notices(file),
    }


def uninstall(project: bool) -> dict[str, Any]:
    """Takes the hooks out; what was done. Raises InputError."""
    file = settings.path(project)
    done = settings.uninstall(file)
    if not notes.notes():
        remove()
    return {"settings": str(file), "done": done}


def notices(file: Path) -> list[str]:
    """What keeps installed hooks from doing their work, or makes them do it twice."""
    found = []
    said = read(file)
    if said.get("disableAllHooks") is True:
        found.append(f"{file} has disableAllHooks: true, so no hook runs; take it out")
    for managed in managed_settings():
        if read(managed).get("allowManagedHooksOnly") is True:
            found.append(f"{managed} allows managed hooks only, so ours do not run; ask who manages this machine")
    enabled = read(settings.path(False)).get("enabledPlugins")
    twice = (
        [name for name, on in enabled.items() if on and name.startswith("bashgym@")]
        if isinstance(enabled, dict)
        else []
    )
    if twice:
        found.append(f"the plugin {twice[0]} has the same hooks, so events are kept twice; uninstall one of the two")
    return found


def managed_settings() -> list[Path]:
    """Where an administrator's settings for Claude Code are."""
    return [
        path
        for path in (
            Path("/etc/claude-code/managed-settings.json"),
            Path("/Library/Application Support/ClaudeCode/managed-settings.json"),
        )
        if path.is_file()
    ]


def read(file: Path) -> dict[str, Any]:
    """What a settings file says; nothing where it is not there or says nothing we understand."""
    raw = settings.content(file)
    if raw is None or not raw.strip():
        return {}
    try:
        value = settings.parsed(file, raw)[1].value
    except InputError:
        return {}
    return value if isinstance(value, dict) else {}
