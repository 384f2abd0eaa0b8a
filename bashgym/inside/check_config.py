"""Checks an Axolotl configuration before anything is trained: unknown keys, types, rules between keys.

    python -m check_config axolotl.yaml     -> {"ok": bool, "faults": [one line each]}; of several files, named
    python -m check_config --keys           -> the keys Axolotl knows, as in axolotl_keys.json

Axolotl itself lets unknown keys pass in silence, at the top and below; here they are faults, with the nearest name."""

import contextlib
import difflib
import importlib
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args, get_origin

os.environ.setdefault("AXOLOTL_DO_NOT_TRACK", "1")
os.environ.setdefault("HF_HUB_OFFLINE", "1")

import metrics_keys
import sparing  # noqa: F401


def main() -> None:
    out = sys.stdout
    with contextlib.redirect_stdout(sys.stderr):  # what libraries print is not the answer
        if sys.argv[1:] == ["--keys"]:
            answer: dict[str, Any] = keys()
        else:
            import yaml

            found = [
                f"{file}: {fault}" if len(sys.argv) > 2 else fault
                for file in sys.argv[1:]
                for fault in faults(yaml.safe_load(Path(file).read_text(encoding="utf-8")))
            ]
            answer = {"ok": not found, "faults": found}
    print(json.dumps(answer, indent=1), file=out)


def keys() -> dict[str, Any]:
    """Version and top-level keys of the installed Axolotl."""
    from importlib.metadata import version

    from axolotl.utils.schemas.config import AxolotlInputConfig

    return {"axolotl": version("axolotl"), "keys": sorted(names(AxolotlInputConfig))}


def faults(config: Any) -> Iterator[str]:
    """One line per fault of `config`."""
    from pydantic import BaseModel, ValidationError

    if not isinstance(config, dict):
        yield f"the configuration is no mapping but {type(config).__name__}"
        return
    schema = merged(config.get("plugins") or [])
    yield from strangers(config, schema, "", BaseModel)
    try:
        schema(**{key: value for key, value in config.items() if key in names(schema)})
    except ValidationError as error:
        for fault in error.errors():
            where = ".".join(str(part) for part in fault["loc"])
            yield f"{where + ': ' if where else ''}{fault['msg'].removeprefix('Value error, ')}"
    except (ValueError, TypeError, AttributeError, ImportError) as error:  # rules of Axolotl raise these bare
        yield f"{type(error).__name__}: {error}"


def merged(plugins: list[str]) -> type:
    """Axolotl's schema with the keys that the named plugins add."""
    from axolotl.utils.schemas.config import AxolotlInputConfig

    more: list[type] = []
    for plugin in plugins:
        if plugin == metrics_keys.PLUGIN:
            more.append(metrics_keys.MetricsArgs)
            continue
        module, name = plugin.rsplit(".", 1)
        try:
            made = importlib.import_module(module)
        except ModuleNotFoundError:
            made = importlib.import_module(f"axolotl.integrations.{module}")
        arguments = getattr(made, name)().get_input_args()
        if arguments:
            package, _, model = arguments.rpartition(".")
            more.append(getattr(importlib.import_module(package), model))
    return type("Schema", (AxolotlInputConfig, *more), {}) if more else AxolotlInputConfig


def names(model: type) -> set[str]:
    """Every name a key of `model` may have: fields and their aliases."""
    found = set(model.model_fields)
    for field in model.model_fields.values():
        found |= {alias for alias in (field.alias, field.validation_alias) if isinstance(alias, str)}
        found |= set(getattr(field.validation_alias, "choices", []))
    return found


def strangers(value: Any, annotation: Any, path: str, base: type) -> Iterator[str]:
    """Keys of `value` that no model in `annotation` has, however deep; a plain dict may hold any key."""
    kinds = list(flat(annotation))
    if isinstance(value, list):
        inner = [one for kind in kinds if get_origin(kind) is list for one in get_args(kind)]
        for number, element in enumerate(value):
            for one in (union(inner),) if inner else ():
                yield from strangers(element, one, f"{path}[{number}]", base)
    models = [kind for kind in kinds if isinstance(kind, type) and issubclass(kind, base)]
    free = any(kind is dict or get_origin(kind) is dict or kind is Any for kind in kinds)
    if not isinstance(value, dict) or not models or free:
        return
    known = {name for model in models for name in names(model)}
    for key, inside in value.items():
        where = f"{path}.{key}" if path else str(key)
        if key not in known:
            yield f"{where}: no such key{nearest(str(key), known)}"
            continue
        fields = [model.model_fields[key].annotation for model in models if key in model.model_fields]
        if fields:
            yield from strangers(inside, union(fields), where, base)


def union(kinds: list[Any]) -> Any:
    made = kinds[0]
    for kind in kinds[1:]:
        made = made | kind
    return made


def flat(annotation: Any) -> Iterator[Any]:
    """The members of a union, `Annotated` taken off; anything else is itself."""
    import types
    from typing import Annotated, Union

    origin = get_origin(annotation)
    if origin is Annotated:
        yield from flat(get_args(annotation)[0])
    elif origin is Union or origin is types.UnionType:
        for one in get_args(annotation):
            yield from flat(one)
    else:
        yield annotation


def nearest(word: str, known: set[str]) -> str:
    near = difflib.get_close_matches(word, sorted(known), n=1, cutoff=0.6)
    return f"; did you mean '{near[0]}'?" if near else ""


if __name__ == "__main__":
    main()
