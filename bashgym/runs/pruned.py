"""Run folders that may go: of no registered model, and no process busy with them. In doubt a run stays."""

import shutil
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from bashgym import choices, registry, yamls
from bashgym.errors import BashGymError
from bashgym.places import presets
from bashgym.recipebook.diffed import LOCK
from bashgym.run import locked
from bashgym.runs.listed import Past, elsewhere


class Judged(NamedTuple):
    """A run and why it stays; `stays` is empty where it may go."""

    run: Past
    stays: str
    bytes: int


def judged(runs: Sequence[Past], older_than_days: float) -> list[Judged]:
    """Each of `runs` with the reason it must stay, if there is one."""
    places, unasked = registered(runs)
    return [Judged(run, reason(run, places, unasked, older_than_days), run.bytes()) for run in runs]


def reason(run: Past, places: set[Path], unasked: str, older_than_days: float) -> str:
    if run.alive:
        return "a process is busy with it"
    if elsewhere(run):
        return "its job may still run on another machine"
    if run.state == "unreadable":
        return "its manifest cannot be read"
    here = run.folder.resolve()
    if any(place == here or here in place.parents for place in places):
        return "its model is registered"
    if "model" in run.content and unasked:
        return f"the model registry cannot be asked: {unasked}"
    since = str(run.content.get("finished") or run.content.get("started") or "")
    if older_than_days and (
        not since or datetime.fromisoformat(since) > datetime.now(UTC) - timedelta(older_than_days)
    ):
        return f"younger than {older_than_days:g} days"
    return ""


def registered(runs: Sequence[Past]) -> tuple[set[Path], str]:
    """Every folder a registered model lies in or came from, by each model registry that is known here: the presets'
    and those that the runs' locks name. The second is why one of them could not be asked, else empty."""
    places: set[Path] = set()
    unasked = ""
    for build in registries(runs):
        try:
            for version in build().list():
                places |= {
                    Path(version.path).resolve(),
                    Path(version.lineage.get("run_folder") or version.path).resolve(),
                }
        except (BashGymError, OSError) as error:
            unasked = str(error).split("\n")[0]
    return places, unasked


def registries(runs: Sequence[Past]) -> Iterator[Any]:
    """Functions that build the model registries, each once."""
    for label in presets("model_registry"):
        yield lambda label=label: choices.preset_plugin("model_registry", label)
    seen: list[Any] = []
    for run in runs:
        file = run.folder / LOCK
        lock = yamls.load(file.read_text(encoding="utf-8")) if file.is_file() else {}
        for entry in (lock or {}).get("plugins", {}).get("model_registry", {}).values():
            if [entry["plugin"], entry["config"]] not in seen:
                seen.append([entry["plugin"], entry["config"]])
                yield lambda entry=entry: registry.build(
                    registry.find("model_registry", entry["plugin"]), entry["config"], "model_registry"
                )


def remove(runs: Sequence[Past]) -> Iterator[Past]:
    """Removes folders whose lock can be had at this moment, and yields them."""
    for run in runs:
        with locked(run.folder) as mine:
            if mine:
                shutil.rmtree(run.folder)
                yield run
