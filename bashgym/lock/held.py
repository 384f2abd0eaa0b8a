"""A run held to a lock file: its recipe made from the lock, what differs here told before anything is done."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from bashgym import __version__, paths, pseudonyms, registry
from bashgym.choices import Choice, Recipe
from bashgym.config import validate
from bashgym.errors import InputError, PluginError, RecipeError, RunFailed
from bashgym.gate.report import SPLITS
from bashgym.kinds import LISTS
from bashgym.lock import file, noted
from bashgym.lock.differences import differences, known, value
from bashgym.overrides import parse
from bashgym.packs import kept
from bashgym.packs.kept import Pack
from bashgym.reading import excluded
from bashgym.records import SessionRef
from bashgym.settings import Settings
from bashgym.stages.context import Run, Screen
from bashgym.stages.worker import code_digest

FREE = ("source", "executor")  # kinds whose settings say where things are, and not what comes of them


def recipe(path: Path, argv: Sequence[str], screen: Screen) -> Recipe:
    """The recipe of a lock file. `argv` may say where things are here (run_dir, settings of source and executor).

    Says every difference in a line of its own and raises RecipeError where there is any."""
    path = path / file.NAME if path.is_dir() else path
    locked = file.read(path)
    elsewhere, run_dir = moved(argv)
    used = packs(locked)
    found, missing = choices(locked, elsewhere)
    sessions, faults = listed(found)
    if faults or any(name.startswith("source ") for name in missing):
        sessions = locked["sessions"]["list"]  # that they are not here follows from it
    lines = [*differences(compared(locked), here(locked, found, missing, sessions)), *faults]
    lines += known_there(locked, found)
    for line in lines:
        screen.say(line)
    if lines:
        many = f"{len(lines)} things differ" if len(lines) > 1 else "one thing differs"
        raise RecipeError(f"{path}: {many} (see above), so its dataset cannot be made here; nothing was done")
    settings = validate(Settings, {**locked["settings"], "run_dir": run_dir}, "")
    overrides = (*locked.get("overrides", ()), *argv)
    return Recipe(str(locked["recipe"]), path, settings, tuple(found), overrides, (), tuple(used), locked)


def packs(locked: Mapping[str, Any]) -> list[Pack]:
    """The packs of the lock that are here, at whichever commit; those that are known by their address only are used."""
    found = []
    for name, entry in locked.get("packs", {}).items():
        same = [pack for pack in kept.packs() if pack.url == entry["url"]]
        same.sort(key=lambda pack: (pack.commit != entry["commit"], pack.name != name))
        for pack in same[:1]:
            kept.use(pack)
            found.append(pack)
    return found


def packs_here(locked: Mapping[str, Any]) -> dict[str, Any]:
    """The lock's packs as they are here, by their names there."""
    here = {pack.url: pack for pack in reversed(packs(locked))}
    told = {}
    for name, entry in locked.get("packs", {}).items():
        pack = here.get(entry["url"])
        told[name] = {"url": pack.url, "commit": pack.commit, "sha256": pack.sha256} if pack else None
    return told


def moved(argv: Sequence[str]) -> tuple[dict[tuple[str, str], Any], str]:
    """(kind.label, key) -> value of what was typed, and run_dir. Raises RecipeError for what the lock decides."""
    elsewhere: dict[tuple[str, str], Any] = {}
    run_dir = ""
    for text in argv:
        override = parse(text)
        name = override.key_or_group
        kind, _, rest = name.partition(".")
        if name == "run_dir":
            run_dir = str(override.value())
        elif kind in FREE and rest:
            place, _, field = name.rpartition(".")
            elsewhere[place, field] = override.value()
        else:
            raise RecipeError(
                f"{name}: the lock file decides it; only run_dir, source.LABEL.KEY and executor.KEY can be said with "
                "--locked; for another value run the recipe without it"
            )
    return elsewhere, run_dir


def choices(locked: Mapping[str, Any], elsewhere: Mapping[tuple[str, str], Any]) -> tuple[list[Choice], dict[str, str]]:
    """The choices of the lock that are here to the byte, and why the others are not: `kind label` -> reason."""
    found, missing = [], {}
    taken = set()
    for kind, labels in locked["plugins"].items():
        for label, entry in labels.items():
            try:
                plugin = registry.find(kind, entry["plugin"])
            except PluginError as error:
                missing[f"{kind} {label}"] = str(error)
                continue
            if plugin.sha256 != entry["sha256"]:
                missing[f"{kind} {label}"] = ""
                continue
            place = f"{kind}.{label}" if kind in LISTS else kind
            mine = {field: value for (at, field), value in elsewhere.items() if at == place}
            taken |= {(place, field) for field in mine}
            settings = registry.settings(plugin, {**entry["config"], **mine}, place)
            found.append(Choice(kind, label, plugin, settings))
    unknown = next((f"{place}.{field}" for place, field in elsewhere if (place, field) not in taken), None)
    if unknown and not missing:
        raise RecipeError(f"{unknown}: the lock file has no such choice")
    return found, missing


