"""The smallest whole run that trains: a few of the example sessions, a tiny model, six steps, nothing measured."""

import shutil
from pathlib import Path

SESSIONS = Path(__file__).resolve().parents[2] / "examples" / "projects" / "-home-mvolkhart-code-cobaltine"
SMALL = ["model.sequence_len=1024", "model.scratch.hidden_size=32", "model.scratch.layers=1", "model.scratch.heads=2"]
SMALL += ["model.scratch.vocab_size=600", "training.max_steps=6", "training.logging_steps=1", "benchmark=[]"]


def sessions(folder: Path) -> list[str]:
    """What is typed for a copy of the sessions in `folder`, of which all that did not fail are trained on."""
    shutil.copytree(SESSIONS, folder / SESSIONS.name)
    return [f"source.examples.path={folder}", "dataset.classes=[gold,silver,unverified]"]
