"""Template parity: what a server would show the model beside what it was trained on, on rows of the test split."""

import json
from pathlib import Path
from typing import NamedTuple

from bashgym import axolotl, environment
from bashgym.delivery.weights import Trained
from bashgym.errors import RunFailed

MOST = 200  # rows; a template that differs does so in the first ones


class Parity(NamedTuple):
    """What was compared; all counts are measured."""

    rows: int
    replies: int
    tokens: int


class TemplateDiffers(RunFailed):
    """A server would show the model something else than it was trained on."""


def check(trained: Trained, model: Path) -> Parity:
    """Compares on the first 200 test rows (train where there are none).

    Raises TemplateDiffers with the first difference; RunFailed where the rows are text and not conversations."""
    rows = next((file for split in ("test", "validation", "train") if (file := split_of(trained, split))), None)
    if rows is None:
        raise RunFailed(f"{trained.run / 'dataset'}: there are no rows to compare templates on; run the recipe again")
    if not str((trained.config.get("datasets") or [{}])[0].get("type", "")).startswith("chat_template"):
        raise RunFailed(
            f"{trained.run / axolotl.CONFIG}: it was trained on rows of text, so there are no conversations to compare "
            "templates on; --unchecked exports without"
        )
    environment.place(trained.run)
    where, log = environment.Environment(environment.python()), trained.run / "logs" / "parity.log"
    command = ["python", "-m", "parity", "--config", axolotl.CONFIG, "--rows", str(rows)]
    command += ["--served", str(model.resolve()), "--most", str(MOST)]
    local = axolotl.is_local(trained.config, trained.run)
    said = environment.run(where, command, trained.run, log, env={"PYTHONPATH": "inside"}, online=not local)
    found = json.loads(said.strip().splitlines()[-1])
    if found["difference"]:
        raise TemplateDiffers(f"the served template differs from the training's: {found['difference']}")
    return Parity(found["rows"], found["replies"], found["tokens"])


def split_of(trained: Trained, split: str) -> Path | None:
    file = trained.run / "dataset" / f"{split}.jsonl"
    return file if file.is_file() and file.stat().st_size else None
