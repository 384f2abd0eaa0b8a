"""What a pack may say in a recipe: nothing that harms before it is trusted, and nothing below the user's own floors."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from bashgym import paths, yamls
from bashgym.choices import Choice
from bashgym.compositions import Composition, sought
from bashgym.config import validate
from bashgym.errors import BashGymError, RecipeError
from bashgym.kinds import KINDS
from bashgym.packs import kept, manifest, tree
from bashgym.packs.kept import Pack
from bashgym.places import Root, roots
from bashgym.powers import floors, told
from bashgym.registry import find
from bashgym.registry import settings as settings_of
from bashgym.settings import Settings

TYPED = "command line"
Layers = Sequence[tuple[str, dict[str, Any]]]  # (file or `command line`, what it sets), the last word last
PLACES = ("cloud", "executor")  # kinds whose choice says where data goes


class Part(NamedTuple):
    """What packs say in one composition: who set each key last, and the kinds that files of packs choose or tune."""

    packs: list[Pack]
    setters: dict[str, Pack]
    chosen: dict[str, Pack]


def packs_in(made: Composition) -> list[Pack]:
    """The packs that a file of the composition is of; none, at no cost, where there are no packs."""
    if not kept.packs():
        return []
    found = {pack.name: pack for file in [made.file, *sought(made)[0]] if (pack := kept.of_file(file))}
    return list(found.values())


def packs_of(choices: Iterable[Choice]) -> list[Pack]:
    """The packs whose plugins were chosen."""
    return [pack for choice in choices if (pack := kept.of_file(choice.plugin.path))]


def check_files(made: Composition, packs: Iterable[Pack]) -> Iterator[str]:
    """Notices of names that a pack took. Raises PluginError where a file is not as it was fetched, and RecipeError
    where a pack that is not trusted takes the name of something that ships."""
    for pack in packs:
        kept.check(pack)
        manifest.check(tree.read(pack.folder, pack.files.keys() & {manifest.FILE}), pack.url)
    for file in dict.fromkeys([made.file, *sought(made)[0]]):
        owner = kept.of_file(file)
        if owner is None or not shipped(owner.own(file)):
            continue
        name = owner.own(file).removeprefix("conf/").removesuffix(".yaml")
        if not owner.is_trusted:
            raise RecipeError(
                f"{name}: pack {owner.name}, which is not trusted, takes the place of the one that ships; look at it "
                f"and say yes: bashgym packs trust {owner.name}, or: bashgym packs remove {owner.name}"
            )
        yield f"{name} is that of pack {owner.name}, in place of the shipped one"


def shipped(path: str) -> bool:
    top, _, rest = path.partition("/")
    return bool(rest) and (paths.shipped(top) / rest).is_file()


def part_of_packs(made: Composition, layers: Layers) -> Part:
    setters: dict[str, Pack] = {}
    chosen: dict[str, Pack] = {}
    for origin, values in layers:
        pack = None if origin == TYPED else kept.of_file(Path(origin))
        for key in values:
            setters.pop(key, None)
            if pack:
                setters[key] = pack
                if key.endswith(".plugin"):
                    chosen[key.split(".")[0]] = pack
        if pack:
            chosen |= dict.fromkeys(kinds_chosen(Path(origin)), pack)
    for kind in decided_by_user(made):
        chosen.pop(kind, None)
    return Part(packs_in(made), setters, chosen)


def kinds_chosen(file: Path) -> list[str]:
    """The kinds that a file's defaults list names in any way."""
    content = yamls.load(file.read_text(encoding="utf-8"))
    listed = (content or {}).get("defaults", []) if isinstance(content, dict) else []
    text = yaml.safe_dump(listed)
    return [kind for kind in KINDS if kind in text]


def decided_by_user(made: Composition) -> list[str]:
    """Kinds that were typed, or that the recipe itself chooses where it is no pack's: nothing is above these."""
    typed = [text.split("=")[0] for text in made.typed]
    own = [] if kept.of_file(made.file) else kinds_chosen(made.file)
    return [kind for kind in KINDS if kind in typed or kind in own]


def check(made: Composition, layers: Layers, choices: Sequence[Choice], settings: Settings) -> None:
    """Raises RecipeError for the first thing that a pack may not say."""
    for line in faults(made, layers, choices, settings):
        raise RecipeError(line)


def faults(made: Composition, layers: Layers, choices: Sequence[Choice], settings: Settings) -> Iterator[str]:
    """A line for everything that a pack may not say."""
    part = part_of_packs(made, layers)
    values = final_values(choices, settings)
    yield from lowered(part, choices, values)
    yield from powerful(part, choices, values)


def final_values(choices: Sequence[Choice], settings: Settings) -> dict[str, Any]:
    """Every key with its value, as checked."""
    found = dict(flat(settings.model_dump(mode="json")))
    for choice in choices:
        found |= {f"{choice.key}.{key}": value for key, value in flat(choice.values())}
    return found


