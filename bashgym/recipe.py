"""argv and YAML in, a checked recipe out. The file that knows how Hydra and OmegaConf compose."""

import dataclasses
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bashgym import compositions
from bashgym.choices import Choice, Recipe, choice, recipe_file
from bashgym.compositions import Composition, Taken
from bashgym.config import validate
from bashgym.errors import RecipeError, did_you_mean
from bashgym.kinds import KINDS, LISTS
from bashgym.overrides import check_list, normalise, parse
from bashgym.packs import kept
from bashgym.packs.kept import Pack
from bashgym.places import presets, recipes, roots
from bashgym.settings import Settings

if TYPE_CHECKING:
    from omegaconf import DictConfig


def load(argv: Sequence[str]) -> Recipe:
    """The recipe that `argv` (`recipe=NAME key=value ...`) means; raises RecipeError or PluginError, one line each."""
    return checked(composition(argv))


def composition(argv: Sequence[str]) -> Composition:
    """What the recipe files and `argv` say together; raises what `load` raises."""
    name, typed = split_recipe(argv)
    file = recipe_file(name)
    made = compositions.find(file, typed)
    if made is None:
        overrides = [text for text in map(normalise, typed) if text]
        made = Composition(file, typed, overrides, *composed(file, overrides))
        compositions.keep(made)
    return made


def checked(made: Composition) -> Recipe:
    """The recipe, every choice and setting of it checked against its plugin, what packs say against their bounds."""
    if not kept.home().is_dir():  # no packs here: what looks after them is not even loaded
        return assembled(made, [], [])
    from bashgym import bounds

    packs = bounds.packs_in(made)
    recipe = assembled(made, list(bounds.check_files(made, packs)), packs)
    if packs:
        bounds.check(made, list(layers(made)), recipe.choices, recipe.settings)
    packs = list({one.name: one for one in [*packs, *bounds.packs_of(recipe.choices)]}.values())
    return dataclasses.replace(recipe, packs=tuple(packs))


def assembled(made: Composition, notices: list[str], packs: Sequence[Pack]) -> Recipe:
    """Every choice and setting checked against its plugin; what there is to tell is added to `notices`."""
    choices = [
        choice
        for kind in KINDS
        for choice in chosen(kind, made.values.get(kind) or {}, made.defaults, made.overrides, notices)
    ]
    rest = {key: value for key, value in made.values.items() if key not in KINDS}
    settings = validate(Settings, rest, "")
    return Recipe(made.file.stem, made.file, settings, tuple(choices), tuple(made.typed), tuple(notices), tuple(packs))


def split_recipe(argv: Sequence[str]) -> tuple[str, list[str]]:
    names = [text.removeprefix("recipe=") for text in argv if text.startswith("recipe=")]
    if not names or not names[0]:
        known = recipes()
        meant = next((f"did you mean recipe={text}?" for text in argv if text in known), "")
        raise RecipeError(f"no recipe given; {meant or 'add recipe=NAME, one of: ' + ', '.join(known)}")
    if len(names) > 1:
        raise RecipeError(f"recipe= is given {len(names)} times ({', '.join(names)}); give one")
    return names[0], [text for text in argv if not text.startswith("recipe=")]


