"""What can be chosen (presets, recipes) and what was: a recipe whose every choice is checked. Nothing of Hydra here."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
from pydantic import BaseModel

from bashgym import __version__, registry
from bashgym.errors import RecipeError, did_you_mean
from bashgym.kinds import LISTS
from bashgym.packs.address import is_address, parsed
from bashgym.packs.kept import Pack
from bashgym.places import presets, recipes
from bashgym.settings import Settings


@dataclass(frozen=True)
class Choice:
    """One plugin of a recipe, with its checked settings. `label` is the preset's name."""

    kind: str
    label: str
    plugin: registry.Plugin
    config: BaseModel

    @property
    def key(self) -> str:
        return f"{self.kind}.{self.label}" if self.kind in LISTS else self.kind

    def values(self) -> dict[str, Any]:
        return self.config.model_dump(mode="json")

    def build(self) -> Any:
        """The plugin itself."""
        return registry.build(self.plugin, self.values(), self.key)


@dataclass(frozen=True)
class Recipe:
    """Everything one run needs to know."""

    name: str
    file: Path
    settings: Settings
    choices: tuple[Choice, ...]
    overrides: tuple[str, ...]
    notices: tuple[str, ...]
    packs: tuple[Pack, ...] = ()  # those that a file of it is of
    locked: Mapping[str, Any] | None = field(default=None, compare=False)  # the lock file it was made from, if it was

    @property
    def model_name(self) -> str:
        return self.settings.name or self.name

    def all(self, kind: str) -> list[Choice]:
        return [choice for choice in self.choices if choice.kind == kind]

    def one(self, kind: str) -> Choice:
        return self.all(kind)[0]

    def lock(self) -> dict[str, Any]:
        """The resolved recipe: settings, plugins with the hash of their code, versions. Holds no secret."""
        kinds: dict[str, Any] = {}
        # a search decides which runs there are, and nothing in one
        for choice in (one for one in self.choices if one.kind != "search"):
            entry = {
                "plugin": choice.plugin.name,
                "origin": choice.plugin.origin,
                "sha256": choice.plugin.sha256,
                "shadows_shipped": registry.shadows(choice.plugin),
                "config": choice.values(),
            }
            kinds.setdefault(choice.kind, {})[choice.label] = entry
        settings = self.settings.model_dump(mode="json", exclude={"run_dir"})
        packs = {one.name: {"url": one.url, "commit": one.commit, "sha256": one.sha256} for one in self.packs}
        found = {"bashgym": __version__, "recipe": self.name, "settings": settings, "plugins": kinds}
        return {**found, "packs": packs} if packs else found

    def lock_text(self, key_id: str) -> str:
        """What `recipe.lock.yaml` holds: the lock, what was typed, and which pseudonym key was used."""
        import yaml

        content = {**self.lock(), "overrides": list(self.overrides), "pseudonym_key": key_id}
        return f"# Written by bashgym; the resolved recipe of this run.\n{yaml.safe_dump(content, sort_keys=False)}"

    def lock_hash(self) -> str:
        return hashlib.sha256(orjson.dumps(self.lock())).hexdigest()


def description(file: Path) -> str:
    """A recipe's own one line about itself, without composing it."""
    import yaml

    from bashgym import yamls

    try:
        content = yamls.load(file.read_text())
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        return f"cannot be read: {type(error).__name__}"
    return str(content.get("description", "")) if isinstance(content, dict) else ""


def recipe_file(name: str) -> Path:
    """The file that `recipe=name` means: a name that is found, or a path to a .yaml file."""
    if is_address(name):
        return of_pack(name)
    if name.endswith(".yml"):
        raise RecipeError(f"recipe={name}: Hydra reads only files that end in .yaml; rename it")
    if name.endswith(".yaml") or "/" in name:
        path = Path(name).expanduser().resolve()
        if not path.is_file():
            raise RecipeError(f"recipe={name}: no such file; `bashgym recipes list` shows the recipes there are")
        return path
    known = recipes()
    if name not in known:
        raise RecipeError(f"recipe={name}: no such recipe{did_you_mean(name, known)}")
    return known[name][1]


def of_pack(name: str) -> Path:
    """The recipe that a pack's address ends in: `git+https://host/org/pack@REV#NAME`, `hf://org/repo@REV/NAME`.

    The pack is fetched where it is not kept yet, and from then on taken at the commit that it had."""
    from bashgym.packs.added import ensure

    pack = ensure(name)
    known = [path.removeprefix("recipes/").removesuffix(".yaml") for path in pack.files if path.startswith("recipes/")]
    wanted = parsed(name).recipe
    if not wanted:
        mark = "#" if name.startswith("git+") else "@REV/"
        raise RecipeError(f"recipe={name}: add the name of one of its recipes ({', '.join(known)}) after {mark}")
    if wanted not in known:
        raise RecipeError(f"recipe={name}: pack {pack.name} has no such recipe{did_you_mean(wanted, known)}")
    return pack.folder / "recipes" / f"{wanted}.yaml"


def choice(kind: str, label: str, section: Any, notices: list[str]) -> Choice:
    where = f"{kind}.{label}" if kind in LISTS else kind
    if not isinstance(section, dict) or not isinstance(section.get("plugin"), str):
        raise RecipeError(f"{where}: the preset names no plugin; add `plugin: NAME` to conf/{kind}/{label}.yaml")
    plugin = registry.find(kind, section["plugin"])
    if registry.shadows(plugin):
        notices.append(f"{kind} '{plugin.name}' is {plugin.origin}'s ({plugin.path}), in place of the shipped one")
    values = {key: value for key, value in section.items() if key != "plugin"}
    return Choice(kind, label, plugin, registry.settings(plugin, values, where))


def preset_plugin(kind: str, label: str) -> Any:
    """The plugin of a preset with the preset's own settings, outside any recipe."""
    file = presets(kind).get(label)
    if file is None:
        raise RecipeError(f"{kind}={label}: no such preset{did_you_mean(label, presets(kind))}")
    from bashgym import yamls

    return choice(kind, label, yamls.load(file.read_text()), []).build()
