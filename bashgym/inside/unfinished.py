"""Checkpoints that a kill cut short, taken away before a training goes on: Axolotl takes the newest, whole or not, and
ends where its state is missing."""

import json
import os
import shutil
from pathlib import Path

STATE = "trainer_state.json"  # the trainer writes it last


def remove(output: Path) -> None:
    """Removes what is not whole of `checkpoint-N` in the folder of a training; of several processes the first does."""
    if os.environ.get("LOCAL_RANK", "0") == "0":
        for folder in output.glob("checkpoint-*"):
            if folder.is_dir() and not whole(folder):
                shutil.rmtree(folder)


def whole(folder: Path) -> bool:
    try:
        return isinstance(json.loads((folder / STATE).read_bytes()), dict)
    except (OSError, ValueError):
        return False
