"""Plugins by kind and name, from the project, packs, installed packages and what ships. First match wins.

"Registry" here is of plugins; the registry of models is always called model_registry."""

import ast
import hashlib
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import BaseModel

from bashgym import jsonl, paths
from bashgym.config import validate
from bashgym.errors import PluginError, did_you_mean
from bashgym.kinds import KINDS
from bashgym.loading import Plugin, loaded
from bashgym.packs import kept
from bashgym.places import Root, roots


def candidates(kind: str) -> Iterator[tuple[Root, Path]]:
    """Every plugin file of a kind in search order, shadowed ones included."""
    for root in roots():
        for path in sorted((root.part("plugins") / kind).glob("*.py")):
            if not path.name.startswith("_"):
                yield root, path


def find(kind: str, name: str) -> Plugin:
    """The plugin that a preset's `plugin: name` means; raises PluginError with the nearest names."""
    matches = [(root, path) for root, path in candidates(kind) if path.stem == name]
    if not matches:
        known = [path.stem for _, path in candidates(kind)]
        raise PluginError(f"no {kind} plugin named '{name}'{did_you_mean(name, known)}")
    root, path = matches[0]
    plugin = Plugin(kind, name, path, root.origin, hashlib.sha256(path.read_bytes()).hexdigest())
    if kind == "sanitizer" and root.origin != "shipped" and len(matches) > 1 and plugin.sha256 not in trusted():
        raise PluginError(
            f"sanitizer '{name}' of {root.origin} ({path}) takes the name of a shipped one; rename it, "
            f"or, if you have read it: bashgym plugins trust sanitizer {name}"
        )
    return plugin


def shadows(plugin: Plugin) -> bool:
    """Whether a plugin of ours bears the same name, which the user should know."""
    return plugin.origin != "shipped" and (paths.shipped("plugins") / plugin.kind / f"{plugin.name}.py").exists()


def trusted() -> set[str]:
    """Hashes of plugin files the user said to have read; never taken from a recipe or a pack."""
    file = paths.home() / "trusted-plugins.json"
    return set(jsonl.parse(file.read_bytes())) if file.exists() else set()


def trust(kind: str, name: str) -> Path:
    """Remembers the very bytes of the plugin that comes first under this name."""
    path = next((path for _, path in candidates(kind) if path.stem == name), None)
    if path is None:
        raise PluginError(f"no {kind} plugin named '{name}'{did_you_mean(name, [p.stem for _, p in candidates(kind)])}")
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    jsonl.replace(paths.home() / "trusted-plugins.json", jsonl.dumps(sorted(trusted() | {digest})))
    return path


def load(kind: str, name: str) -> type:
    """The class of a plugin by kind and name."""
    return load_plugin(find(kind, name))


@lru_cache
def load_plugin(plugin: Plugin) -> type:
    """The plugin's class, its contract checked; one of a pack runs apart, and only where the pack is trusted.

    Raises PluginError when the file is not what was found or promised."""
    pack = kept.of_file(plugin.path)
    if pack is None:
        return loaded(plugin)
    if not pack.is_trusted:
        raise PluginError(
            f"{plugin.kind} '{plugin.name}' is code of pack {pack.name} at {pack.short}, which is not trusted; see "
            f"what is in it and say yes or no: bashgym packs trust {pack.name}"
        )
    kept.check(pack)
    from bashgym.apart.proxy import proxy  # most recipes have no plugin of a pack

    return proxy(plugin)


def settings(plugin: Plugin, values: dict[str, Any], where: str) -> BaseModel:
    """`values` as the plugin's settings; raises RecipeError for what it does not take."""
    cls: Any = load_plugin(plugin)
    if kept.of_file(plugin.path) is None:
        own: BaseModel = validate(cls.Config, values, where)
        return own
    from bashgym.apart import proxy

    return proxy.settings(cls, values, where)


def build(plugin: Plugin, values: dict[str, Any], where: str) -> Any:
    """The plugin with its settings; raises RecipeError for settings it does not take."""
    return load_plugin(plugin)(settings(plugin, values, where))


class Listing(NamedTuple):
    """What `bashgym plugins list` shows of one plugin."""

    kind: str
    name: str
    origin: str
    line: str
    path: str


def catalogue() -> list[Listing]:
    """All plugins, shadowed ones left out, read without importing any of them."""
    found: dict[tuple[str, str], Listing] = {}
    for kind in KINDS:
        for root, path in candidates(kind):
            found.setdefault((kind, path.stem), Listing(kind, path.stem, root.origin, first_line(path), str(path)))
    return list(found.values())


def first_line(path: Path) -> str:
    """The first line of a module's docstring; says so where the file cannot be read as Python."""
    try:
        text = ast.get_docstring(ast.parse(path.read_bytes()))
    except SyntaxError as error:
        return f"not valid Python: {error.msg} (line {error.lineno})"
    return (text or "no description").split("\n")[0]
