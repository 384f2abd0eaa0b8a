"""A repository's own environment (.venv, node_modules), as a box may read it, and the interpreter beneath it."""

import os
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from bashgym.replay.unfit import Unfit
from bashgym.sandbox.system import PATH

SYSTEM = ("/usr/", "/bin/", "/lib", "/opt/", "/nix/store/")


class Surroundings(NamedTuple):
    """`readable`: folders at their own paths; `names`: those at the top of the repository, free in a snapshot."""

    readable: tuple[Path, ...]
    names: tuple[str, ...]
    python: Path | None
    environment: dict[str, str]


def surroundings(root: Path, names: Sequence[str]) -> Surroundings:
    """What of `names` the repository has. Raises Unfit where it has nothing, or nothing that may be shown."""
    found = [root / name for name in names if (root / name).is_dir() and not (root / name).is_symlink()]
    if not found:
        raise Unfit(f"its repository has no environment of its own ({', '.join(names)})")
    readable, bins, python = list(found), [], None
    for folder in found:
        if (folder / "pyvenv.cfg").is_file():
            python = python or folder / "bin" / "python"
            readable += beneath(folder, root)
            bins.append(folder / "bin")
        elif folder.name == "node_modules":
            readable += node(root)
            bins += [folder / ".bin", *(path / "bin" for path in node(root))]
    variables = {
        "PATH": os.pathsep.join([*map(str, bins), PATH]),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONHASHSEED": "0",
    }
    variables |= {"VIRTUAL_ENV": str(python.parent.parent)} if python else {}
    return Surroundings(tuple(dict.fromkeys(readable)), tuple(path.name for path in found), python, variables)


def beneath(venv: Path, root: Path) -> Iterator[Path]:
    """Where the Python lies that a virtual environment was made from."""
    told = [line.partition("=") for line in (venv / "pyvenv.cfg").read_text(encoding="utf-8").splitlines()]
    homes = [Path(value.strip()) for name, _, value in told if name.strip() == "home"]
    for place in (*homes, (venv / "bin" / "python").resolve().parent):
        yield from shown(place.parent, root)


def node(root: Path) -> list[Path]:
    found = shutil.which("node")
    return list(shown(Path(found).resolve().parent.parent, root)) if found else []


def shown(prefix: Path, root: Path) -> Iterator[Path]:
    """A folder of programs, unless the box shows it anyway; never one that holds a home or the repository."""
    if f"{prefix}/".startswith(SYSTEM) and not str(prefix).startswith("/opt"):
        return
    for private in (Path.home(), root, Path.home().resolve()):
        if prefix == private or prefix in private.parents:
            raise Unfit("its interpreter lies in a folder that holds more than programs")
    yield prefix
