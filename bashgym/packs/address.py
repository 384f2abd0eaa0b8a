"""Where a pack lies: `git+https://host/org/pack@REV#recipe`, `hf://org/repo@REV/recipe`, or a folder."""

import os
import re
from pathlib import Path
from typing import NamedTuple

from bashgym.errors import InputError

SAFE = ("https", "ssh")  # what git may speak without being asked
ASKED = ("file", "http")  # only where the user says so: unencrypted, or this machine's own files
ALLOWED = "BASHGYM_PACK_PROTOCOLS"
REVISION = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_./-]*")
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")


class Address(NamedTuple):
    """`url` without revision and recipe; both are empty where none was given."""

    kind: str  # git, hub or folder
    url: str
    revision: str = ""
    recipe: str = ""

    @property
    def name(self) -> str:
        """The last part of the url, as far as it can be a name."""
        last = self.url.rstrip("/").rsplit("/", 1)[-1].removesuffix(".git")
        return re.sub(r"[^A-Za-z0-9_.-]", "_", last).lstrip("._-") or "pack"

    def __str__(self) -> str:
        return f"{self.url}{f'@{self.revision}' if self.revision else ''}"


def is_address(text: str) -> bool:
    """Whether a recipe's name is one of a pack somewhere else."""
    return text.startswith(("git+", "hf://"))


def parsed(text: str, allow: tuple[str, ...] = ()) -> Address:
    """Raises InputError for what is no address, or speaks a protocol that was not asked for."""
    if any(not char.isprintable() for char in text):
        raise InputError(f"{text!r}: no address of a pack: it holds control characters; correct it")
    if text.startswith("git+"):
        return of_git(text, {*SAFE, *allow, *os.environ.get(ALLOWED, "").split()})
    if text.startswith("hf://"):
        return of_hub(text)
    if "://" in text:
        raise InputError(f"{text}: no address of a pack; write git+https://HOST/ORG/PACK, hf://ORG/REPO or a folder")
    folder = Path(text).expanduser().resolve()
    if not folder.is_dir():
        raise InputError(f"{text}: no such folder; write git+https://HOST/ORG/PACK, hf://ORG/REPO or a folder")
    return Address("folder", str(folder))


def of_git(text: str, allowed: set[str]) -> Address:
    rest, _, recipe = text.removeprefix("git+").partition("#")
    scheme, found, place = rest.partition("://")
    if not found or not place or place.startswith("-"):
        raise InputError(f"{text}: no address of a git repository; write git+https://HOST/ORG/PACK@REV#RECIPE")
    if scheme not in allowed:
        way = f"add it with --allow {scheme}, or set {ALLOWED}={scheme}" if scheme in ASKED else "use git+https://"
        raise InputError(f"{text}: git over {scheme} is not allowed; {way}")
    at = place.rfind("@")
    if at > place.rfind("/") and at > 0:
        place, revision = place[:at], place[at + 1 :]
        check_revision(text, revision)
    else:
        revision = longest_revision(text, place)
        place = place[: -len(revision) - 1] if revision else place
    user, secret = user_of(place)
    if secret:
        raise InputError(f"git+{scheme}://{user}:...: no password in an address; let git's credential helper know it")
    return Address("git", f"git+{scheme}://{place}", revision, recipe_name(text, recipe))


def longest_revision(text: str, place: str) -> str:
    """A revision with a slash in it, as in `pack@feature/x`; not the user of `git@host/pack`."""
    _, slash, path = place.partition("/")
    if not slash or "@" not in path:
        return ""
    revision = path[path.index("@") + 1 :]
    check_revision(text, revision)
    return revision


def user_of(place: str) -> tuple[str, str]:
    host = place.partition("/")[0]
    user, _, secret = host.rpartition("@")[0].partition(":")
    return user, secret


def of_hub(text: str) -> Address:
    rest = text.removeprefix("hf://")
    prefix = next((one for one in ("datasets/", "spaces/", "models/") if rest.startswith(one)), "")
    owner, _, tail = rest.removeprefix(prefix).partition("/")
    repo, at, after = tail.partition("@")
    revision, _, recipe = after.partition("/") if at else ("", "", "")
    if not at:
        repo, _, recipe = tail.partition("/")
    if not NAME.fullmatch(owner) or not NAME.fullmatch(repo):
        raise InputError(f"{text}: no address of a Hub repository; write hf://ORG/REPO@REV/RECIPE")
    if at:
        check_revision(text, revision)
    return Address("hub", f"hf://{prefix.replace('models/', '')}{owner}/{repo}", revision, recipe_name(text, recipe))


def check_revision(text: str, revision: str) -> None:
    if not REVISION.fullmatch(revision) or ".." in revision:
        raise InputError(f"{text}: '{revision}' is no revision; give a branch, a tag or a commit after @")


def recipe_name(text: str, recipe: str) -> str:
    if recipe and not NAME.fullmatch(recipe):
        raise InputError(f"{text}: '{recipe}' is no recipe's name; write letters, digits, - and _")
    return recipe.removesuffix(".yaml")
