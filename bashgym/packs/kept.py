"""The packs of this data home: which, at which commit, with which files, and which of them are trusted."""

import contextlib
import fcntl
import hashlib
import shutil
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from bashgym import paths
from bashgym.errors import PluginError, did_you_mean

PINS = "packs.json"


class Pack(NamedTuple):
    """One pack at one commit. `sha256` is of all its files; `trusted` is the `pin` that the user said yes to."""

    name: str
    url: str
    revision: str  # as asked for: a branch, a tag, a commit or nothing
    commit: str
    sha256: str
    files: dict[str, str]  # path -> SHA-256
    listed: bool = True  # searched in every run; else only where a recipe is named by the pack's address
    added: str = ""
    trusted: str = ""
    allow: tuple[str, ...] = ()  # protocols beyond the safe ones that its user allowed

    @property
    def folder(self) -> Path:
        return home() / "files" / self.name / self.sha256[:16]

    @property
    def pin(self) -> str:
        """This very commit with these very files."""
        return f"{self.commit} {self.sha256}"

    @property
    def is_trusted(self) -> bool:
        return self.trusted == self.pin

    @property
    def origin(self) -> str:
        return f"pack {self.name}"

    @property
    def short(self) -> str:
        return self.commit[:12]

    def is_there(self, path: str) -> bool:
        return (self.folder / path).is_file()

    def own(self, path: Path) -> str:
        """A file's path inside the pack; empty for a file that is none of its."""
        return path.relative_to(self.folder).as_posix() if path.is_relative_to(self.folder) else ""


def home() -> Path:
    return paths.home() / "packs"


def packs() -> list[Pack]:
    """All packs, in the order they were added. Asked at every search, so an unchanged file is read once."""
    file = home() / PINS
    try:
        stat = file.stat()
    except FileNotFoundError:
        return []
    return list(parsed(file, stat.st_mtime_ns, stat.st_size))


@lru_cache(maxsize=4)
def parsed(file: Path, changed: int, size: int) -> tuple[Pack, ...]:
    try:
        found = orjson.loads(file.read_bytes())
        return tuple(Pack(**{**one, "allow": tuple(one["allow"])}) for one in found)
    except (orjson.JSONDecodeError, TypeError, KeyError) as error:
        raise PluginError(f"{file}: cannot be read ({error}); remove it and add your packs again") from None


def searched() -> list[Pack]:
    """The packs whose recipes, presets and plugins are found by name now; first those that a recipe was named by."""
    found = [pack for pack in packs() if pack.listed or pack.name in USED]
    return sorted(found, key=lambda pack: pack.name not in USED)


USED: set[str] = set()  # packs that a recipe of this process was named by


def use(pack: Pack) -> None:
    USED.add(pack.name)


def named(name: str) -> Pack:
    found = {pack.name: pack for pack in packs()}
    if name not in found:
        hint = did_you_mean(name, found) if found else "; there are none yet: bashgym packs add ADDRESS"
        raise PluginError(f"{name}: no such pack{hint}")
    return found[name]


def of_file(path: Path) -> Pack | None:
    """The pack that a file is of, also one that is not searched now; None for all other files."""
    top = home() / "files"
    if not path.is_relative_to(top):
        return None
    found = next((pack for pack in packs() if pack.own(path)), None)
    if found is None:
        raise PluginError(f"{path}: of a pack that was removed or updated meanwhile; start again")
    return found


@contextlib.contextmanager
def changing() -> Iterator[list[Pack]]:
    """The list of packs, to be changed by one process at a time; written when the block ends well."""
    from bashgym import jsonl  # not at every press of the tab key: packs are read by completion, too

    home().mkdir(parents=True, exist_ok=True, mode=0o700)
    with (home() / "packs.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        found = packs()
        yield found
        plain: list[dict[str, Any]] = [one._asdict() for one in found]
        jsonl.replace(home() / PINS, orjson.dumps(plain, option=orjson.OPT_INDENT_2))


def write(pack: Pack, files: dict[str, bytes]) -> None:
    """Puts a pack's files into place, whole or not at all."""
    target = pack.folder
    if target.is_dir():
        shutil.rmtree(target)
    fresh = target.with_name(f".{target.name}")
    shutil.rmtree(fresh, ignore_errors=True)
    for path, content in files.items():
        place = fresh / path
        place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        place.write_bytes(content)
        place.chmod(0o400)
    fresh.rename(target)


def drop(pack: Pack) -> None:
    """Removes its files, and its folder where no other commit of it is kept."""
    shutil.rmtree(pack.folder, ignore_errors=True)
    with contextlib.suppress(OSError):
        pack.folder.parent.rmdir()


def check(pack: Pack) -> None:
    """Raises PluginError where a file of the pack is not the one that was fetched, is gone, or came later."""
    for wrong in tampered(pack):
        raise PluginError(
            f"pack {pack.name}: {wrong} is not as it was fetched at {pack.short}; fetch it anew: "
            f"bashgym packs update {pack.name}"
        )


def tampered(pack: Pack) -> Iterator[str]:
    there = {path.relative_to(pack.folder).as_posix() for path in pack.folder.rglob("*") if not path.is_dir()}
    there = {path for path in there if "__pycache__" not in path}
    yield from sorted(there ^ set(pack.files))
    for path in sorted(there & set(pack.files)):
        if sha256(pack.folder / path) != pack.files[path]:
            yield path
    from bashgym.packs import tree

    if tree.digest(pack.files) != pack.sha256:
        yield "the list of its files"


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def plugins(pack: Pack) -> Iterable[str]:
    """Paths of the code that would run."""
    return [path for path in pack.files if path.startswith("plugins/") and path.endswith(".py")]