def flat(values: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in values.items():
        if isinstance(value, dict) and value:
            yield from flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def setter(part: Part, key: str, layered: dict[str, Pack]) -> Pack | None:
    """Who set a key, a table around it or something in it."""
    return next(
        (pack for name, pack in layered.items() if f"{key}.".startswith(f"{name}.") or name.startswith(f"{key}.")), None
    )


def powerful(part: Part, choices: Sequence[Choice], values: dict[str, Any]) -> Iterator[str]:
    """What a pack that is not trusted sets, or brings in by a choice, that can do harm."""
    untrusted = {key: pack for key, pack in part.setters.items() if not pack.is_trusted}
    for key, value in values.items():
        pack = setter(part, key, untrusted)
        if pack:
            for power in told.powers(key, value):
                yield stopped(pack, f"{key}: pack {pack.name} sets it to {value!r} ({power.word})")
    base = defaults_without_packs()
    for choice in choices:
        owner = part.chosen.get(choice.kind)
        if owner is None or owner.is_trusted or choice.label in base.get(choice.kind, []):
            continue
        for word in words_of(choice, values):
            yield stopped(owner, f"{choice.kind}: pack {owner.name} chooses {choice.label} ({word})")


def words_of(choice: Choice, values: dict[str, Any]) -> Iterator[str]:
    """What choosing a preset can do by itself."""
    if choice.kind in PLACES:
        yield told.PLACE
    elif choice.kind == "reward":
        yield told.REWARD
    for key, value in values.items():
        if key.startswith(f"{choice.key}."):
            yield from (one.word for one in told.powers(key, value) if one.word in {told.ENDPOINT, told.REPOSITORY})


def stopped(pack: Pack, what: str) -> str:
    return f"{what}, and is not trusted; see all that it sets and say yes or no: bashgym packs trust {pack.name}"


def lowered(part: Part, choices: Sequence[Choice], values: dict[str, Any]) -> Iterator[str]:
    """What any pack sets below the user's own."""
    pack = part.chosen.get("sanitizer")
    if pack:
        there = {choice.plugin.name for choice in choices if choice.kind == "sanitizer"}
        for name in sorted(own_sanitizers() - there):
            yield (
                f"sanitizer: pack {pack.name} leaves out '{name}', which you would have without it; a pack may not. "
                f"If you mean it, say it yourself: sanitizer=[...]"
            )
    base = own_settings()
    for key, rule in floors.of_settings().items():
        yield from fault(part, key, rule, values.get(key), base.get(key))
    for choice in choices:
        if kept.of_file(choice.plugin.path) and choice.kind != "sanitizer":
            continue
        own = list(own_presets(choice))
        keys = list(dict(flat(choice.values())))
        for key, rule in floors.of_plugin(choice.kind, choice.plugin.name, keys) if own else ():
            found = [one.get(key) for one in own]
            value = values[f"{choice.key}.{key}"]
            if all(floors.below(rule, value, floor) for floor in found):
                yield from fault(part, f"{choice.key}.{key}", rule, value, found[0], file_of(choice))


def file_of(choice: Choice) -> Pack | None:
    """The pack whose file the choice's preset is: what it leaves out is its doing too."""
    first = next((path for root, path in preset_files(choice.kind, choice.label)), None)
    return kept.of_file(first) if first else None


def fault(part: Part, key: str, rule: str, value: Any, floor: Any, preset: Pack | None = None) -> Iterator[str]:
    pack = setter(part, key, part.setters) or preset
    if pack and floors.below(rule, value, floor):
        yield (
            f"{key}: pack {pack.name} sets it to {value!r}, and without the pack it is {floor!r}; a pack may not lower "
            f"what protects you. If you mean it, say it yourself: {key}={value}"
        )


def without_packs() -> list[Root]:
    return [root for root in roots() if kept.of_file(root.folder / "conf") is None]


def preset_files(kind: str, label: str) -> Iterator[tuple[Root, Path]]:
    for root in roots():
        path = root.part("conf") / kind / f"{label}.yaml"
        if path.is_file():
            yield root, path


def base_file() -> dict[str, Any]:
    """conf/bashgym_base.yaml as the user has it without packs."""
    for root in without_packs():
        file = root.part("conf") / "bashgym_base.yaml"
        if file.is_file():
            content: dict[str, Any] = yamls.load(file.read_text(encoding="utf-8"))
            return content
    return {}


def own_settings() -> dict[str, Any]:
    values = {key: value for key, value in base_file().items() if key in Settings.model_fields}
    return dict(flat(validate(Settings, values, "").model_dump(mode="json")))


def defaults_without_packs() -> dict[str, list[str]]:
    """kind -> the labels that the base chooses."""
    found = {}
    for one in base_file().get("defaults", []):
        for kind, labels in one.items() if isinstance(one, dict) else ():
            found[kind] = labels if isinstance(labels, list) else [labels]
    return found


def own_sanitizers() -> set[str]:
    """Names of the sanitizers' plugins that the user has without packs."""
    labels = defaults_without_packs().get("sanitizer", [])
    return {content["plugin"] for label in labels for content in contents("sanitizer", label)}


def contents(kind: str, label: str) -> Iterator[dict[str, Any]]:
    """The preset as the user has it without packs, if there is one."""
    for root in without_packs():
        file = root.part("conf") / kind / f"{label}.yaml"
        if file.is_file():
            yield yamls.load(file.read_text(encoding="utf-8"))
            return


def own_presets(choice: Choice) -> Iterator[dict[str, Any]]:
    """The settings that the user has for a choice's plugin without packs: of the preset of its name, else of all."""
    folders = [root.part("conf") / choice.kind for root in without_packs()]
    labels = sorted({path.stem for folder in folders for path in folder.glob("*.yaml")})
    found = {label: content for label in labels for content in contents(choice.kind, label)}
    same = {label: one for label, one in found.items() if one.get("plugin") == choice.plugin.name}
    for content in [same[choice.label]] if choice.label in same else same.values():
        values = {key: value for key, value in content.items() if key != "plugin" and "${" not in str(value)}
        try:
            checked = settings_of(find(choice.kind, choice.plugin.name), values, choice.key)
        except BashGymError:
            checked = None
        if checked:
            yield dict(flat(checked.model_dump(mode="json")))