def compared(locked: Mapping[str, Any]) -> dict[str, Any]:
    """The lock without what is compared otherwise, or may be another on every machine: settings and known values."""
    plugins = {
        kind: {label: {**entry, "config": {}} for label, entry in labels.items()}
        for kind, labels in locked["plugins"].items()
    }
    return {**locked, "plugins": plugins, "settings": {}, "known_values": []}


def here(
    locked: Mapping[str, Any],
    found: Sequence[Choice],
    missing: Mapping[str, str],
    sessions: Sequence[Mapping[str, Any]],
) -> dict[str, Any]:
    """This machine as a lock of the same recipe would tell it."""
    plugins: dict[str, Any] = {kind: dict.fromkeys(labels) for kind, labels in locked["plugins"].items()}
    for choice in found:
        plugins[choice.kind][choice.label] = told(choice.plugin)
    for name, reason in missing.items():
        kind, _, label = name.partition(" ")
        plugin = locked["plugins"][kind][label]["plugin"]
        plugins[kind][label] = {"missing": reason} if reason else told(registry.find(kind, plugin))
    own = own_key()
    engines = {}
    if own is not None:  # engines tell keyed digests; a key must not come into being by the question
        asked = [choice for choice in found if choice.key in locked.get("engines", {})]
        engines = {choice.key: noted.engine(choice.build()) for choice in asked}
    return {
        "bashgym": __version__,
        "code": code_digest(),
        "packs": packs_here(locked),
        "plugins": plugins,
        "pseudonym_key": own,
        "engines": engines,
        "sessions": {"list": sessions},
    }


def told(plugin: registry.Plugin) -> dict[str, Any]:
    return {"plugin": plugin.name, "origin": plugin.origin, "sha256": plugin.sha256, "config": {}}


def own_key() -> str | None:
    """The id of this data home's key; None where it has none yet, and none is made."""
    if not (paths.home() / "keys" / "pseudonym.key").exists():
        return None
    return pseudonyms.key_id(pseudonyms.load_key())


def listed(found: Iterable[Choice]) -> tuple[list[dict[str, Any]], list[str]]:
    """The sessions of the sources, as a lock tells them, and why some sources cannot be listed."""
    sessions, faults = [], []
    for choice in found:
        if choice.kind == "source":
            try:
                sessions += [entry(choice.label, ref) for ref in choice.build().list()]
            except InputError as error:
                faults.append(str(error))
    return sessions, faults


def entry(label: str, ref: SessionRef) -> dict[str, Any]:
    digest = excluded.digest(ref.id)
    return {"session": ref.id, "source": label, "id_sha256": digest, "sha256": ref.sha256, "bytes": ref.size}


def known_there(locked: Mapping[str, Any], found: Sequence[Choice]) -> Iterator[str]:
    """What made a difference there, was known before any session was read, and is not known here."""
    if own_key() != locked["pseudonym_key"]:
        return
    mine = {
        pseudonyms.known(type, text)
        for choice in found
        if choice.kind == "sanitizer"
        for text, type in getattr(choice.build(), "known", {}).items()
    }
    for one in locked.get("known_values", []):
        if one["beforehand"] and f"{one['type']} {one['digest']}" not in mine:
            yield value(one["type"], "there", "not here")


def check_known(run: Run) -> None:
    """After the sessions were sanitized: whether what this machine knows made the same difference as there.

    Raises RecipeError; no dataset is written then."""
    if run.recipe.locked is None:
        return
    told = list(known(run.recipe.locked.get("known_values", []), file.load(run.folder / file.NAME)["known_values"]))
    for line in told:
        run.screen.say(line)
    if told:
        raise RecipeError(f"{run.recipe.file}: known values differ (see above); no dataset was written")


def check_dataset(run: Run) -> None:
    """The dataset is the lock's, byte for byte. Raises RunFailed where it is not, though nothing else differed."""
    if run.recipe.locked is None:
        return
    wanted, got = run.recipe.locked["dataset"]["files"], noted.file_hashes(run)
    others = [name for name in (f"{split}.jsonl" for split in SPLITS) if wanted.get(name) != got[name]]
    if others:
        there = run.recipe.locked.get("libraries", {})
        moved = [f"{name} {there.get(name)}/{own}" for name, own in noted.libraries().items() if there.get(name) != own]
        hint = f"; other versions there/here: {', '.join(moved)}" if moved else ""
        raise RunFailed(f"{run.recipe.file}: dataset/{', '.join(others)} came out otherwise than locked{hint}")
    run.screen.say(f"the dataset is that of {run.recipe.file}, byte for byte")
