"""Template parity: what a server would show the model beside what it was trained on, on rows of the test split."""

import json
from pathlib import Path
from typing import NamedTuple

from bashgym import axolotl, environment
from bashgym.delivery.weights import Trained
from bashgym.errors import RunFailed
from bashgym.rows import template

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

    Rows of text (preferences, prompts) were written with the template before the training: of these the template's
    own text is compared, and their tokens. Raises TemplateDiffers with the first difference."""
    rows = next((file for split in ("test", "validation", "train") if (file := split_of(trained, split))), None)
    if rows is None:
        raise RunFailed(f"{trained.run / 'dataset'}: there are no rows to compare templates on; run the recipe again")
    if not str((trained.config.get("datasets") or [{}])[0].get("type") or "").startswith("chat_template"):
        same_source(trained, model)  # the rows are text that it wrote already
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


def same_source(trained: Trained, model: Path) -> None:
    """Raises TemplateDiffers where the served template is not, letter for letter, the one that wrote the rows."""
    base = trained.run / str(trained.config["base_model"])
    written = trained.template if trained.template is not None else template.of_folder(base).source
    served = template.of_folder(model).source
    if written != served:
        pairs = enumerate(zip(written, served, strict=False), 1)
        place = next((n for n, (one, other) in pairs if one != other), min(len(written), len(served)) + 1)
        raise TemplateDiffers(f"the served template differs from the one that wrote the rows: character {place}")


def split_of(trained: Trained, split: str) -> Path | None:
    file = trained.run / "dataset" / f"{split}.jsonl"
    return file if file.is_file() and file.stat().st_size else None
