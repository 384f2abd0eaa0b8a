"""What a machine has: GPUs, disk, programs. Standard library only: sent to other machines as it stands."""

import os
import subprocess
from pathlib import Path


def memories() -> list[float]:
    """GiB of each NVIDIA GPU; none without a working nvidia-smi."""
    command = ["nvidia-smi", "--query-gpu=memory.total", "--format=csv,noheader,nounits"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=True)
    except (OSError, subprocess.SubprocessError):
        return []
    return [float(line) / 1024 for line in done.stdout.split("\n") if line.strip().replace(".", "").isdigit()]


def existing(folder: Path) -> Path:
    """The nearest folder above that is there."""
    while not folder.exists():
        folder = folder.parent
    return folder


def program(python: Path, name: str) -> str | None:
    """The command as a file beside the environment's interpreter; None when it is not there."""
    if name in ("python", "python3"):
        return str(python)
    found = python.parent / name
    return str(found) if os.access(found, os.X_OK) else None
