"""What a path in a command means: the system's, a home's, the project's own, a temporary file, or not to be told."""

import posixpath
import re
from typing import Literal

from bashgym.policy.knowledge import Places, load

Kind = Literal[
    "system", "home", "startup", "project", "parents", "history", "temporary", "inside", "elsewhere", "unknown"
]
UNRESOLVED = "\0"  # stands in a path for what is not known
WILD = re.compile(r"[*?.]*[*?][*?.]*|\[[!^]?.*\]\*?")  # a pattern that leaves nothing, or next to nothing, out
DRIVE = re.compile(r"^[A-Za-z]:[\\/]*[^\\/]*[\\/]?\*?$")
HOME = "/home/user"  # the user's own, wherever it is
PRECIOUS = frozenset({"system", "home", "project", "parents", "history"})  # what must not be deleted


def absolute(path: str, cwd: str | None) -> str | None:
    """The path with ~ and the working folder put in; from "." where it is the project's. None where that is unknown."""
    path = re.sub(r"^~[^/]*", HOME, path)
    path = re.sub(r"^/root(?=/|$)", HOME, path)
    if not path.startswith("/"):
        if cwd is None:
            return None
        path = posixpath.join(cwd, path)
    return re.sub(r"^//+", "/", posixpath.normpath(path))


def kind(path: str, cwd: str | None) -> Kind:
    """What lies at a path, with the content of a folder (`x/*`) being the same as the folder."""
    if UNRESOLVED in path:
        known = path.split(UNRESOLVED)[0].rpartition("/")[0]
        return "system" if known and kind(known + "/x", cwd) == "system" else "unknown"
    if DRIVE.match(path):
        return "system"
    whole = absolute(path, cwd)
    if whole is None:
        return "unknown"
    parts = whole.split("/")
    while parts and WILD.fullmatch(parts[-1]) and parts[-1] not in (".", ".."):
        parts.pop()
    if not parts:
        return "project"
    place = "/".join(parts) or "/"
    return of_system(place, load().places) if whole.startswith("/") else of_project(place)


def of_project(place: str) -> Kind:
    parts = place.split("/")
    if place == ".":
        return "project"
    if parts[0] == "..":
        return "parents" if set(parts) == {".."} else "unknown"
    return "history" if parts[-1] == ".git" else "inside"


def of_system(place: str, places: Places) -> Kind:
    """An absolute path, patterns at its end taken off."""
    if place == "/":
        return "system"
    if below(place, places.temporary):
        return "temporary"
    if place in places.temporary or any(sign in place.split("/")[1] for sign in "*?["):
        return "system"
    for folder in places.homes:
        if place == folder:
            return "home"
        if place.startswith(folder + "/"):
            return of_home(place[len(folder) + 1 :].split("/")[1:], places)
    if below(place, places.writable) and place.count("/") > 3:
        return "elsewhere"
    if place in places.deep or below(place, places.deep):
        return "system"
    depth = place.count("/")
    return (
        "system" if depth == 1 or (depth == 2 and place.startswith(("/mnt/", "/media/", "/Volumes/"))) else "elsewhere"
    )


def of_home(parts: list[str], places: Places) -> Kind:
    """Names below a home."""
    if not parts:
        return "home"
    if "/".join(parts) in places.startup:
        return "startup"
    if parts[0] in places.precious:
        return "unknown" if len(parts) > 1 and parts[0] in (".config", ".local", "Library") else "home"
    if parts[0] in places.folders or any(sign in parts[0] for sign in "*?["):
        return "home" if len(parts) == 1 else "elsewhere"
    return "unknown" if len(parts) == 1 else "elsewhere"


def below(place: str, folders: list[str]) -> bool:
    return any(place.startswith(folder + "/") for folder in folders)


def harmless_device(path: str) -> bool:
    return any(path == place or path.startswith(place + "/") for place in load().places.writable if "/dev" in place)
