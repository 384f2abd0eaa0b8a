"""JSON Schema of recipes and presets, made from the settings themselves: for editors, and to explain a key."""

import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from bashgym import registry, yamls
from bashgym.apart.proxy import Apart
from bashgym.config import documentation
from bashgym.errors import PluginError
from bashgym.kinds import AT_LEAST_ONE, KINDS, LISTS
from bashgym.places import presets, recipes
from bashgym.settings import Settings

DRAFT = "http://json-schema.org/draft-07/schema#"  # what YAML language servers read
REFERENCE = {"type": "string", "pattern": r"\$\{.+\}"}  # the value of another key: ${seed}
RECIPE = "recipe.schema.json"  # in conf/, for recipes and conf/bashgym_base.yaml
PRESET = "preset.schema.json"  # in conf/<kind>/, for its presets


def of_model(model: type[BaseModel]) -> dict[str, Any]:
    """A settings class as a schema without references, each field described by the docstring below it."""
    raw = model.model_json_schema(mode="validation")
    definitions = raw.pop("$defs", {})
    docs = {one.__name__: documentation(one) for one in models_in(model)}
    return resolved(raw, definitions, docs, model.__name__)


def models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    """The settings classes in an annotation, and those in their fields."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
        for field in annotation.model_fields.values():
            yield from models_in(field.annotation)
    for part in typing.get_args(annotation):
        yield from models_in(part)


def resolved(node: Any, definitions: dict[str, Any], docs: dict[str, dict[str, str]], name: str = "") -> Any:
    """`node` with every reference replaced by what it points to, and fields described."""
    if isinstance(node, list):
        return [resolved(one, definitions, docs) for one in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        target = node["$ref"].rsplit("/", 1)[-1]
        beside = {key: value for key, value in node.items() if key != "$ref"}
        return {**resolved(definitions[target], definitions, docs, target), **beside}
    left_out = {"title"} | ({"description"} if "properties" in node else set())
    done = {
        key: resolved(value, definitions, docs)
        for key, value in node.items()
        if key not in {*left_out, "properties", "default"}
    }
    if "default" in node:
        done["default"] = node["default"]
    if "properties" in node:
        said = docs.get(name, {})
        done["properties"] = {
            key: {**resolved(value, definitions, docs), **({"description": said[key]} if key in said else {})}
            for key, value in node["properties"].items()
        }
    return done


def words(schema: dict[str, Any]) -> str:
    """A schema of one value as people say it: `number, more than 0`, `one of: full, lora, qlora`."""
    for several in ("anyOf", "oneOf"):
        if several in schema:
            return " or ".join(dict.fromkeys(words(one) for one in schema[several] if one != REFERENCE))
    if "enum" in schema:
        return f"one of: {', '.join(map(str, schema['enum']))}"
    if "const" in schema:
        return f"only {schema['const']}"
    kind = {"object": "table", "array": "list"}.get(schema.get("type", "anything"), schema.get("type", "anything"))
    if kind == "list" and "items" in schema:
        kind = f"list of {words(schema['items'])}"
    limits = {
        "minimum": "at least {}",
        "exclusiveMinimum": "more than {}",
        "maximum": "at most {}",
        "exclusiveMaximum": "less than {}",
        "minLength": "not empty",
        "minItems": "at least {} of them",
        "pattern": "matching {}",
    }
    return ", ".join([kind, *(text.format(schema[key]) for key, text in limits.items() if key in schema)])


def of_plugin(kind: str, name: str) -> dict[str, Any]:
    """A plugin's settings; anything goes where the plugin cannot be loaded here (a package it needs, not trusted)."""
    try:
        cls: Any = registry.load(kind, name)
        return of_foreign(cls.settings_told) if issubclass(cls, Apart) else of_model(cls.Config)
    except PluginError as error:
        return {"type": "object", "description": f"not known here: {error}"}


def of_foreign(told: dict[str, Any]) -> dict[str, Any]:
    """The settings of a plugin that runs apart, as it tells them."""
    raw = dict(told["schema"])
    definitions = raw.pop("$defs", {})
    done: dict[str, Any] = resolved(raw, definitions, told["docs"], "Config")
    return done


def preset_schema(kind: str) -> dict[str, Any]:
    """Any preset of a kind: `plugin`, and exactly the settings of that plugin."""
    places = {path.stem: path for _, path in reversed(list(registry.candidates(kind)))}  # the first of a name last
    names = sorted(places)
    own = {name: loosened(of_plugin(kind, name)) for name in names}
    rules = [
        {
            "if": {"properties": {"plugin": {"const": name}}},
            "then": {
                "properties": schema.get("properties", {}),
                **({"propertyNames": {"enum": ["plugin", *schema["properties"]]}} if "properties" in schema else {}),
            },
        }
        for name, schema in own.items()
    ]
    described = {name: registry.first_line(places[name]) for name in names}
    plugin = {"enum": names, "description": "; ".join(f"{name}: {line}" for name, line in described.items())}
    return {
        "$schema": DRAFT,
        "title": f"BashGym: a preset of {kind}",
        "type": "object",
        "required": ["plugin"],
        "properties": {"plugin": plugin},
        "allOf": rules,
    }


