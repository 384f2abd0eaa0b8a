"""A plugin's file made into its class: the bytes that were promised, the contract of its kind kept."""

import hashlib
import importlib.util
import sys
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import BaseModel

from bashgym.errors import PluginError
from bashgym.kinds import KINDS, class_name


class Plugin(NamedTuple):
    """One plugin file. `sha256` is of its bytes, so that another process can be sure to run the same code."""

    kind: str
    name: str
    path: Path
    origin: str
    sha256: str


def loaded(plugin: Plugin) -> type:
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
