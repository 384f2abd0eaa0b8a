"""What the user keeps out of capture, for the hook: the rules of bashgym/reading/excluded.py without BashGym.

Only loaded where there is a rule at all. A rule that cannot be read or understood keeps everything out, since nothing
here can ask. A property test holds that both decide alike.
`fnmatch` and `hashlib` are imported by the rules that need them; `re`, which takes as long to load as all the rest of
the hook, by none: what excluded.py says in expressions is spelt out here."""

from __future__ import annotations

import os

HEX = frozenset("0123456789abcdef")
LETTERS = frozenset("abcdefghijklmnopqrstuvwxyz")
SCHEME = LETTERS | frozenset("0123456789+.-")
BESIDE = frozenset("_.+~@%-")  # what a part of a repository's name may hold beside letters and digits


def covers(home: str, folder: str) -> bool:
    """Whether work in `folder` is excluded, by a folder, a repository or a `.bashgymignore`."""
    if not folder.startswith("/") or "\0" in folder:
        return False
    try:
        folders, repositories = entries(home + "/exclude")
        return any(covers_place(place, folders, repositories) for place in spellings(folder))
    except (OSError, ValueError):
        return True


def forgotten(home: str, *sessions: object) -> bool:
    """Whether one of these sessions is to be forgotten."""
    try:
        digests = lines(home + "/forgotten")
        if not all(len(one) == 64 and HEX.issuperset(one) for one in digests):
            return True
        if not digests:
            return False
        from hashlib import sha256

        ids = [one.encode("utf-8", "surrogatepass") for one in sessions if isinstance(one, str)]
        return any(sha256(one).hexdigest() in digests for one in ids)
    except OSError:
        return True


def covers_place(place: str, folders: set[str], repositories: set[str]) -> bool:
    above = [place]
    while above[-1] != "/":
        above.append(os.path.dirname(above[-1]))
    if not folders.isdisjoint(above) or any(ignored(folder, place) for folder in above):
        return True
    return bool(repositories) and any(named(url, repositories) for folder in above for url in remotes(folder))


def entries(path: str) -> tuple[set[str], set[str]]:
    """(folders, repositories) of the exclude file. Raises ValueError for a line that is neither."""
    folders, repositories = set(), set()
    for text in lines(path):
        if text == "~" or text.startswith("~/"):
            text = os.path.expanduser("~") + text[1:]
        if "\0" in text or not (text.startswith("/") or is_repository(text)):
            raise ValueError(text)
        if text.startswith("/"):
            folders |= spellings(text)
        else:
            repositories.add(repository(text))
    return folders, repositories


def is_repository(text: str) -> bool:
    name = repository(text)
    parts = name.split("/")
    return len(parts) > 1 and all(map(is_name, parts)) and not name.startswith((".", "~"))


def is_name(part: str) -> bool:
    return bool(part) and all(letter.isalnum() or letter in BESIDE for letter in part)


def spellings(folder: str) -> set[str]:
    return {"/" + os.path.normpath(folder).lstrip("/"), os.path.realpath(folder)}


def ignored(folder: str, place: str) -> bool:
    path = os.path.join(folder, ".bashgymignore")
    if not os.path.isfile(path):
        return False
    globs = lines(path)
    if any(glob.startswith("!") for glob in globs):
        raise ValueError(path)
    if not globs or "*" in globs:
        return True
    within = os.path.relpath(place, folder)
    return within != "." and any(fits(within, glob) for glob in globs)


def fits(within: str, glob: str) -> bool:
    from fnmatch import fnmatchcase

    parts = within.split("/")
    bare = glob[3:] if glob.startswith("**/") else glob
    bare = (bare[2:] if bare.startswith("./") else bare).strip("/")
    anywhere = glob.startswith("**/") or "/" not in glob.rstrip("/")
    shape = "*/" + bare if anywhere else "/" + bare
    return any(fnmatchcase("/" + "/".join(parts[:n]), shape) for n in range(1, len(parts) + 1))


def named(url: str, repositories: set[str]) -> bool:
    parts = url.split("/")
    return any("/".join(parts[start:]) in repositories for start in range(len(parts)))


def repository(url: str) -> str:
    """A remote without scheme, user, port and `.git`, in small letters."""
    text, scheme = without_scheme(url.strip().lower())
    host, slash, rest = text.partition("/")
    host = host.rpartition("@")[2]
    host = without_port(host) if scheme else host.replace(":", "/", 1)
    text = host + slash + rest
    while "//" in text:
        text = text.replace("//", "/")
    text = text.strip("/")
    return (text[:-4] if text.endswith(".git") else text).strip("/")


def without_scheme(text: str) -> tuple:
    """The text without `https://` and the like, and whether it had one."""
    scheme, mark, rest = text.partition("://")
    found = bool(mark) and scheme[:1] in LETTERS and SCHEME.issuperset(scheme)
    return (rest, True) if found else (text, False)


def without_port(host: str) -> str:
    name, _, port = host.rpartition(":")
    return name if ":" in host and (not port or port.isdecimal()) else host


def remotes(folder: str) -> list[str]:
    """The remotes of the repository that `folder` is the top of."""
    git = os.path.join(folder, ".git")
    if os.path.isfile(git):
        git = os.path.join(folder, content(git).partition("gitdir:")[2].strip())
        common = os.path.join(git, "commondir")
        git = os.path.join(git, content(common).strip()) if os.path.isfile(common) else git
    config = os.path.join(git, "config")
    if not os.path.isfile(config):
        return []
    found, inside = [], False
    for line in content(config).splitlines():
        rest = line.strip()
        if rest.startswith("["):
            named = rest[1:].lstrip()
            remote = named[:6].lower() == "remote" and named[6:7].isspace() and named[6:].lstrip().startswith('"')
            _, closed, after = named.partition('"')[2].partition("]") if remote else named.partition("]")
            if closed:
                inside, rest = remote, after
        key, mark, value = rest.partition("=")
        if inside and mark and key.strip().lower() in ("url", "pushurl"):
            found.append(repository(uncommented(value).strip('"')))
    return found


def uncommented(value: str) -> str:
    """What a line of git's configuration says, without a comment at its end."""
    return value.partition("#")[0].partition(";")[0].strip()


def lines(path: str) -> list[str]:
    """The lines that are neither blank nor comments; none where there is no file."""
    if not os.path.exists(path):
        return []
    stripped = [line.strip() for line in content(path).split("\n")]
    return [line for line in stripped if line and not line.startswith("#")]


def content(path: str) -> str:
    with open(path, "rb") as file:
        raw = file.read()
    return os.fsdecode(raw[3:] if raw.startswith(b"\xef\xbb\xbf") else raw)
