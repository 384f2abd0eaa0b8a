"""A recipe of one's own out of another: extending it, or written out in full."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from bashgym import jsonl, overrides, paths, recipe, yamls
from bashgym.choices import recipe_file
from bashgym.errors import RecipeError
from bashgym.kinds import KINDS, LISTS
from bashgym.places import recipes
from bashgym.recipebook.comments import comments


def copy(name: str, to: str, overrides: Sequence[str], flat: bool) -> Path:
    """The file that was written; `to` is a name (for recipes/<name>.yaml), a .yaml file, or empty (my_<name>).

    The overrides are written down in it. Raises RecipeError where the recipe is wrong or the file is there already."""
    base = recipe_file(name)
    made = recipe.composition([f"recipe={name}", *overrides])
    recipe.checked(made)
    file = target(to or f"my_{base.stem}")
    if file.exists():
        raise RecipeError(f"{file}: is there already; give another name: bashgym recipes copy {name} NAME")
    if not flat:
        check_reachable(base, file)
    text = written_out(made, base) if flat else extending(made, base)
    file.parent.mkdir(parents=True, exist_ok=True)
    jsonl.replace(file, text.encode())
    try:
        recipe.load([f"recipe={file}"])
    except RecipeError:
        file.unlink()
        raise
    return file


def target(to: str) -> Path:
    if to.endswith(".yaml"):
        return Path(to).expanduser().resolve()
    if "/" in to or to.endswith(".yml"):
        raise RecipeError(f"{to}: give a name, or a file that ends in .yaml")
    return paths.project() / "recipes" / f"{to}.yaml"


def check_reachable(base: Path, file: Path) -> None:
    """A recipe is extended by name: raises RecipeError where that name would mean another file, or itself."""
    if base.stem == file.stem:
        raise RecipeError(f"{file.stem}: a recipe cannot extend its own name; give another name, or add --flat")
    found = recipes().get(base.stem)
    if base.parent != file.parent and (found is None or found[1].resolve() != base.resolve()):
        raise RecipeError(
            f"{base}: is not found by its name from {file.parent}; copy it beside itself, or in full with --flat"
        )


def chosen(made: recipe.Composition, kind: str) -> Any:
    """What is chosen of a kind, as a defaults list says it; None where nothing can be."""
    found = [choice.label for choice in recipe.checked(made).choices if choice.kind == kind]
    return found if kind in LISTS else (found[0] if found else None)


def extending(made: recipe.Composition, base: Path) -> str:
    """A recipe that starts from another and changes what was typed, and nothing else."""
    typed = [overrides.parse(text.lstrip("+")) for text in made.overrides]
    groups = [f"  - override {one.key_or_group}: {inline(one.value())}" for one in typed if one.key_or_group in KINDS]
    values = {one.key_or_group: one.value() for one in typed if one.key_or_group not in KINDS}
    values = {"description": f"{base.stem}, changed", **values}
    head = [
        f"# Starts from {base.stem}; what is not said here is as it is there.",
        f"# All keys and where they come from: bashgym recipes show {base.stem}",
        "defaults:",
        f"  - {base.stem}",
        *groups,
        "  - _self_",
        "",
    ]
    return "\n".join([*head, *body(nested(values), notes_of(made))]) + "\n"


def written_out(made: recipe.Composition, base: Path) -> str:
    """Every choice and every value of a recipe in one file; references between keys stay references."""
    raw: dict[str, Any] = {}
    for _, values in recipe.layers(made):
        raw |= values
    leaves = {
        key: raw.get(key, value)
        for key, value in recipe.flatten(made.values)
        if key.rsplit(".", 1)[-1] != "plugin" and not (key in KINDS and value == {})
    }
    picked = {kind: chosen(made, kind) for kind in KINDS}
    groups = [f"  - override {kind}: {inline(value)}" for kind, value in picked.items() if value]
    none = [f"  - override {kind}: []" for kind in emptied(made, picked)]
    head = [
        f"# {base.stem}, written out in full.",
        "defaults:",
        "  - bashgym_base",
        *groups,
        *none,
        "  - _self_",
        "",
    ]
    return "\n".join([*head, *body(nested(leaves), notes_of(made))]) + "\n"


def emptied(made: recipe.Composition, picked: dict[str, Any]) -> list[str]:
    """Lists that the base fills and this recipe does not."""
    base = paths.shipped("conf") / "bashgym_base.yaml"
    listed = yamls.load(base.read_text())["defaults"]
    filled = {kind for one in listed if isinstance(one, dict) for kind, value in one.items() if value}
    return [kind for kind in picked if kind in filled and picked[kind] == []]


def nested(leaves: dict[str, Any]) -> dict[str, Any]:
    """Dotted keys as tables in tables."""
    found: dict[str, Any] = {}
    for key, value in leaves.items():
        *tables, last = key.split(".")
        inner = found
        for name in tables:
            inner = inner.setdefault(name, {})
        inner[last] = value
    return found


def notes_of(made: recipe.Composition) -> dict[str, str]:
    """The comment above each key, out of the files that set it; the base's and presets' own words come first."""
    notes: dict[str, str] = {}
    for origin, values in recipe.layers(made):
        file = Path(origin)
        if not file.is_file():
            continue
        said = comments(file)
        plugin = next((key for key in values if key.endswith(".plugin")), "") if file.parent.name in KINDS else ""
        for key, comment in said.items():
            notes.setdefault(f"{plugin.removesuffix('plugin')}{key}", comment)
    return notes


def body(values: dict[str, Any], notes: dict[str, str], prefix: str = "") -> list[str]:
    """YAML of tables in tables, each key under its comment."""
    lines: list[str] = []
    indent = "  " * prefix.count(".")
    for key, value in values.items():
        path = f"{prefix}{key}"
        if not prefix and lines:
            lines.append("")
        if path in notes:
            lines.append(f"{indent}# {notes[path]}")
        if isinstance(value, dict) and value:
            lines += [f"{indent}{key}:", *body(value, notes, f"{path}.")]
        else:
            lines.append(f"{indent}{key}: {inline(value)}")
    return lines


def inline(value: Any) -> str:
    """A value on one line of YAML."""
    text = yaml.safe_dump(value, default_flow_style=True, width=10_000, allow_unicode=True).strip()
    return text.removesuffix("...").strip()