def recipe_schema() -> dict[str, Any]:
    """Any recipe: its defaults, its settings, and what it tunes of each kind's presets."""
    settings = loosened(of_model(Settings))
    kinds = {kind: kind_schema(kind) for kind in KINDS if presets(kind)}
    return {
        "$schema": DRAFT,
        "title": "BashGym: a recipe",
        "type": "object",
        "additionalProperties": False,
        "properties": {"defaults": defaults_schema(), **partial(settings)["properties"], **kinds},
    }


# kinds of which a recipe may have none
NONE = frozenset({"search"})


def defaults_schema() -> dict[str, Any]:
    """What a recipe's defaults list may hold: recipes to start from, and choices."""
    choices: dict[str, Any] = {}
    for kind in KINDS:
        names: dict[str, Any] = {"enum": [*sorted(presets(kind)), *([None] if kind in NONE else [])]}
        least: dict[str, Any] = {"minItems": 1} if kind in AT_LEAST_ONE else {}
        one = {"type": "array", "items": names, "uniqueItems": True, **least} if kind in LISTS else names
        said = f"{first_sentence(kind)} {'A list.' if kind in LISTS else 'One choice.'}"
        choices |= {key: {**one, "description": said} for key in (kind, f"override {kind}")}
    starts = {"enum": ["_self_", "bashgym_base", *recipes()]}
    chosen = {"type": "object", "properties": choices, "additionalProperties": False, "maxProperties": 1}
    said = "what the recipe starts from, and what it chooses instead; _self_ is where its own values come in"
    return {"type": "array", "items": {"anyOf": [starts, chosen]}, "description": said}


def first_sentence(kind: str) -> str:
    """The first line of a kind's contract."""
    return (KINDS[kind].__doc__ or "").split("\n")[0]


def kind_schema(kind: str) -> dict[str, Any]:
    """A recipe's section of one kind: by label where it is a list, else the keys of whatever preset is chosen."""
    own = {
        name: partial(loosened(of_plugin(kind, name)))
        for name in sorted({p.stem for _, p in registry.candidates(kind)})
    }
    if kind in LISTS:
        labels = {label: own[plugin] for label, plugin in plugins_of_presets(kind).items() if plugin in own}
        return {"type": "object", "properties": labels, "description": first_sentence(kind)}
    keys: dict[str, list[dict[str, Any]]] = {}
    for schema in own.values():
        for key, value in schema.get("properties", {}).items():
            if value not in keys.setdefault(key, []):
                keys[key].append(value)
    merged = {key: values[0] if len(values) == 1 else {"anyOf": values} for key, values in keys.items()}
    known = all("properties" in schema for schema in own.values())
    closed = {"additionalProperties": False} if known else {}
    return {"type": "object", "properties": merged, "description": first_sentence(kind), **closed}


def plugins_of_presets(kind: str) -> dict[str, str]:
    """preset -> the plugin it names."""
    contents = {label: yamls.load(path.read_text()) for label, path in presets(kind).items()}
    return {label: str(content.get("plugin", "")) for label, content in contents.items() if isinstance(content, dict)}


def partial(schema: dict[str, Any]) -> dict[str, Any]:
    """The same with nothing required, at any depth: a recipe says only what it changes."""
    done = {key: value for key, value in schema.items() if key != "required"}
    if "properties" in done:
        done["properties"] = {key: partial(value) for key, value in done["properties"].items()}
    return done


def loosened(schema: dict[str, Any]) -> dict[str, Any]:
    """The same with a reference to another key allowed for every value."""
    if "properties" in schema:
        return {**schema, "properties": {key: loosened(value) for key, value in schema["properties"].items()}}
    if schema.get("type") == "string" and not {"pattern", "enum"} & set(schema):
        return schema
    kept: dict[str, Any] = {key: schema[key] for key in ("description", "default") if key in schema}
    strict = {key: value for key, value in schema.items() if key not in kept}
    return {**kept, "anyOf": [strict, REFERENCE]}


def files() -> dict[Path, dict[str, Any]]:
    """Where each schema lies under conf/, and what it holds."""
    kinds = [kind for kind in KINDS if presets(kind)]
    return {Path(RECIPE): recipe_schema(), **{Path(kind) / PRESET: preset_schema(kind) for kind in kinds}}


def named_by(file: Path, conf: Path, recipes_folder: Path) -> str:
    """The line that tells an editor's YAML language server which schema `file` follows, its path relative to it."""
    beside = RECIPE if file.parent == conf else PRESET
    where = f"../{conf.name}/{RECIPE}" if file.parent == recipes_folder else beside
    return f"# yaml-language-server: $schema={where}"


def with_line(text: str, line: str) -> str:
    """A file's text with the editor's line: first of all, but below Hydra's own `# @package`, which must lead."""
    rest = [one for one in text.split("\n") if not one.startswith("# yaml-language-server")]
    at = 1 if rest and rest[0].startswith("# @package") else 0
    return "\n".join([*rest[:at], line, *rest[at:]])
