"""The agents whose history may be on this machine, and the pieces a judgement without a recipe rests on.

Nothing of the folder one stands in is run here: `bashgym collect` in a repository that was just cloned must not
execute what lies in its `plugins/`. Sources come from packs that the user named, installed packages and what ships;
judges and sanitizers are those of the shipped `bashgym_base.yaml`."""

import ast
import hashlib
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from bashgym import paths, registry, yamls
from bashgym.kinds import Source
from bashgym.registry import Plugin
from bashgym.settings import VerdictSettings

HERE = "project"  # the origin of plugins in the folder one stands in


class Agent(NamedTuple):
    """An agent by the name people know it by, and the source that reads its history."""

    name: str
    plugin: Plugin
    source: Source

    @property
    def label(self) -> str:
        return self.plugin.name


def agents() -> list[Agent]:
    """Every source that reads an agent's own history, with its settings left as they are."""
    found: dict[str, Agent] = {}
    for root, path in registry.candidates("source"):
        name = agent_of(path) if root.origin != HERE and path.stem not in found else None
        if name:
            plugin = plugin_at("source", path, root.origin)
            found[path.stem] = Agent(name, plugin, registry.build(plugin, {}, f"source.{path.stem}"))
    return sorted(found.values(), key=lambda one: (one.label != "claude_code", one.name))


def agent_of(path: Path) -> str | None:
    """What a plugin's `class Source` says in `agent`, read without running it; None where it says nothing."""
    content = path.read_bytes()
    if b"agent" not in content:
        return None
    try:
        body = ast.parse(content).body
    except SyntaxError:
        return None  # `bashgym plugins list` tells of it
    for node in (one for top in body if isinstance(top, ast.ClassDef) and top.name == "Source" for one in top.body):
        if isinstance(node, ast.Assign | ast.AnnAssign) and isinstance(node.value, ast.Constant):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            if any(isinstance(target, ast.Name) and target.id == "agent" for target in targets):
                return node.value.value if isinstance(node.value.value, str) else None
    return None


def plugin_at(kind: str, path: Path, origin: str) -> Plugin:
    return Plugin(kind, path.stem, path, origin, hashlib.sha256(path.read_bytes()).hexdigest())


@lru_cache
def base() -> dict[str, Any]:
    """The shipped bashgym_base.yaml as it stands."""
    return yamls.load((paths.shipped("conf") / "bashgym_base.yaml").read_bytes())


def chosen(kind: str) -> list[str]:
    """The presets of a kind that the base recipe chooses."""
    choice = next(entry[kind] for entry in base()["defaults"] if isinstance(entry, dict) and kind in entry)
    return choice if isinstance(choice, list) else [choice]


class Piece(NamedTuple):
    """A plugin of the base recipe with its preset's settings."""

    label: str
    plugin: Plugin
    values: dict[str, Any]

    def build(self) -> Any:
        return registry.build(self.plugin, self.values, f"{self.plugin.kind}.{self.label}")


def pieces(kind: str) -> Iterator[Piece]:
    """The shipped plugins of a kind that the base recipe chooses, in its order."""
    for label in chosen(kind):
        values = yamls.load((paths.shipped("conf") / kind / f"{label}.yaml").read_bytes())
        path = paths.shipped("plugins") / kind / f"{values.pop('plugin')}.py"
        yield Piece(label, plugin_at(kind, path, "shipped"), values)


def verdict_settings() -> VerdictSettings:
    return VerdictSettings.model_validate(base()["verdict"])


def trained_classes() -> list[str]:
    """Classes of sessions that the base recipe trains on."""
    return list(base()["dataset"]["classes"])
