"""What Hydra made of a command line, kept: importing and asking it anew takes longer than all else at the start.

A composition is taken up only while every file it was made from has the same bytes, and no file has appeared that
would be found before one of them."""

import contextlib
import hashlib
import re
from collections.abc import Sequence
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from bashgym import __version__, jsonl, paths
from bashgym.places import roots

KEPT = 200  # files; the oldest go first
# what depends on more than the files: a resolver (the time, the machine), a file that may or may not be there
UNSTEADY = re.compile(r"\$\{\s*[\w.]+\s*:|^\s*-\s.*\boptional\b", re.MULTILINE)


class Taken(NamedTuple):
    """One file of a composition: its path below `conf/` or `recipes/` without .yaml, and where its keys went."""

    config_path: str
    package: str


class Composition(NamedTuple):
    """What Hydra made of `typed`, unchecked: values as plain data, and the files they came from, in order."""

    file: Path
    typed: list[str]
    overrides: list[str]  # as Hydra saw them
    values: dict[str, Any]
    defaults: list[Taken]


def folders(file: Path) -> list[Path]:
    """Where Hydra looks for the files of a recipe, in its order."""
    return [file.parent, *(root.part(part) for root in roots() for part in ("conf", "recipes"))]


def find(file: Path, typed: Sequence[str]) -> Composition | None:
    """The composition kept for `typed`, if it would come out the same today."""
    try:
        kept = orjson.loads(place(file, typed).read_bytes())
    except (OSError, orjson.JSONDecodeError):
        return None
    if any(digest(Path(path)) != sha256 for path, sha256 in kept["found"].items()):
        return None
    if any(Path(path).exists() for path in kept["absent"]):
        return None
    return Composition(file, list(typed), kept["overrides"], kept["values"], [Taken(*one) for one in kept["defaults"]])


def keep(made: Composition) -> None:
    """Keeps a composition for the next time; not where its values are no plain JSON, or depend on more than files."""
    found, absent = sought(made)
    contents = {str(path): path.read_bytes() for path in found}
    if any(UNSTEADY.search(text) for text in [*made.typed, *(each.decode("utf-8") for each in contents.values())]):
        return
    kept = {
        "overrides": made.overrides,
        "values": made.values,
        "defaults": [list(one) for one in made.defaults],
        "found": {path: hashlib.sha256(each).hexdigest() for path, each in contents.items()},
        "absent": [str(path) for path in absent],
    }
    try:
        content = orjson.dumps(kept)
    except TypeError:
        return
    if orjson.loads(content)["values"] != made.values:
        return
    target = place(made.file, made.typed)
    with contextlib.suppress(OSError):  # a full or read-only disk: it is asked again the next time
        target.parent.mkdir(exist_ok=True, mode=0o700)
        jsonl.replace(target, content)
        for old in sorted(target.parent.glob("*.json"), key=lambda path: path.stat().st_mtime)[:-KEPT]:
            old.unlink()


def sought(made: Composition) -> tuple[list[Path], list[Path]]:
    """The files a composition was made from, and those that would have been taken in their place."""
    found, absent = [], []
    searched = folders(made.file)
    for taken in made.defaults:
        for folder in searched:
            path = folder / f"{taken.config_path}.yaml"
            if path.is_file():
                found.append(path)
                break
            absent.append(path)
    return found, absent


def place(file: Path, typed: Sequence[str]) -> Path:
    """Named by all that decides a composition, but for the bytes of its files."""
    searched = [str(folder) for folder in folders(file)]
    key = orjson.dumps([__version__, *makers(), str(file), list(typed), searched])
    return paths.home() / "compositions" / f"{hashlib.sha256(key).hexdigest()[:32]}.json"


@lru_cache
def makers() -> tuple[str, ...]:
    """What composes: our code and Hydra's version."""
    return digest(paths.HERE / "overrides.py"), digest(paths.HERE / "recipe.py"), version("hydra-core")


def digest(path: Path) -> str:
    """The hash of a file's bytes; empty where there is none."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return ""
