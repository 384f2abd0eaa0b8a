"""Plugins by kind and name, from the project, packs, installed packages and what ships. First match wins.

"Registry" here is of plugins; the registry of models is always called model_registry."""

import ast
import hashlib
import importlib.util
import sys
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import BaseModel

from bashgym import jsonl, paths
from bashgym.config import validate
from bashgym.errors import PluginError, did_you_mean
from bashgym.kinds import KINDS, class_name
from bashgym.places import Root, roots


class Plugin(NamedTuple):
    """One plugin file. `sha256` is of its bytes, so that another process can be sure to run the same code."""

    kind: str
    name: str
    path: Path
    origin: str
    sha256: str


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
    """The plugin's class, its contract checked; raises PluginError when the file is not what was found or promised."""
    source = plugin.path.read_bytes()
    if hashlib.sha256(source).hexdigest() != plugin.sha256:
        raise PluginError(f"{plugin.path} changed while the run was going on; start again")
    module_name = f"bashgym_plugin_{plugin.kind}_{plugin.name}_{plugin.sha256[:8]}"
    spec = importlib.util.spec_from_file_location(module_name, plugin.path)
    if spec is None or spec.loader is None:
        raise PluginError(f"{plugin.path} cannot be loaded as a Python module")
    module = importlib.util.module_from_spec(spec)
    sys.modules[module_name] = module  # pydantic looks annotations up there while the module is still running
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        del sys.modules[module_name]
        raise PluginError(
            f"{plugin.kind} plugin '{plugin.name}' ({plugin.path}): {type(error).__name__}: {error}; "
            "correct it or choose another"
        ) from error
    return check_contract(plugin, getattr(module, class_name(plugin.kind), None))


def check_contract(plugin: Plugin, cls: Any) -> type:
    """`cls` if it keeps its kind's contract; raises PluginError naming what is missing."""
    wanted = class_name(plugin.kind)
    where = f"{plugin.kind} plugin '{plugin.name}' ({plugin.path})"
    if not isinstance(cls, type):
        raise PluginError(f"{where} defines no class {wanted}; see bashgym/kinds.py")
    config = getattr(cls, "Config", None)
    if not (isinstance(config, type) and issubclass(config, BaseModel)):
        raise PluginError(f"{where}: class {wanted} has no inner Config; derive it from bashgym.config.Config")
    promised = KINDS[plugin.kind]
    members = {*vars(promised), *getattr(promised, "__annotations__", {})}
    missing = sorted(name for name in members if not name.startswith("_") and not hasattr(cls, name))
    if missing:
        raise PluginError(f"{where}: {wanted} lacks {', '.join(missing)}; see bashgym/kinds.py")
    return cls


def build(plugin: Plugin, values: dict[str, Any], where: str) -> Any:
    """The plugin with its settings; raises RecipeError for settings it does not take."""
    cls = load_plugin(plugin)
    return cls(validate(cls.Config, values, where))  # type: ignore[attr-defined]


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
