"""What its owner keeps out: sessions of folders and repositories that are excluded, and sessions that were forgotten.

Three places say so. `$BASHGYM_HOME/exclude` holds one entry a line: an absolute path covers itself and everything
below; anything else is a repository, `owner/name` or any spelling of its remote's URL, which covers every folder
whose `.git/config`, or that of a folder above, has a remote of that name. A `.bashgymignore` in a folder covers
everything below it when it is empty or has a line `*`; else its lines are globs of folders below it (`*` and `?` also
stand for a slash; a glob without a slash, or that begins with `**/`, fits at any depth). `$BASHGYM_HOME/forgotten`
holds the SHA-256 of ids of sessions. A `#` begins a comment. hooks/capture.py decides by the same rules."""

import hashlib
import os
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Set
from contextlib import contextmanager
from contextvars import ContextVar
from fnmatch import fnmatchcase
from pathlib import Path

import msgspec

from bashgym import paths
from bashgym.errors import InputError
from bashgym.reading.cwd import folders_of
from bashgym.reading.files import unreadable
from bashgym.records import SessionRef

IGNORE = ".bashgymignore"
EXCLUDED = f"excluded by its folder or repository (bashgym capture exclude, {IGNORE})"
FORGOTTEN = "forgotten (bashgym forget)"
SUSPENDED: ContextVar[bool] = ContextVar("suspended", default=False)
DIGEST = re.compile(r"[0-9a-f]{64}")
SCHEME = re.compile(r"^[a-z][a-z0-9+.-]*://")
SECTION = re.compile(r'^\s*\[\s*(remote\s+")?.*?\]', re.I)
URL = re.compile(r"^\s*(?:push)?url\s*=\s*(.*?)\s*(?:[#;].*)?$", re.I)
NAME = re.compile(r"[\w.+~@%-]+(/[\w.+~@%-]+)+")


class Excluded:
    """The rules of this machine; remembers what it found of a folder."""

    def __init__(
        self, folders: Set[str], repositories: Set[str], digests: Set[str] = frozenset(), ignores: bool = True
    ) -> None:
        """`folders` absolute, `repositories` as `repository()` writes them, `digests` of forgotten ids; `ignores` says
        whether a `.bashgymignore` counts."""
        self.ignores = ignores
        self.folders = folders
        self.repositories = repositories
        self.digests = digests
        self.known: dict[str, bool] = {}

    def covers(self, cwd: str | None) -> bool:
        """Whether work in the folder `cwd` stays out; it need not exist any more.

        No folder, or a path that is not absolute (a session from elsewhere), is not covered.
        Raises InputError for a line of a `.bashgymignore` that means nothing here."""
        if not cwd or not cwd.startswith("/") or "\0" in cwd:
            return False
        if cwd not in self.known:
            places = spellings(cwd)
            self.known[cwd] = any(self.covers_place(place) for place in sorted(places))
        return self.known[cwd]

    def covers_place(self, place: str) -> bool:
        above = [place, *map(str, Path(place).parents)]
        return (
            not self.folders.isdisjoint(above)
            or (self.ignores and any(ignored(folder, place) for folder in above))
            or bool(self.repositories and any(self.names(remote) for folder in above for remote in remotes(folder)))
        )

    def names(self, remote: str) -> bool:
        """Whether an entry is the remote, or its end from a slash on (`owner/name`)."""
        parts = remote.split("/")
        return any("/".join(parts[start:]) in self.repositories for start in range(len(parts)))

    def forgotten(self, session_id: str) -> bool:
        return digest(session_id) in self.digests


def load() -> Excluded:
    """The rules as they are now, none within `suspended`.

    Raises InputError, with file and line, for an entry that cannot be understood."""
    if SUSPENDED.get():
        return Excluded(frozenset(), frozenset(), ignores=False)
    folders: set[str] = set()
    repositories: set[str] = set()
    for entry in entries():
        if entry.startswith("/"):
            folders |= spellings(entry)
        else:
            repositories.add(entry)
    return Excluded(folders, repositories, forgotten_digests())


def spellings(folder: str) -> set[str]:
    """The absolute path as written and with its links followed: either may be what another place recorded."""
    return {normal(folder), os.path.realpath(folder)}


def normal(path: str) -> str:
    """Without `.`, `..`, and slashes that say nothing; POSIX lets a path begin with two."""
    return "/" + os.path.normpath(path).lstrip("/")


def is_file(path: Path) -> bool:
    """False too where it cannot be known: a name too long, a folder closed to us."""
    try:
        return path.is_file()
    except OSError:
        return False


@contextmanager
def suspended() -> Iterator[None]:
    """Within, nothing is left out: to find what has to be forgotten, for example."""
    token = SUSPENDED.set(True)
    try:
        yield
    finally:
        SUSPENDED.reset(token)


def exclude_file() -> Path:
    return paths.home() / "exclude"


def forgotten_file() -> Path:
    return paths.home() / "forgotten"


