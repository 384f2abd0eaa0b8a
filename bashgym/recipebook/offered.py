"""What a recipe may hold, as words that can be typed next: names, groups, choices, keys, values of a few.

Asked at every press of the tab key, so it reads file names, YAML and the shipped schemas, and imports nothing of the
program's core."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from bashgym import paths, yamls
from bashgym.places import presets, recipes, roots
from bashgym.recipebook.comments import comments, first_comment

TAKES_RECIPES = {"run", "recipes"}
NOT_KINDS = {"rules"}


class Candidate(NamedTuple):
    """A whole word that could stand where the cursor is, and what it is; `open` where more must follow it."""

    word: str
    about: str
    open: bool = False


def of_recipes(before: list[str], current: str) -> Iterator[Candidate]:
    """What belongs to a recipe: its name, then groups, choices and keys."""
    verb, *rest = before
    if verb not in TAKES_RECIPES or current.startswith("-"):
        return
    if verb == "run":
        named = next((word.removeprefix("recipe=") for word in rest if word.startswith("recipe=")), "")
        if not named:
            yield from (Candidate(f"recipe={name}", line) for name, line in described_recipes())
            return
    else:
        names = [word for word in rest[1:] if "=" not in word]
        named = names[-1] if names and rest[0] != "diff" else ""
        if rest and rest[0] == "explain" and not names:
            yield from keys("", rest, "")
            yield from (Candidate(kind, "") for kind in kinds())
            return
        if rest and rest[0] not in {"list"} and (not named or rest[0] == "diff"):
            yield from (Candidate(name, line) for name, line in described_recipes())
            return
        if not rest or rest[0] not in {"show", "check", "copy", "explain"}:
            return
    key, is_value, _ = current.partition("=")
    if not is_value:
        yield from (Candidate(f"{kind}=", "choose", True) for kind in kinds())
        yield from keys(named, rest, "=")
    elif key in kinds():
        yield from choices(key, current)
    else:
        yield from (Candidate(f"{key}={value}", "") for value in values(key))


def described_recipes() -> Iterator[tuple[str, str]]:
    for name, (_, file) in recipes().items():
        said = re.search(r"^description: *(.*)$", file.read_text(encoding="utf-8"), re.M)
        yield name, said[1].strip("\"'") if said else ""


def kinds() -> list[str]:
    """The kinds that have presets, by the folders of them."""
    folders = [path for root in roots() if root.part("conf").is_dir() for path in root.part("conf").iterdir()]
    return sorted({path.name for path in folders if path.is_dir() and path.name not in NOT_KINDS})


def choices(kind: str, current: str) -> Iterator[Candidate]:
    """`cloud=runpod`; inside brackets, each preset that is not in the list yet."""
    known = {name: first_comment(file) for name, file in presets(kind).items()}
    head, bracket, listed = current.partition("[")
    if not bracket:
        yield from (Candidate(f"{kind}={name}", line) for name, line in known.items())
        return
    *done, _ = listed.split(",")
    typed = f"{head}[{''.join(f'{name},' for name in done)}"
    yield from (Candidate(f"{typed}{name}", line, True) for name, line in known.items() if name not in done)


def keys(named: str, rest: list[str], end: str) -> Iterator[Candidate]:
    """The keys of the base and of the presets that are chosen, or of all presets where no recipe is named."""
    base = paths.shipped("conf") / "bashgym_base.yaml"
    for key, about in comments(base).items():
        if key != "defaults" and not key.startswith("defaults."):
            yield Candidate(f"{key}{end}", about, bool(end))
    chosen = choices_of(named, rest) if named else {kind: list(presets(kind)) for kind in kinds()}
    seen = set()
    for kind, labels in chosen.items():
        known = presets(kind)
        for label in labels:
            if label not in known:
                continue
            nested = known[label].read_text(encoding="utf-8").startswith("# @package")
            for key, about in comments(known[label]).items():
                word = f"{kind}.{label}.{key}" if nested else f"{kind}.{key}"
                if key != "plugin" and word not in seen:
                    seen.add(word)
                    yield Candidate(f"{word}{end}", about, bool(end))


def choices_of(named: str, rest: list[str]) -> dict[str, list[str]]:
    """kind -> labels, of a recipe and all it extends; what is typed on the line counts last."""
    chosen: dict[str, list[str]] = {}
    follow(named, chosen, set())
    for word in rest:
        kind, _, value = word.partition("=")
        if value and kind in chosen:
            chosen[kind] = value.strip("[]").split(",")
    return chosen


def follow(name: str, chosen: dict[str, list[str]], seen: set[str]) -> None:
    """Reads a recipe's defaults list, those it starts from first."""
    file = Path(name) if name.endswith(".yaml") else recipes().get(name, ("", base_file(name)))[1]
    if name in seen or not file.is_file():
        return
    seen.add(name)
    content = yamls.load(file.read_text(encoding="utf-8"))
    for one in (content or {}).get("defaults", []):
        if isinstance(one, str) and one != "_self_":
            follow(one, chosen, seen)
        elif isinstance(one, dict):
            for kind, labels in one.items():
                listed = labels if isinstance(labels, list) else [labels]
                chosen[kind.removeprefix("override ").strip()] = [str(label) for label in listed]


def base_file(name: str) -> Path:
    """The file in conf/ that a recipe may start from, such as bashgym_base."""
    return paths.shipped("conf") / f"{name}.yaml"


def values(key: str) -> list[str]:
    """The values of a key that takes one of a few, by the shipped schema."""
    file = paths.shipped("conf") / "recipe.schema.json"
    node: dict[str, Any] = json.loads(file.read_bytes()) if file.is_file() else {}
    for part in key.split("."):
        node = node.get("properties", {}).get(part, {})
    found: list[str] = []
    for one in [node, *node.get("anyOf", [])]:
        found += map(str, one.get("enum", []))
        found += ["true", "false"] if one.get("type") == "boolean" else []
    return found
