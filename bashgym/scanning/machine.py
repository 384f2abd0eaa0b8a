"""Secrets this machine really has: in its environment, in `.env` files, in the files where tools keep tokens.

They are read into memory and nowhere else. Where such a value stands in a session, it is replaced whether or not a
rule knows its form; what is short, a plain word, a path or a placeholder is left out and counted, since it would eat
code."""

import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote

from bashgym.scanning.improbable import cost
from bashgym.scanning.secret_values import PASSWORD, STRONG, WEAK, placeholder, random, tells_about

LARGEST = 256 * 1024  # bytes of a file with credentials; what is larger is something else
LONG = 8  # characters from which on a value need not look random
SHORTEST = 6  # characters below which even a random value is left alone
NATURAL = 5.0  # bits per character up to which letters may be a word
RANDOM = 5.5
MOST_FOLDERS = 400  # of a session that are looked into for .env files
ENTRY = re.compile(
    r"""^[ \t]*(?:export[ \t]+|-[ \t]+)?["']?([\w.:/@-]{1,120}?)["']?[ \t]*(?:=|:(?=[ \t"']))"""
    r"""[ \t]*(["']?)([^"'\n]*)\2""",
    re.MULTILINE,
)
NETRC = re.compile(r"\bpassword\s+(\S+)")
URL_PASSWORD = re.compile(r"://[^\s:/@]*:([^\s/@]+)@")
PATH = re.compile(r"[~.]{0,2}/|[A-Za-z]:[\\/]|https?://[^\s@]*$")
DOTENV = re.compile(r"\.env(?:\.[\w.-]+)?|\.envrc")
ELSEWHERE = ("//", "/proc/", "/dev/", "/sys/", "/net/")
TEMPLATES = (".example", ".sample", ".template", ".dist")  # of .env files, without a secret


class Secret(NamedTuple):
    """A value with the name it was found under."""

    name: str
    value: str

    @property
    def type(self) -> str:
        """What its pseudonym is called."""
        if PASSWORD.search(self.name):
            return "PASSWORD"
        return "API_KEY" if self.name.lower().endswith("key") else "TOKEN"


class Known(NamedTuple):
    """Values with their types, and how many were left out, by reason."""

    types: dict[str, str]
    skipped: Counter[str]


def known(secrets: Iterable[Secret]) -> Known:
    """The secrets that mean the same wherever they stand, apart from those that would eat code."""
    types: dict[str, str] = {}
    skipped: Counter[str] = Counter()
    for secret in dict.fromkeys(secrets):
        if reason := why_not(secret.value):
            skipped[reason] += 1
        else:
            types.setdefault(secret.value, secret.type)
    return Known(types, skipped)


def why_not(value: str) -> str:
    """Why a value is not looked for everywhere; empty where it is."""
    if placeholder(value) or any(letter.isspace() for letter in value):
        return "a placeholder or prose"
    if PATH.match(value):
        return "a path"
    if len(value) < SHORTEST or (len(value) < LONG and not random(value, RANDOM)):
        return f"shorter than {LONG} characters"
    return "a plain word" if value.isascii() and value.isalpha() and cost(value) <= NATURAL else ""


def secret_name(name: str) -> bool:
    """Whether a variable or a setting of this name holds a secret."""
    return bool(STRONG.search(name) or WEAK.search(name)) and not tells_about(name)


def here() -> list[Secret]:
    """What this process's environment and its user's files hold; in memory only."""
    return [*of_environment(os.environ), *of_files(credential_files(os.environ, Path.home()))]


def of_environment(variables: Mapping[str, str]) -> Iterator[Secret]:
    for name, value in variables.items():
        if secret_name(name):
            yield Secret(name, value.strip())
        yield from of_urls(value)


def of_files(paths: Iterable[Path]) -> Iterator[Secret]:
    for path in paths:
        yield from of_text(content(path))


def of_text(text: str) -> Iterator[Secret]:
    """Secrets of a file of settings: `name = value`, `name: value`, netrc, passwords of URLs."""
    for match in ENTRY.finditer(text):
        name, value = match[1], match[3].strip()
        if value and secret_name(name):
            yield Secret(name.rsplit(":", 1)[-1], value)
    yield from (Secret("password", value) for value in NETRC.findall(text))
    yield from of_urls(text)


def of_urls(text: str) -> Iterator[Secret]:
    """Passwords of URLs, as they are written and as they are."""
    for value in URL_PASSWORD.findall(text):
        yield from (Secret("password", each) for each in dict.fromkeys((value, unquote(value))))


def content(path: Path) -> str:
    """The text of a file, empty where it is none of ours to read, none at all, or too large."""
    try:
        if not path.is_file() or path.stat().st_size > LARGEST:
            return ""
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def credential_files(variables: Mapping[str, str], home: Path) -> list[Path]:
    """Where tools keep tokens, on every system."""
    config = Path(variables.get("XDG_CONFIG_HOME") or home / ".config")
    roaming = Path(variables.get("APPDATA") or home / "AppData" / "Roaming")
    moved = ("NETRC", "AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE", "NPM_CONFIG_USERCONFIG", "KUBECONFIG")
    usual = (
        ".netrc", "_netrc", ".aws/credentials", ".aws/config", ".git-credentials", ".npmrc", ".yarnrc.yml", ".pypirc",
        ".docker/config.json", ".kube/config", ".cargo/credentials.toml", ".gem/credentials", ".huggingface/token",
    )  # fmt: skip
    return [
        *(Path(variables[name]) for name in moved if variables.get(name)),
        *(home / name for name in usual),
        *(config / name for name in ("git/credentials", "gh/hosts.yml", "pip/pip.conf")),
        *(roaming / name for name in ("GitHub CLI/hosts.yml", "pip/pip.ini", "npm/etc/npmrc")),
        *([Path(variables["GH_CONFIG_DIR"]) / "hosts.yml"] if variables.get("GH_CONFIG_DIR") else []),
    ]


def project_files(strings: Iterable[str]) -> list[Path]:
    """The `.env` files of the folders that a session names, and of those above them."""
    folders: dict[str, None] = {}
    for text in strings:
        if text[:1] != "/" and text[1:2] != ":":  # nearly all of them
            continue
        if len(folders) < MOST_FOLDERS and len(text) < 300 and "\n" not in text and is_local(text):
            folder, above = text, os.path.dirname(text)  # noqa: PTH120  (many of them, and most are not there)
            while folder not in folders and folder != above:
                folders[folder] = None
                folder, above = above, os.path.dirname(above)  # noqa: PTH120
    missing: set[str] = set()
    files: list[Path] = []
    for folder in sorted(folders, key=len):  # from above: what lies in a folder that is not there is not there
        names = None if os.path.dirname(folder) in missing else dotenv_files(folder)  # noqa: PTH120
        if names is None:
            missing.add(folder)
        else:
            files += (Path(folder, name) for name in names)
    return files


def is_local(text: str) -> bool:
    """A path of this machine: no share of another, no device."""
    if text.startswith("/"):
        return not text.startswith(ELSEWHERE)
    return text[1:3] in (":\\", ":/") and text[0].isalpha()


def dotenv_files(folder: str) -> list[str] | None:
    """Names of the `.env` files in a folder; None where it is none, or none of ours to read."""
    try:
        with os.scandir(folder) as entries:
            names = [entry.name for entry in entries if DOTENV.fullmatch(entry.name)]
    except (OSError, ValueError):
        return None
    return sorted(name for name in names if not name.endswith(TEMPLATES))