def entries() -> list[str]:
    """The entries of the exclude file: absolute paths, and repositories as `repository()` writes them."""
    found = []
    for number, line in lines(exclude_file()):
        try:
            found.append(entry(line))
        except ValueError as error:
            raise InputError(f"{exclude_file()}:{number}: {error}; correct or delete the line") from None
    return found


def entry(text: str) -> str:
    """An entry in its one spelling: a path without `~` or a slash at its end, or a repository. Raises ValueError."""
    path = str(Path.home()) + text[1:] if text == "~" or text.startswith("~/") else text
    if "\0" in path:
        raise ValueError(f"{text!r} holds a NUL")
    if path.startswith("/"):
        return normal(path)
    name = repository(text)
    if not NAME.fullmatch(name) or name.startswith((".", "~")):
        raise ValueError(f"{text!r} is neither an absolute path nor a repository (owner/name, or its URL)")
    return name


def repository(url: str) -> str:
    """A remote in its one spelling, `host/owner/name` or what there is of it.

    Without scheme, user, port and `.git`; in small letters, as hosts do not tell them apart."""
    text, scheme = SCHEME.subn("", url.strip().lower())
    host, slash, rest = text.partition("/")
    host = host.rpartition("@")[2]
    if scheme:
        host = re.sub(r":\d*$", "", host)
    text = (host if scheme else host.replace(":", "/", 1)) + slash + rest
    return re.sub(r"/+", "/", text).strip("/").removesuffix(".git").strip("/")


def remotes(folder: str) -> Iterator[str]:
    """The remotes of the repository that `folder` is the top of; of a linked worktree, those of its main one."""
    git = Path(folder, ".git")
    if is_file(git):
        git = Path(folder, content(git).partition("gitdir:")[2].strip())
        common = git / "commondir"
        git = git / content(common).strip() if is_file(common) else git
    config = git / "config"
    if not is_file(config):
        return
    inside = False
    for line in content(config).splitlines():
        if header := SECTION.match(line):
            inside, line = bool(header.group(1)), line[header.end() :]
        if inside and (found := URL.match(line)):
            yield repository(found.group(1).strip('"'))


def ignored(folder: str, place: str) -> bool:
    """Whether the `.bashgymignore` of `folder`, where there is one, covers `place`, which is it or below it."""
    path = Path(folder, IGNORE)
    if not is_file(path):
        return False
    globs = lines(path)
    wrong = next((f"{path}:{number}: {line!r}" for number, line in globs if line.startswith("!")), None)
    if wrong:
        raise InputError(f"{wrong}: what is kept out cannot be let in again here; name the folders to keep out")
    if not globs or any(line == "*" for _, line in globs):
        return True
    within = os.path.relpath(place, folder)
    return within != "." and any(fits(within, line) for _, line in globs)


def fits(within: str, glob: str) -> bool:
    """Whether `glob` is the folder `within` (relative) or one above it."""
    parts = within.split("/")
    bare = glob.removeprefix("**/").removeprefix("./").strip("/")
    anywhere = glob.startswith("**/") or "/" not in glob.rstrip("/")
    shape = f"*/{bare}" if anywhere else f"/{bare}"
    return any(fnmatchcase("/" + "/".join(parts[:n]), shape) for n in range(1, len(parts) + 1))


def lines(path: Path) -> list[tuple[int, str]]:
    """(number, text) of the lines that are neither blank nor comments; none where there is no file."""
    if not path.exists():
        return []
    stripped = ((number, line.strip()) for number, line in enumerate(content(path).split("\n"), 1))
    return [(number, line) for number, line in stripped if line and not line.startswith("#")]


def content(path: Path) -> str:
    try:
        return os.fsdecode(path.read_bytes().removeprefix(b"\xef\xbb\xbf"))
    except OSError as error:
        raise unreadable(path, error) from None


def digest(session_id: str) -> str:
    return hashlib.sha256(session_id.encode("utf-8", "surrogatepass")).hexdigest()


def forgotten_digests() -> frozenset[str]:
    found = lines(forgotten_file())
    wrong = next((number for number, line in found if not DIGEST.fullmatch(line)), None)
    if wrong:
        raise InputError(f"{forgotten_file()}:{wrong}: not the SHA-256 of a session's id; delete the line")
    return frozenset(line for _, line in found)


def kept(
    refs: Iterable[SessionRef],
    left_out: Counter[str],
    folders: Callable[[SessionRef], Iterable[str | None]] | None = None,
) -> Iterator[SessionRef]:
    """The references that may be read; the others are counted in `left_out` by reason.

    `folders` says in which folders a session worked, by default every `cwd` in its files; the references bear them.
    One that is excluded at any time keeps the whole session out. Raises InputError for rules that cannot be
    understood, or an unreadable file."""
    rules = load()
    for ref in refs:
        worked_in = tuple(cwd for cwd in (folders or folders_of)(ref) if cwd)
        if rules.forgotten(ref.id):
            left_out[FORGOTTEN] += 1
        elif any(rules.covers(cwd) for cwd in worked_in):
            left_out[EXCLUDED] += 1
        else:
            yield msgspec.structs.replace(ref, folders=worked_in)
