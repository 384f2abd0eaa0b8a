"""What two recipes, locks or runs differ in: what they mean, not how they are written."""

from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import orjson
import yaml

from bashgym import paths, recipe, yamls
from bashgym.errors import InputError, did_you_mean
from bashgym.kinds import KINDS, LISTS
from bashgym.lock import file as lock_file
from bashgym.lock.differences import differences as lock_differences
from bashgym.lock.differences import versions

LOCK = "recipe.lock.yaml"
# what lock.differences tells in words, or what follows from it
TOLD = {
    "code",
    "engines",
    "packs",
    "sessions",
    "known_values",
    "splits",
    "dataset",
    "numbers",
    "origins",
    "model",
    "registered",
}
KEYED = {"dataset.sha256", "gate.canaries_seed"}  # another under every pseudonym key
SAID_ONLY = {"recipe", "overrides", "settings.description"}  # what a person reads and no stage does
# a recipe has none yet, a lock file tells its sessions one by one
ONLY_RUNS = {"python", "pseudonym_key", "sessions.sha256", "dataset.sha256", "gate.canaries_seed"}


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
    left_out = {key for key in one.keys() ^ other.keys() if key in ONLY_RUNS or key.startswith("libraries.")}
    if one.get("pseudonym_key") != other.get("pseudonym_key"):
        left_out = left_out | KEYED
    keys = [key for key in dict.fromkeys([*one, *other]) if key not in left_out]
    found = [Difference(key, one.get(key), other.get(key)) for key in keys]
    return [difference for difference in found if not same(difference.first, difference.second)]


def told(first: str, second: str) -> list[str]:
    """What went into two runs and differs, beside their recipes: code, engines, packs, known values, sessions. Nothing
    where one of the two is no run's lock."""
    locks = [lock_of(word) for word in (first, second)]
    if not all(lock and "code" in lock for lock in locks):
        return []
    one, other = ({**lock, "plugins": {}, "settings": {}} for lock in locks if lock)
    lines = lock_differences(one, other)
    return [line for line in lines if not line.startswith(("pseudonym key:", "bashgym: version"))] + code_of(one, other)


def code_of(one: dict[str, Any], other: dict[str, Any]) -> list[str]:
    """BashGym's own code, where the version is the same; another version is a row of its own."""
    same_version = one["bashgym"] == other["bashgym"]
    return list(versions(one, other)) if same_version else []


def lock_of(word: str) -> dict[str, Any] | None:
    """The lock file that `word` names itself, or by its run; its list of sessions included."""
    path = Path(word).expanduser()
    run = path if path.is_dir() else paths.home() / "runs" / word
    file = run / LOCK if run.is_dir() else path
    if not (file.is_file() and file.name.endswith(".yaml")):
        return None
    content = lock_file.load(file)
    if "plugins" not in content:
        return None
    listed = [msgspec.to_builtins(one) for one in lock_file.sessions(file, content)]
    return {**content, "sessions": {"list": listed}}


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
        return yamls.load(path.read_text(encoding="utf-8"))
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
        for key, value in recipe.flatten({key: value for key, value in lock.items() if key not in {"plugins", *TOLD}})
        if key not in SAID_ONLY
    }
    if "sha256" in (lock.get("dataset") or {}):
        found["dataset.sha256"] = lock["dataset"]["sha256"]
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
