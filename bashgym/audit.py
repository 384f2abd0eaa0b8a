"""Datasets that were written, past today's gate: rules improve, and what passed once may not pass again."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import yaml

from bashgym import paths, yamls
from bashgym.choices import choice, preset_plugin
from bashgym.errors import BashGymError, InputError, PrivacyError
from bashgym.gate import vault
from bashgym.gate.report import changed, dataset_hash, read, write
from bashgym.gate.sweep import Sweep
from bashgym.kinds import Sanitizer
from bashgym.manifest import now
from bashgym.records import Record
from bashgym.stages.gate import count, found, set_aside
from bashgym.store import Store


class Audited(Record, frozen=True, kw_only=True):
    """What became of one run's dataset: `passed`, or why not; the models that were trained on it."""

    run: str
    folder: str
    dataset: str
    passed: bool
    why: str = ""
    rows: int = 0
    values: int = 0
    lost: int = 0  # sessions whose removed values the store no longer has: they could not be looked for
    models: tuple[str, ...] = ()


class Model(NamedTuple):
    """A registered model's name and version, and the hash of the dataset it was trained on."""

    name: str
    dataset: str


def runs(named: Sequence[str]) -> list[Path]:
    """The folders of the runs named (a folder, or a name under runs/), of all runs when none is."""
    home = paths.home() / "runs"
    if not named:
        return sorted(file.parent for file in home.glob("*/manifest.json") if (file.parent / "dataset").is_dir())
    folders = []
    for name in named:
        folder = next(
            (one for one in (Path(name).expanduser(), home / name) if (one / "manifest.json").is_file()), None
        )
        if folder is None:
            raise InputError(f"audit: {name} is no run; name a run's folder, or one of {home}")
        folders.append(folder)
    return folders


def audit(folder: Path, models: Sequence[Model]) -> Audited:
    """Puts the dataset in a run's folder past the gate again; where it fails, it is moved to quarantine.

    Raises PrivacyError when a sanitizer of the run is not there any more: nothing can be said then."""
    report, dataset = read(folder), folder / "dataset"
    sha256 = report.dataset if report else ""
    trained = tuple(model.name for model in models if sha256 and model.dataset == sha256)
    result = Audited(run=folder.name, folder=str(folder), dataset=sha256, passed=False, models=trained)
    if not dataset.is_dir():
        return msgspec.structs.replace(result, why="there is no dataset; it may lie in quarantine")
    if report is None:
        return msgspec.structs.replace(result, why="no leak gate has looked at it")
    if dataset_hash(dataset) != report.dataset:
        return msgspec.structs.replace(result, why=changed(folder))
    values, lost = known_values(report.sessions)
    sweep = Sweep(values)
    hits = list(found(dataset, sweep, sanitizers(folder)))
    fresh = msgspec.structs.replace(report, passed=not hits, hits=tuple(hits), values=len(sweep.values), when=now())
    rows = sum(count(path) for path in dataset.glob("*.jsonl"))
    write(folder, fresh)
    why = ""
    if hits:
        first = hits[0]
        why = f"{len(hits)} places, the first {first.type} ({first.rule}) at {first.file}:{first.line}; moved to "
        why += str(set_aside(folder, dataset))
    return msgspec.structs.replace(result, passed=not hits, why=why, rows=rows, values=len(sweep.values), lost=lost)


def known_values(sessions: Sequence[str]) -> tuple[dict[str, str], int]:
    """What was removed from the sessions, and how many of them the store no longer knows."""
    store, values, lost = Store(paths.home() / "store"), {}, 0
    for key in sessions:
        try:
            values.update(vault.get(store, key))
        except PrivacyError:
            lost += 1
    return values, lost


def sanitizers(folder: Path) -> list[tuple[str, Sanitizer]]:
    """The sanitizers of a run as they are today, with the run's own settings where they still take them."""
    try:
        lock = yamls.load((folder / "recipe.lock.yaml").read_text())
        chosen: dict[str, Any] = lock["plugins"]["sanitizer"]
    except (OSError, yaml.YAMLError, KeyError, TypeError):
        raise PrivacyError(f"{folder}/recipe.lock.yaml cannot be read, so nothing can be said of its dataset") from None
    return [(label, built(label, entry)) for label, entry in chosen.items()]


def built(label: str, entry: dict[str, Any]) -> Sanitizer:
    try:
        plugin: Sanitizer = choice("sanitizer", label, {**entry["config"], "plugin": entry["plugin"]}, []).build()
    except BashGymError:
        plugin = preset_plugin("sanitizer", label)  # its settings are of another version: today's, then
    return plugin


def registered(preset: str) -> Iterator[Model]:
    """Every version in a model registry with the dataset it was trained on."""
    for version in preset_plugin("model_registry", preset).list():
        yield Model(f"{version.name} {version.version}", version.lineage.get("dataset_sha256", ""))
