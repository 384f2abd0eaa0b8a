"""Where things are: what ships, the user's project, the data home. The only file that knows."""

import os
from pathlib import Path

HERE = Path(__file__).resolve().parent
INSIDE = "inside"  # our code for the training environment: here, and in a run's folder


def shipped(name: str) -> Path:
    """A shipped folder such as `conf`: inside the package in a wheel, beside it in a checkout."""
    inside = HERE / name
    return inside if inside.exists() else HERE.parent / name


def project() -> Path:
    """The folder the user stands in; its `conf/`, `recipes/` and `plugins/` come first."""
    return Path.cwd()


def home() -> Path:
    """`$BASHGYM_HOME` (default `~/.bashgym`), created for this user only: everything the program keeps."""
    folder = Path(os.environ.get("BASHGYM_HOME") or Path.home() / ".bashgym").expanduser().resolve()
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder


def spool() -> Path:
    """Where the hooks write: `claude_code/<session>.jsonl`, one line an event (see hooks/capture.py)."""
    return home() / "spool"


def archive() -> Path:
    """Copies of session files that their agents will delete: `claude_code/<as in projects/>.gz`, compressed."""
    return home() / "archive"


def envs() -> Path:
    """`$BASHGYM_ENVS` (default the user's cache folder): the training environments, large and shared."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return Path(os.environ.get("BASHGYM_ENVS") or cache / "bashgym" / "envs").expanduser().resolve()


def compiled_rules() -> Path:
    """Where kingfisher keeps rules as it has compiled them, which takes seconds: `$KF_RULE_CACHE_DIR`, the variable it
    goes by itself, else under the data home. Kept under a hash of the rules; nothing of a session is in them."""
    folder = Path(os.environ.get("KF_RULE_CACHE_DIR") or home() / "cache" / "kingfisher").expanduser().resolve()
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder


def claude_home() -> Path:
    """Claude Code's own folder: `$CLAUDE_CONFIG_DIR`, default `~/.claude`."""
    return Path(os.environ.get("CLAUDE_CONFIG_DIR") or Path.home() / ".claude").expanduser()


def resolve(text: str) -> Path:
    """A path as a recipe writes it: `shipped:NAME` is a folder of ours, `~` the home, else from the project."""
    if text.startswith("shipped:"):
        return shipped(text.removeprefix("shipped:"))
    path = Path(text).expanduser()
    return path if path.is_absolute() else project() / path
