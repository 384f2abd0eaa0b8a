"""The folders that are searched for plugins, presets and recipes, in order, and the presets and recipes in them.

Nothing heavy is imported here: shell completion asks it at every press of the tab key."""

import importlib.util
import os
from functools import lru_cache
from importlib.metadata import entry_points
from pathlib import Path
from typing import NamedTuple

from bashgym import paths
from bashgym.errors import PluginError
from bashgym.packs import kept

ENTRY_POINTS = "bashgym.plugins"


class Root(NamedTuple):
    """A folder shaped like ours (plugins/, conf/, recipes/) and where it came from."""

    origin: str
    folder: Path

    def part(self, name: str) -> Path:
        return paths.shipped(name) if self.origin == "shipped" else self.folder / name


def roots() -> list[Root]:
    """The places that are searched, in order: project, `$BASHGYM_PACKS`, added packs, installed packages, shipped."""
    named = [Path(folder).expanduser() for folder in os.environ.get("BASHGYM_PACKS", "").split(os.pathsep) if folder]
    for folder in named:
        if not folder.is_dir():
            raise PluginError(f"BASHGYM_PACKS: no folder {folder}; name folders that hold plugins/, conf/ or recipes/")
    found = [Root("project", paths.project())]
    found += [Root(f"pack {folder.name}", folder) for folder in named]
    found += [Root(pack.origin, pack.folder) for pack in kept.searched()]
    found += [Root(f"package {name}", folder) for name, folder in sorted(installed().items())]
    ours = paths.shipped("conf").parent.resolve()
    return [root for root in found if root.folder.resolve() != ours] + [Root("shipped", ours)]


@lru_cache
def installed() -> dict[str, Path]:
    """Installed packages that offer plugins: entry point name -> the package's folder, found without importing it."""
    found = {}
    for point in entry_points(group=ENTRY_POINTS):
        spec = importlib.util.find_spec(point.value.split(":")[0])
        if spec is None or not spec.submodule_search_locations:
            raise PluginError(f"entry point {ENTRY_POINTS}:{point.name} names {point.value}, which is no package here")
        found[point.name] = Path(spec.submodule_search_locations[0])
    return found


def presets(kind: str) -> dict[str, Path]:
    """The presets of a kind by name, first match first."""
    found: dict[str, Path] = {}
    for root in roots():
        for path in sorted((root.part("conf") / kind).glob("*.yaml")):
            found.setdefault(path.stem, path)
    return found


def recipes() -> dict[str, tuple[str, Path]]:
    """Recipe name -> (origin, file), first match first."""
    found: dict[str, tuple[str, Path]] = {}
    for root in roots():
        for path in sorted(root.part("recipes").glob("*.yaml")):
            found.setdefault(path.stem, (root.origin, path))
    return found
