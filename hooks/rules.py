"""What the user keeps out of capture, for the hook: the rules of bashgym/reading/excluded.py without BashGym.

Only loaded where there is a rule at all. A rule that cannot be read or understood keeps everything out, since nothing
here can ask. A property test holds that both decide alike.
`re`, `fnmatch` and `hashlib` are imported by the rules that need them: folders alone cost next to no time."""

from __future__ import annotations

import os

HEX = frozenset("0123456789abcdef")
SCHEME = r"^[a-z][a-z0-9+.-]*://"
SECTION = r'(?i)^\s*\[\s*(remote\s+")?.*?\]'
URL = r"(?i)^\s*(?:push)?url\s*=\s*(.*?)\s*(?:[#;].*)?$"
NAME = r"[\w.+~@%-]+(/[\w.+~@%-]+)+"


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
    import re

    name = repository(text)
    return bool(re.fullmatch(NAME, name)) and not name.startswith((".", "~"))


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
    import re

    text, scheme = re.subn(SCHEME, "", url.strip().lower())
    host, slash, rest = text.partition("/")
    host = host.rpartition("@")[2]
    host = re.sub(r":\d*$", "", host) if scheme else host.replace(":", "/", 1)
    text = re.sub(r"/+", "/", host + slash + rest).strip("/")
    return (text[:-4] if text.endswith(".git") else text).strip("/")


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
    import re

    found, inside = [], False
    for line in content(config).splitlines():
        header = re.match(SECTION, line)
        if header:
            inside, line = bool(header.group(1)), line[header.end() :]
        url = inside and re.match(URL, line)
        if url:
            found.append(repository(url.group(1).strip('"')))
    return found


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
