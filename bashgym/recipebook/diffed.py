"""What two recipes, locks or runs differ in: what they mean, not how they are written."""

from pathlib import Path
from typing import Any, NamedTuple

import orjson
import yaml

from bashgym import paths, recipe
from bashgym.errors import InputError, did_you_mean
from bashgym.kinds import KINDS, LISTS

LOCK = "recipe.lock.yaml"
SAID_ONLY = {"recipe", "overrides", "settings.description"}  # what a person reads and no stage does
ONLY_RUNS = {"pseudonym_key", "sessions.sha256", "dataset.sha256", "gate.canaries_seed"}  # a recipe has none yet


class Difference(NamedTuple):
    """One thing that differs; None where a side has no such thing."""

    key: str
    first: Any
    second: Any

    @property
    def change(self) -> str:
        if self.first is None:
            return "added"
        return "removed" if self.second is None else "changed"


def differences(first: str, second: str) -> list[Difference]:
    """Of two of: a recipe's name or file, a lock file, a run's name or folder."""
    one, other = meaning(first), meaning(second)
    both_ran = ONLY_RUNS & set(one) and ONLY_RUNS & set(other)
    keys = [key for key in dict.fromkeys([*one, *other]) if both_ran or key not in ONLY_RUNS]
    found = [Difference(key, one.get(key), other.get(key)) for key in keys]
    return [difference for difference in found if not same(difference.first, difference.second)]


def same(first: Any, second: Any) -> bool:
    """Equal, and of one type but for 3 and 3.0."""
    return bool(first == second) and isinstance(first, bool) == isinstance(second, bool)


def meaning(word: str) -> dict[str, Any]:
    """key -> value of whatever `word` names; raises InputError or RecipeError where it names nothing."""
    path = Path(word).expanduser()
    run = path if path.is_dir() else paths.home() / "runs" / word
    if run.is_dir():
        return of_run(run)
    if path.is_file() and path.name.endswith(".yaml"):
        content = yaml_of(path)
        if isinstance(content, dict) and {"settings", "plugins"} <= set(content):
            return of_lock(content)
    if "/" not in word and not word.endswith(".yaml") and word not in recipe.recipes():
        known = [*recipe.recipes(), *(one.name for one in (paths.home() / "runs").glob("*"))]
        raise InputError(f"{word}: neither a recipe nor a run{did_you_mean(word, known)}")
    return of_lock(recipe.load([f"recipe={word}"]).lock())


def yaml_of(path: Path) -> Any:
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read as YAML ({type(error).__name__}); give a recipe or a lock") from None


def of_run(folder: Path) -> dict[str, Any]:
    """A run's lock, with the hashes of what it read and wrote."""
    lock = folder / LOCK
    if not lock.is_file():
        raise InputError(f"{folder}: no {LOCK} in it, so it is no run; `bashgym runs list` shows the runs")
    found = of_lock(yaml_of(lock))
    manifest = folder / "manifest.json"
    content = orjson.loads(manifest.read_bytes()) if manifest.is_file() else {}
    for part in ("sessions", "dataset"):
        if "sha256" in content.get(part, {}):
            found[f"{part}.sha256"] = content[part]["sha256"]
    return found


def of_lock(lock: dict[str, Any]) -> dict[str, Any]:
    """A lock by the keys a user would type, the order of choices a value of its own."""
    found = {
        key.removeprefix("settings."): value
        for key, value in recipe.flatten({key: value for key, value in lock.items() if key != "plugins"})
        if key not in SAID_ONLY
    }
    for kind in KINDS:
        chosen: dict[str, Any] = lock["plugins"].get(kind, {})
        if chosen:
            found[kind] = list(chosen) if kind in LISTS else next(iter(chosen))
        for label, entry in chosen.items():
            prefix = f"{kind}.{label}." if kind in LISTS else f"{kind}."
            found[f"{prefix}plugin"] = entry["plugin"]
            found[f"{prefix}plugin sha256"] = entry["sha256"]
            found |= {f"{prefix}{key}": value for key, value in recipe.flatten(entry["config"])}
    return found