def composed(file: Path, overrides: list[str]) -> tuple[dict[str, Any], list[Taken]]:
    """Hydra's answer as plain values, and its list of the files it took, in order."""
    import yaml
    from hydra import initialize_config_dir
    from hydra.errors import HydraException
    from omegaconf import OmegaConf
    from omegaconf.errors import MissingMandatoryValue, OmegaConfBaseException, UnsupportedInterpolationType

    register()
    try:
        with swift_yaml(), initialize_config_dir(str(file.parent), version_base="1.3"):
            config, defaults = compose(file.stem, overrides)
            values = OmegaConf.to_container(config, resolve=True, throw_on_missing=True)
    except RecursionError:
        raise RecipeError(f"{file}: its defaults lead back to itself; a recipe cannot extend its own name") from None
    except MissingMandatoryValue as error:
        raise RecipeError(f"{error.full_key}: a value is needed; add {error.full_key}=...") from None
    except UnsupportedInterpolationType as error:
        reason = str(error).split("\n")[0]
        raise RecipeError(
            f"{error.full_key}: {reason}; recipes are shared, so they may not read the environment"
        ) from None
    except yaml.MarkedYAMLError as error:
        at = error.problem_mark
        where = f"{at.name}:{at.line + 1}" if at else str(file)
        raise RecipeError(f"{where}: not valid YAML: {error.problem or error.context}; correct that line") from None
    except yaml.YAMLError as error:
        raise RecipeError(f"{file}: not valid YAML: {' '.join(str(error).split())}; correct it") from None
    except (HydraException, OmegaConfBaseException, ValueError) as error:
        raise RecipeError(one_line(file, error)) from None
    return values, defaults  # type: ignore[return-value]


def compose(name: str, overrides: list[str]) -> tuple["DictConfig", list[Taken]]:
    """What `hydra.compose` does, without Hydra's settings for its own launchers, logs and folders, of which nothing
    is used here: they are half of the files it reads and half of its time. The files taken are its by-product."""
    from hydra._internal.config_repository import CachingConfigRepository
    from hydra._internal.defaults_list import create_defaults_list
    from hydra.core.global_hydra import GlobalHydra
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from omegaconf import OmegaConf

    loader: Any = GlobalHydra.instance().config_loader()
    repository = CachingConfigRepository(loader.repository)
    parsed = OverridesParser.create().parse_overrides(overrides)
    taken = create_defaults_list(repository, name, parsed, prepend_hydra=False, skip_missing=False)
    config = loader._compose_config_from_defaults_list(taken.defaults, repository)
    OmegaConf.set_struct(config, True)
    loader._apply_overrides_to_config(taken.config_overrides, config)
    return config, [Taken(str(one.config_path), one.package or "") for one in taken.defaults]


@contextmanager
def swift_yaml() -> Iterator[None]:
    """OmegaConf's loader is made from `yaml.SafeLoader` at each use; its twin in C reads ten times faster."""
    import yaml

    from bashgym import yamls

    slow = yaml.SafeLoader
    yaml.SafeLoader = yamls.LOADER  # type: ignore[misc]
    try:
        yield
    finally:
        yaml.SafeLoader = slow  # type: ignore[misc]


@lru_cache
def register() -> None:
    """Hydra finds `conf/` and `recipes/` of the project, packs, packages and what ships, in that order."""
    from hydra.core.config_search_path import ConfigSearchPath
    from hydra.core.plugins import Plugins
    from hydra.plugins.search_path_plugin import SearchPathPlugin
    from omegaconf import OmegaConf

    class BashGymSearchPath(SearchPathPlugin):
        def manipulate_search_path(self, search_path: ConfigSearchPath) -> None:
            for root in roots():
                for part in ("conf", "recipes"):
                    if root.part(part).is_dir():
                        search_path.append("bashgym", f"file://{root.part(part)}")

    Plugins.instance().register(BashGymSearchPath)
    OmegaConf.clear_resolver("oc.env")  # else a shared recipe could read any secret of the environment


def one_line(file: Path, error: Exception) -> str:
    """Hydra's many lines as one: what, in which file, and the choices it names."""
    lines = [line.strip() for line in str(error).split("\n") if line.strip()]
    kept = [
        line for line in lines if not line.startswith(("provider=", "Config search path", "full_key", "object_type"))
    ]
    if "Could not find" in kept[0] or "Could not load" in kept[0]:
        wanted = kept[0].split("'")[-2]
        kind, _, name = wanted.partition("/")
        known = presets(kind) if name else recipes()
        return f"{kept[0]}{did_you_mean(name or wanted, known)}"
    if "Cannot merge" in str(error):
        from bashgym import yamls

        content = yamls.load(file.read_text())
        for key in [key for key in content if key in KINDS and not isinstance(content[key], dict)]:
            return f"{file.name}: {key}: settings (key: value) are needed, got {content[key]!r}; choose in `defaults:`"
        # Hydra does not say where
        leaves = flatten(content) if isinstance(content, dict) else ()
        lists = [key for key, value in leaves if isinstance(value, list) and key != "defaults"]
        if lists:
            return f"{file.name}: {' or '.join(lists)}: a list stands where settings are needed; write key: value lines"
    if "Interpolation key" in kept[0]:
        return f"{file.name}: {kept[0]}; name a key there is, such as ${{seed}}, or quote the value"
    return f"{file.name}: {' '.join(kept[:3])}; `bashgym recipes show quickstart` shows how a recipe is put together"


