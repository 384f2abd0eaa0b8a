"""What is in a pack, shown before it is trusted: the code that would run, and every setting that can do harm."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from bashgym import yamls
from bashgym.bounds import flat
from bashgym.kinds import KINDS, LISTS
from bashgym.packs import kept
from bashgym.packs.added import taken
from bashgym.packs.kept import Pack
from bashgym.powers import told
from bashgym.registry import first_line

CHOOSES = {"cloud": told.PLACE, "executor": told.PLACE, "reward": told.REWARD, "sanitizer": told.PRIVACY}


class Code(NamedTuple):
    """One Python file that would run, with what it imports from elsewhere."""

    path: str
    lines: int
    imports: list[str]
    about: str


class Seen(NamedTuple):
    """A setting that can do harm, where it stands."""

    path: str
    word: str
    key: str
    value: Any


class Contents(NamedTuple):
    code: list[Code]
    seen: list[Seen]
    recipes: list[str]
    presets: list[str]
    shadows: list[str]  # names of what ships that it takes


def contents(pack: Pack) -> Contents:
    """Everything a user should know; reads files, imports nothing, raises PluginError where one was changed."""
    kept.check(pack)
    yamls = [path for path in pack.files if path.endswith((".yaml", ".yml")) and "/" in path]
    seen = [one for path in yamls for one in settings(pack.folder, path)]
    return Contents(
        code=[code(pack.folder, path) for path in kept.plugins(pack)],
        seen=sorted(seen, key=lambda one: (one.word, one.path, one.key)),
        recipes=[Path(path).stem for path in yamls if path.startswith("recipes/")],
        presets=[f"{path.split('/')[1]}/{Path(path).stem}" for path in yamls if path.count("/") == 2],
        shadows=list(taken(pack.files, ("plugins/", "conf/", "recipes/"))),
    )


def code(folder: Path, path: str) -> Code:
    text = (folder / path).read_bytes()
    return Code(path, text.count(b"\n"), sorted(imports(text)), first_line(folder / path))


def imports(text: bytes) -> set[str]:
    """Packages that a file names in an import; a file that is no Python has none."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError):
        return set()
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add((node.module or ".").split(".")[0])
    return found - {"bashgym"}


def settings(folder: Path, path: str) -> Iterator[Seen]:
    """The powers of one YAML file: of its keys, and of what its defaults choose."""
    content = yamls.load((folder / path).read_text(encoding="utf-8"))
    values = content if isinstance(content, dict) else {}
    prefix = place(path)
    for key, value in flat({name: one for name, one in values.items() if name != "defaults"}):
        for power in told.powers(f"{prefix}{key}", value):
            yield Seen(path, power.word, power.key, value)
    for one in values.get("defaults") or []:
        for name, choice in one.items() if isinstance(one, dict) else ():
            for kind in KINDS:
                if kind in str(name).replace("/", " ").replace("@", " ").split():
                    yield Seen(path, CHOOSES.get(kind, "choice"), kind, choice)


def place(path: str) -> str:
    """Where the keys of a preset's file go: `judge.mine.`; nowhere else for a recipe's."""
    parts = path.removesuffix(".yaml").split("/")
    if parts[0] != "conf" or len(parts) != 3:
        return ""
    return f"{parts[1]}.{parts[2]}." if parts[1] in LISTS else f"{parts[1]}."
