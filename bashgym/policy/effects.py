"""Programs of which the harm depends on the place: what they delete, write over, or change the rights of."""

import re
from collections.abc import Callable, Iterator, Sequence

from bashgym.policy.knowledge import load
from bashgym.policy.options import Options, options
from bashgym.policy.places import PRECIOUS, UNRESOLVED, WILD, harmless_device, kind
from bashgym.policy.values import Session
from bashgym.policy.verdicts import ALLOWED, Verdict, destructive, unknown, worst

WHAT = {
    "system": "the system's own files", "home": "what a home holds", "project": "the whole project",
    "parents": "the folder around the project", "history": "the repository's history",
    "startup": "what a shell starts with",
}  # fmt: skip
CLOSED = re.compile(r"0?000|0|a?[-=]?rwx|a-rwx|[ugoa]*=")
NARROWING = frozenset({
    "name", "iname", "path", "ipath", "wholename", "regex", "iregex", "newer", "mtime", "mmin", "atime", "amin", 
    "ctime", "cmin", "size", "empty", "user", "group", "perm", "inum", "samefile", "lname", "nouser", "newermt",
})  # fmt: skip


def deletes(path: str, session: Session, recursive: bool, command: str = "") -> Verdict:
    """What it means to delete a path; a file of one's own project may be."""
    place = kind(path, session.cwd)
    if place == "unknown":
        return unknown("deletes what is not known", command)
    many = bool(WILD.fullmatch(path.rstrip("/").rpartition("/")[2]))
    if place in ("project", "parents", "history") and not recursive and not many:
        return ALLOWED  # a folder is not deleted without being told so
    if place in PRECIOUS or place == "startup":
        return destructive("deletes", f"deletes {WHAT[place]}: {path}", command)
    return ALLOWED


def writes(path: str, session: Session, command: str = "") -> Verdict:
    """What it means to write over a path."""
    if path.startswith("/dev/"):
        if path.startswith(("/dev/tcp/", "/dev/udp/")):
            return destructive("shells", "opens a connection to another machine", command)
        return ALLOWED if harmless_device(path) else destructive("disk", f"writes over the device {path}", command)
    if path.rstrip("/") in load().places.temporary:
        return ALLOWED
    place = kind(path, session.cwd)
    if place in ("unknown", "startup"):
        return unknown("writes to a file that is not known" if place == "unknown" else f"writes to {path}", command)
    if place in ("system", "home") and not path.startswith(("/usr/local/", "/var/log/", "/var/www/")):
        return destructive("system", f"writes over {WHAT[place]}: {path}", command)
    return ALLOWED


def rm(given: Options, session: Session, command: str) -> Iterator[Verdict]:
    recursive = given.has("r|recursive") or given.has("R")
    for path in given.plain:
        yield deletes(path, session, recursive, command)


def rimraf(given: Options, session: Session, command: str) -> Iterator[Verdict]:
    for path in given.plain:
        yield deletes(path, session, True, command)


def rmdir(given: Options, session: Session, command: str) -> Iterator[Verdict]:
    """Only empty folders; nothing is lost."""
    return iter(())


def shred(given: Options, session: Session, command: str) -> Iterator[Verdict]:
    for path in given.plain:
        yield deletes(path, session, False, command)
        yield writes(path, session, command)


def truncate(given: Options, session: Session, command: str) -> Iterator[Verdict]:
    for path in given.plain:
        yield writes(path, session, command)


def tee(given: Options, session: Session, command: str) -> Iterator[Verdict]:
    return truncate(given, session, command)


def dd(given: Options, session: Session, command: str) -> Iterator[Verdict]:
    for word in given.plain:
        if word.startswith("of="):
            yield writes(word[3:], session, command)


def copy(given: Options, session: Session, command: str) -> Iterator[Verdict]:
    """cp, ln, install: the last word is where to."""
    if given.has("t|target-directory") or len(given.plain) > 1:
        yield writes(given.plain[0 if given.has("t|target-directory") else -1], session, command)


