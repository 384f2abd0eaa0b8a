"""One row of a run's dataset as the tokens that would be trained on, by the trainer's own tokenizing."""

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from bashgym import axolotl, environment, jsonl, paths, yamls
from bashgym.choices import choice
from bashgym.errors import InputError, did_you_mean
from bashgym.gate.report import SPLITS
from bashgym.records import Dataset, Model

TRAINING = {  # what the tokens do not depend on, where a run has no configuration of its training yet
    "micro_batch_size": 1,
    "gradient_accumulation_steps": 1,
    "num_epochs": 1,
    "learning_rate": 1e-4,
    "optimizer": "adamw_torch",
    "bf16": False,
}


class Found(NamedTuple):
    """A row and where it stands."""

    row: dict[str, Any]
    split: str
    line: int


class Tokens(NamedTuple):
    """What became of a row: `parts` as bashgym/inside/show_tokens.py has them."""

    id: str
    place: str
    parts: list[dict[str, Any]]
    sequence_len: int


def run_folder(named: str) -> Path:
    """The folder of a run: one that is named, else the newest that has a dataset. Raises InputError."""
    home = paths.home() / "runs"
    if named:
        places = [Path(named).expanduser(), home / named]
        found = next((one for one in places if (one / "dataset").is_dir()), None)
        if found is None:
            raise InputError(f"--run: {named} is no run with a dataset; name a run's folder, or one of {home}")
        return found.resolve()
    runs = sorted(home.glob("*/dataset"), key=lambda one: one.stat().st_mtime)
    if not runs:
        raise InputError("no run has written a dataset yet; `bashgym run recipe=quickstart --until dataset` does")
    return runs[-1].parent


def find(run: Path, wanted: str) -> Found:
    """The row whose id is `wanted`, or the only one whose id begins so; without any, the first. Raises InputError."""
    begun: list[Found] = []
    known: list[str] = []
    for found in rows(run):
        name = str(found.row.get("id") or found.row.get("session_id") or "")
        if not wanted or name == wanted:
            return found
        known.append(name)
        begun += [found] if name.startswith(wanted) else []
    if len(begun) == 1:
        return begun[0]
    if begun:
        some = ", ".join(str(one.row.get("id")) for one in begun[:3])
        raise InputError(f"examples: {len(begun)} rows begin with {wanted} ({some} ...); name one")
    raise InputError(f"examples: {run / 'dataset'} has no row {wanted}{did_you_mean(wanted, known)}")


def rows(run: Path) -> Iterator[Found]:
    for split in SPLITS:
        for line in jsonl.read_lines(run / "dataset" / f"{split}.jsonl"):
            if isinstance(line.value, dict):
                yield Found(line.value, split, line.number)


def tokens(run: Path, found: Found) -> Tokens:
    """The row's tokens. Raises InputError where the training environment or the model is missing, with the way out."""
    there = environment.Environment(environment.python())
    lock = yamls.load((run / "recipe.lock.yaml").read_text(encoding="utf-8"))
    format_plugin, schema = chosen_format(lock)
    with tempfile.TemporaryDirectory() as nowhere:
        folder = Path(nowhere)
        environment.place(folder)
        config = configuration(run, lock, format_plugin.stanza(), schema, folder)
        axolotl.write(config, folder)
        jsonl.replace(folder / "row.json", jsonl.dumps(axolotl.as_strings(found.row)))
        command = ["python", "-m", "show_tokens", "--config", axolotl.CONFIG, "--row", "row.json", "--schema", schema]
        online = not axolotl.is_local(config, folder)
        answer = json.loads(environment.run(there, command, folder, folder / "log", online=online))
    name = str(found.row.get("id"))
    return Tokens(name, f"{found.split}.jsonl:{found.line}", answer["parts"], answer["sequence_len"])


def chosen_format(lock: dict[str, Any]) -> tuple[Any, str]:
    """The run's format. Raises InputError where no trainer reads what it writes."""
    ((label, entry),) = lock["plugins"]["format"].items()
    plugin = choice("format", label, {**entry["config"], "plugin": entry["plugin"]}, []).build()
    if not plugin.stanza():
        raise InputError(f"format={label}: no trainer reads these rows, so they have no tokens; the file shows them")
    return plugin, plugin.schema


def configuration(run: Path, lock: dict[str, Any], stanza: dict[str, Any], schema: str, folder: Path) -> dict[str, Any]:
    """The run's own Axolotl configuration, or what it would say of the text, to be used in `folder`."""
    written = run / axolotl.CONFIG
    settings = lock["settings"]["model"]
    if written.is_file():
        config = yamls.load(written.read_text(encoding="utf-8"))
        ours = {"plugins", "bashgym_metrics", "bashgym_rows", "test_datasets"}
        config = {key: value for key, value in config.items() if key not in ours}
        local = run / config["base_model"]
        return {**config, "base_model": str(local) if local.exists() else config["base_model"]}
    base = scratch(run, lock, folder) if settings["base"] == "scratch" else settings["base"]
    model = Model(base=base, chat_template=settings["chat_template"], sequence_len=settings["sequence_len"])
    if settings["base"] == "scratch":
        model = Model(base=base, chat_template="tokenizer_default", sequence_len=settings["sequence_len"])
    data = axolotl.data(Dataset(folder="", sha256="", rows={}, stanza=stanza, schema=schema), model)
    named = axolotl.base_model(model, folder)
    return {"base_model": named, **axolotl.template(model), **data, "sequence_len": model.sequence_len, **TRAINING}


def scratch(run: Path, lock: dict[str, Any], folder: Path) -> str:
    """The model that the run made of its rows, or the same one made anew: its tokenizer is learnt from them."""
    made = run / axolotl.MODEL
    if made.is_dir():
        return str(made)
    settings = lock["settings"]["model"]
    (folder / "dataset").symlink_to(run / "dataset")
    environment.make_scratch_model(
        folder, settings["chat_template"], settings["sequence_len"], settings["scratch"], lock["settings"]["seed"]
    )
    return str(folder / axolotl.MODEL)
