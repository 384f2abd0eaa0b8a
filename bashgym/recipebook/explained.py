"""What one key of a recipe does, what it takes, who set it and who overrode that."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from bashgym import overrides, recipe, registry, yamls
from bashgym.errors import RecipeError, did_you_mean
from bashgym.kinds import AT_LEAST_ONE, KINDS, LISTS
from bashgym.places import presets
from bashgym.recipebook.comments import comments, first_comment
from bashgym.recipebook.schema import first_sentence, of_model, of_plugin, plugins_of_presets, words
from bashgym.settings import Settings


class Meaning(NamedTuple):
    """What a key means to the recipe or to one plugin. `default` is None where a recipe must say."""

    whose: str
    does: str
    type: str
    default: Any


class Setter(NamedTuple):
    """One place that gives the key a value, with the comment above it there."""

    origin: str
    value: Any
    comment: str


class Explained(NamedTuple):
    """The answer; `setters` in the order they speak, so that the last one wins."""

    key: str
    meanings: list[Meaning]
    setters: list[Setter]
    value: Any
    choices: dict[str, str]  # of a kind: preset -> what it is


def explained(key: str, argv: Sequence[str]) -> Explained:
    """`argv` names a recipe and overrides, or is empty: then every plugin and preset that has the key answers.

    Raises RecipeError with the nearest key where there is none of that name."""
    made = recipe.composition(argv) if argv else None
    if key in KINDS:
        return of_kind(key, made)
    meanings = list(meanings_of(key, made))
    if not meanings:
        raise RecipeError(f"{key}: no such key{did_you_mean(key, known_keys(made))}")
    values = dict(recipe.flatten(made.values)) if made else {}
    found = setters(key, made) if made else setters_in_presets(key)
    return Explained(key, meanings, list(found), values.get(key), {})


def of_kind(kind: str, made: recipe.Composition | None) -> Explained:
    takes = (
        "a list, at least one" if kind in AT_LEAST_ONE else "a list, may be empty" if kind in LISTS else "one choice"
    )
    lines = {name: first_comment(file) for name, file in presets(kind).items()}
    who = list(choosers(kind, made)) if made else []
    value = who[-1].value if who else None
    return Explained(kind, [Meaning("kind", first_sentence(kind), takes, None)], who, value, lines)


def choosers(kind: str, made: recipe.Composition) -> Iterator[Setter]:
    """Who chose a kind's presets: the defaults lists of the recipes it is made of, then the command line."""
    for origin, _ in recipe.layers(made):
        file = Path(origin)
        listed = yamls.load(file.read_text()) if file.is_file() and file.parent.name not in KINDS else None
        for one in (listed or {}).get("defaults", []):
            for name, value in one.items() if isinstance(one, dict) else ():
                if name.removeprefix("override ").strip() == kind:
                    yield Setter(origin, value, "")
    for text in made.overrides:
        override = overrides.parse(text.lstrip("+"))
        if override.key_or_group == kind:
            yield Setter("command line", override.value(), "")


def meanings_of(key: str, made: recipe.Composition | None) -> Iterator[Meaning]:
    """What the settings of the recipe, or of each plugin that may be meant, say of the key."""
    kind, *path = key.split(".")
    if kind not in KINDS:
        yield from at(of_model(Settings), [kind, *path], "every recipe")
        return
    label = path.pop(0) if kind in LISTS and path else ""
    for name in plugins_meant(kind, label, made):
        file = registry.find(kind, name).path
        whose = f"{kind} plugin {name}"
        if path == ["plugin"] or not path:
            yield Meaning(whose, registry.first_line(file), "one of the plugins of this kind", None)
        else:
            yield from at(of_plugin(kind, name), path, whose)


def plugins_meant(kind: str, label: str, made: recipe.Composition | None) -> list[str]:
    """The plugin behind a label, or of the recipe's choice, or all of the kind."""
    named = plugins_of_presets(kind)
    if label:
        section = (made.values.get(kind) or {}).get(label) if made else None
        own = section.get("plugin") if isinstance(section, dict) else None
        return [own or named[label]] if own or label in named else []
    if made and kind not in LISTS:
        return [made.values[kind]["plugin"]] if made.values.get(kind) else []
    return sorted(set(named.values()))


def at(schema: dict[str, Any], path: list[str], whose: str) -> Iterator[Meaning]:
    """The field at `path`; below a table that takes any key, what that table says."""
    for number, part in enumerate(path):
        inner = schema.get("properties", {}).get(part)
        if inner is None:
            free = number and schema.get("type") == "object" and "properties" not in schema
            if not free:
                return
            break
        schema = inner
    yield Meaning(whose, schema.get("description", ""), words(schema), schema.get("default"))


def setters(key: str, made: recipe.Composition) -> Iterator[Setter]:
    """Everything that sets the key, or something inside it, file by file; the command line last."""
    for origin, values in recipe.layers(made):
        for name, value in values.items():
            if name == key or name.startswith(f"{key}."):
                inside = f"{name}: {value}" if name != key else value
                yield Setter(origin, inside, said(origin, name))


def setters_in_presets(key: str) -> Iterator[Setter]:
    """Without a recipe: each shipped or own preset, and the base, that gives it a value."""
    kind, *path = key.split(".")
    label = path.pop(0) if kind in LISTS and path else ""
    files = presets(kind) if kind in KINDS else {"": registry.roots()[-1].part("conf") / "bashgym_base.yaml"}
    wanted = ".".join(path if kind in KINDS else [kind, *path])
    for name, file in files.items():
        if not label or name == label:
            values = dict(recipe.flatten(yamls.load(file.read_text())))
            if wanted in values:
                yield Setter(str(file), values[wanted], said(str(file), key))


def said(origin: str, key: str) -> str:
    """The comment above a key in a file; a preset writes its keys without its own name in front."""
    file = Path(origin)
    if not file.is_file():
        return ""
    notes = comments(file)
    parts = key.split(".")
    return next((notes[".".join(parts[start:])] for start in range(3) if ".".join(parts[start:]) in notes), "")


def known_keys(made: recipe.Composition | None) -> list[str]:
    """Every key there is: of the recipe, or of the settings and all presets."""
    if made:
        return [key for key, _ in recipe.flatten(made.values)] + list(KINDS)
    keys = [*KINDS, *names(of_model(Settings), "")]
    for kind in KINDS:
        for label, plugin in plugins_of_presets(kind).items():
            prefix = f"{kind}.{label}." if kind in LISTS else f"{kind}."
            keys += names(of_plugin(kind, plugin), prefix)
    return sorted(set(keys))


def names(schema: dict[str, Any], prefix: str) -> Iterator[str]:
    for key, value in schema.get("properties", {}).items():
        yield f"{prefix}{key}"
        yield from names(value, f"{prefix}{key}.")