def move(given: Options, session: Session, command: str) -> Iterator[Verdict]:
    for path in given.plain[:-1]:
        yield deletes(path, session, True, command)
    if len(given.plain) > 1:
        yield writes(given.plain[-1], session, command)
        if given.plain[-1] == "/dev/null":
            yield destructive("deletes", "moves files to where they are lost", command)


def change_rights(given: Options, session: Session, command: str) -> Iterator[Verdict]:
    """chmod, chown, chgrp: the first word is what to change to."""
    recursive = given.has("R|recursive")
    mode = given.plain[0] if given.plain else ""
    for path in given.plain[1:]:
        place = kind(path, session.cwd)
        if place in ("system", "home", "parents"):
            if recursive or not path.startswith(("/usr/local/", "/var/www/", "/var/log/", "~/.ssh")):
                yield destructive("rights", f"changes the rights of {WHAT[place]}: {path}", command)
        elif place == "unknown":
            yield unknown("changes the rights of what is not known", command)
        elif recursive and place == "project" and CLOSED.fullmatch(mode):
            yield destructive("rights", "takes all rights from the project", command)


def in_place(given: Options, session: Session, command: str) -> Iterator[Verdict]:
    """sed -i and perl -i: words that name precious files."""
    if given.has("i|in-place"):
        for path in given.plain[1:]:
            yield writes(path, session, command)


def tar(given: Options, session: Session, command: str) -> Iterator[Verdict]:
    letters = given.plain[0] if given.plain and given.plain[0].isalpha() else ""  # tar xf, without a dash
    if "x" in letters or given.has("x|extract") or given.has("get"):
        for path in given.plain if given.has("C|directory") else ():
            yield writes(path, session, command)
    if given.has("remove-files"):
        yield unknown("deletes what it has packed", command)


def rsync(given: Options, session: Session, command: str) -> Iterator[Verdict]:
    deleting = given.has("delete") or any(name.startswith("del") for name in given.names)
    for path in given.plain[-1:] if deleting else ():
        yield unknown("deletes on another machine", command) if ":" in path else deletes(path, session, True, command)


def find(words: Sequence[str], session: Session, command: str) -> Iterator[Verdict]:
    """-delete; what -exec runs is judged as a command of its own."""
    if "-delete" in words:
        for path in found(words):
            yield deletes(path, session, True, command)


def found(words: Sequence[str]) -> list[str]:
    """Paths that stand for what a find would find: a file below each start, or the start where nothing narrows it."""
    starts: list[str] = []
    for word in words:
        if word.startswith(("-", "(", "!")):
            break
        starts.append(word)
    rest = list(words[len(starts) :])
    narrow = any(
        word.lstrip("-") in NARROWING and not WILD.fullmatch(value.strip("*/") or "*")
        for word, value in zip(rest, [*rest[1:], ""], strict=False)
        if word.startswith("-")
    )
    return [f"{start.rstrip('/')}/found" if narrow and safe(start) else start for start in starts or ["."]]


def safe(start: str) -> bool:
    """Whether a name that is looked for below a start can only be of one's own: not where the start is precious."""
    return UNRESOLVED in start or kind(start, ".") in ("project", "inside", "temporary", "elsewhere", "unknown")


EFFECTS: dict[str, Callable[[Options, Session, str], Iterator[Verdict]]] = {
    "rm": rm, "unlink": rm, "trash": rm, "grm": rm, "srm": rm, "rimraf": rimraf,
    "del-cli": rm, "rmdir": rmdir, "shred": shred, "truncate": truncate, "tee": tee, "sponge": tee, "dd": dd,
    "cp": copy, "ln": copy, "install": copy, "mv": move, "chmod": change_rights, "chown": change_rights,
    "chgrp": change_rights, "chattr": change_rights, "setfacl": change_rights, "sed": in_place, "gsed": in_place,
    "tar": tar, "bsdtar": tar, "rsync": rsync,
}  # fmt: skip


def effects(program: str, words: Sequence[str], session: Session, command: str) -> Verdict:
    """The worst that a program does to the places its words name."""
    if program in ("find", "gfind"):
        return worst(find(words, session, command))
    effect = EFFECTS.get(program)
    return worst(effect(options(words), session, command)) if effect else ALLOWED