def chosen(
    kind: str, section: Any, defaults: list[Taken], overrides: list[str], notices: list[str]
) -> Iterator[Choice]:
    """The choices of a kind in the order typed, each checked against its plugin's settings."""
    order = [Path(entry.config_path).name for entry in defaults if entry.config_path.startswith(f"{kind}/")]
    check_list(kind, order)
    if not isinstance(section, dict):
        raise RecipeError(f"{kind}={','.join(order)}: expected settings, got {section!r}; choose with {kind}=NAME")
    if kind not in LISTS:
        if section:
            yield choice(kind, order[0] if order else kind, section, notices)
        return
    for label in [name for name in section if name not in order]:
        leftover(kind, label, section[label], order, overrides, notices)
        if "plugin" in (section[label] or {}):
            order.append(label)
    for label in order:
        yield choice(kind, label, section[label], notices)


def leftover(kind: str, label: str, values: Any, order: list[str], overrides: list[str], notices: list[str]) -> None:
    """Settings for a preset that is not chosen: an error if typed or misspelt, a notice if a recipe tunes it."""
    if isinstance(values, dict) and "plugin" in values:
        return  # a plugin added in place: +sanitizer.mine.plugin=x
    typed = any(text.startswith(f"++{kind}.{label}") for text in overrides)
    if label not in presets(kind):
        raise RecipeError(f"{kind}.{label}: no such preset{did_you_mean(label, presets(kind))}")
    if typed:
        raise RecipeError(f"{kind}.{label}: '{label}' is not chosen; add it: {kind}=[{','.join([*order, label])}]")
    notices.append(f"the recipe's settings for {kind}.{label} do nothing: '{label}' is not chosen")


def explain(argv: Sequence[str]) -> list[tuple[str, Any, str]]:
    """(key, value, origin) of every value of a recipe; the origin is a file or `command line`.

    Raises what `load` raises."""
    made = composition(argv)
    checked(made)
    origins = {key: origin for origin, values in layers(made) for key in values}
    return [(key, value, origins.get(key, "")) for key, value in flatten(made.values)]


def layers(made: Composition) -> Iterator[tuple[str, dict[str, Any]]]:
    """(file or `command line`, the keys it sets with their values as written), the last word last."""
    from hydra import initialize_config_dir
    from hydra.core.global_hydra import GlobalHydra
    from omegaconf import OmegaConf

    register()
    with initialize_config_dir(str(made.file.parent), version_base="1.3"):
        repository: Any = GlobalHydra.instance().config_loader().repository  # type: ignore[attr-defined]
        for entry in made.defaults:
            loaded = repository.load_config(entry.config_path)
            if loaded is not None:
                path = f"{loaded.path.removeprefix('file://')}/{entry.config_path}.yaml"
                content = OmegaConf.to_container(loaded.config, resolve=False)
                yield path, {".".join(filter(None, (entry.package, key))): value for key, value in flatten(content)}
    typed = [parse(text.lstrip("+")) for text in made.overrides]
    yield "command line", {one.key_or_group: one.value() for one in typed}


def flatten(values: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Dotted keys and leaves; a list or an empty dict is a leaf."""
    for key, value in values.items():
        if isinstance(value, dict) and value:
            yield from flatten(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value
