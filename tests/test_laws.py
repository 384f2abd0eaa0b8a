"""The six laws of docs/architecture.md, each read from the code."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from bashgym import recipe, registry
from bashgym.config import documentation
from bashgym.kinds import KINDS, LISTS, class_name

ROOT = Path(__file__).resolve().parent.parent
FLOORS = [
    {"errors", "__init__"},
    {"paths", "trace", "jsonl", "jsonc", "near", "yamls"},
    {"records", "config", "sandbox", "tasks", "store", "pseudonyms", "lifeline", "processes", "machine",
     "places", "packs"},
    {
        "kinds", "settings", "scan", "axolotl", "endpoint", "environment", "inside", "reading", "gate", "atif", "hub",
        "claude_code", "codex", "gemini", "opencode", "copilot", "exports", "traffic", "scanning", "prices",
        "signals", "hacking", "judging", "policy", "replay", "rows", "similar", "mining", "examples", "tools",
        "verdict", "manifest", "venv", "keys", "episodes", "rented", "checkpoint", "boxed", "training", "training_log",
        "report", "powers", "apart", "loading", "surroundings", "underway", "remote",
    },
    {"registry"},
    {"choices", "compositions", "bounds", "overrides", "recipe", "stages"},
    {
        "lock", "lineage", "run", "runs", "display", "show", "tokens", "audit", "sanitize", "judges", "capture",
        "history", "exporting", "delivery", "recipebook", "scaffold", "gateway", "dashboard", "orchestrate", "reflect",
        "vetting", "vetting_printed", "searching",
    },
    {"verbs", "completion"},
    {"cli", "__main__"},
]  # fmt: skip
FLOOR = {name: number for number, names in enumerate(FLOORS) for name in names}
PLUGINS = sorted(path for path in (ROOT / "plugins").glob("*/*.py") if not path.name.startswith("_"))
PRESETS = sorted((ROOT / "conf").glob("*/*.yaml"))


def imports(path: Path) -> Iterator[str]:
    """Dotted names a file imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def room(path: Path) -> str:
    return path.relative_to(ROOT / "bashgym").parts[0].removesuffix(".py")


def modules() -> list[Path]:
    return sorted(path for path in (ROOT / "bashgym").rglob("*.py") if room(path) != "inside")


def test_every_room_has_a_floor():
    rooms = {room(path) for path in modules()}
    assert rooms - set(FLOOR) == set(), "put the new room on a floor, here and in docs/architecture.md"


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_arrows_go_down(path: Path):
    """Law 2: a file imports only lower floors, or its own floor without a circle (next test)."""
    for name in imports(path):
        parts = name.split(".")
        assert parts[0] not in {"plugins", "hooks"}, f"{path} imports a plugin: {name}"
        if parts[0] == "bashgym" and len(parts) > 1 and parts[1] in FLOOR:
            assert FLOOR[parts[1]] <= FLOOR[room(path)], f"{path} imports {name}, which is on a higher floor"


def test_no_circles():
    arrows: dict[str, set[str]] = {}
    known = {".".join(path.relative_to(ROOT).with_suffix("").parts): path for path in modules()}
    for module, path in known.items():
        targets = set()
        for name in imports(path):
            targets |= {candidate for candidate in (name, name.rsplit(".", 1)[0]) if candidate in known}
        arrows[module] = targets - {module}
    done: set[str] = set()

    def visit(module: str, trail: tuple[str, ...]) -> None:
        assert module not in trail, f"a circle: {' -> '.join([*trail, module])}"
        if module not in done:
            for target in sorted(arrows[module]):
                visit(target, (*trail, module))
            done.add(module)

    for module in sorted(arrows):
        visit(module, ())


@pytest.mark.parametrize("path", PLUGINS, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_plugins_import_only_the_house(path: Path):
    for name in imports(path):
        assert not name.startswith("plugins"), f"{path} imports another plugin: {name}"
    siblings = {other.stem for other in PLUGINS} - {
        "mlflow",
        "lm_eval",
        "optuna",
        "ray",
    }  # named after the package they use
    tops = {name.split(".")[0] for name in imports(path)}
    assert not tops & siblings, f"{path} imports {tops & siblings}"


@pytest.mark.parametrize("path", PLUGINS, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_name_is_path(path: Path):
    """Law 1: plugins/KIND/NAME.py has a preset that names it and a test of its name."""
    kind, name = path.parent.name, path.stem
    named = [
        preset
        for preset in PRESETS
        if preset.parent.name == kind and yaml.safe_load(preset.read_text())["plugin"] == name
    ]
    assert named, f"no preset in conf/{kind}/ says plugin: {name}"
    assert (ROOT / "tests" / kind / f"test_{name}.py").exists(), f"tests/{kind}/test_{name}.py is missing"
    assert registry.first_line(path).strip() not in {"", "no description"}
    assert hasattr(registry.load(kind, name), "Config")


@pytest.mark.parametrize("path", PRESETS, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_preset_is_its_plugins_config(path: Path):
    """Law 1: a preset's keys are exactly its plugin's fields; nested tables too."""
    kind = path.parent.name
    values = yaml.safe_load(path.read_text())
    cls = registry.load(kind, values.pop("plugin"))
    assert class_name(kind) == cls.__name__
    assert set(values) == set(cls.Config.model_fields)
    package = re.search(r"^# @package (\S+)", path.read_text(), re.M)
    assert (package.group(1) if package else None) == (f"{kind}.{path.stem}" if kind in LISTS else None)
    undocumented = set(cls.Config.model_fields) - set(documentation(cls.Config))
    assert not undocumented, f"{kind} {path.stem}: fields without a docstring: {undocumented}"


@pytest.mark.parametrize("path", PRESETS, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_every_preset_composes(path: Path):
    kind = path.parent.name
    choice = f"[{path.stem}]" if kind in LISTS else path.stem
    composed = recipe.load(["recipe=quickstart", f"{kind}={choice}"])
    assert path.stem in [one.label for one in composed.all(kind)]


@pytest.mark.parametrize("path", sorted((ROOT / "recipes").glob("*.yaml")), ids=lambda path: path.stem)
def test_every_recipe_composes(path: Path):
    composed = recipe.load([f"recipe={path.stem}"])
    assert composed.settings.description


@pytest.mark.parametrize(
    "path",
    [ROOT / "conf" / "bashgym_base.yaml", *PRESETS, *sorted((ROOT / "recipes").glob("*.yaml"))],
    ids=lambda path: path.stem,
)
def test_every_key_has_a_comment(path: Path):
    """A key, or a choice in a defaults list, has a comment above it; a recipe's defaults list speaks for itself."""
    lines = path.read_text().split("\n")
    for number, line in enumerate(lines):
        key = re.match(r"^(\s*)(- )?(?:override )?([A-Za-z_]\w*):", line)
        if not key or (path.parent.name == "recipes" and (key.group(2) or key.group(3) == "defaults")):
            continue
        above = lines[number - 1].strip() if number else ""
        assert above.startswith("#") and not above.startswith("# @package"), (
            f"{path}:{number + 1}: no comment above {line.strip()}"
        )


def test_hydra_has_one_door():
    """Law 3: overrides.py and recipe.py alone know Hydra and OmegaConf; heavy packages are imported where used."""
    heavy = {
        "datasets",
        "presidio_analyzer",
        "sky",
        "mlflow",
        "torch",
        "axolotl",
        "lm_eval",
        "kingfisher_sdk",
        "transformers",
    }
    for path in [*modules(), *PLUGINS]:
        if path.name not in {"overrides.py", "recipe.py"}:
            assert not {name.split(".")[0] for name in imports(path)} & {"hydra", "omegaconf"}, path
        top = {
            name.split(".")[0]
            for node in ast.parse(path.read_bytes()).body
            if isinstance(node, ast.Import | ast.ImportFrom)
            for name in ([node.module or ""] if isinstance(node, ast.ImportFrom) else [one.name for one in node.names])
        }
        assert not top & heavy, f"{path} imports {top & heavy} at its top"


def test_every_kind_is_a_folder_of_its_name():
    for folder in [path for part in ("conf", "plugins") for path in (ROOT / part).iterdir() if path.is_dir()]:
        assert folder.name in KINDS or folder.name == "__pycache__", folder


def test_functions_say_what_they_return():
    for path in [*modules(), *PLUGINS]:
        for node in ast.walk(ast.parse(path.read_bytes())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                assert node.returns is not None, f"{path}:{node.lineno} {node.name}"
