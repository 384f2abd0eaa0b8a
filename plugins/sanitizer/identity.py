"""Who and where the user is: home folders, logins, host names, names of committers, here and wherever they recur.

What this machine knows of its user (login, host, git's user) is looked up once and kept in memory only. What a
session tells (`/home/dana`, `HOSTNAME=`, `Author: Dana Whitfield <...>`) is learnt from all its strings before the
first is searched, so a name is also found where nothing around it says what it is. Short names and common words
are replaced only where they cannot be anything else; users that everybody has (root, ubuntu, runner) stay."""

import contextlib
import getpass
import keyword
import os
import re
import shutil
import socket
import subprocess
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path

from pydantic import Field

from bashgym.config import Config as BaseConfig
from bashgym.kinds import ScanContext
from bashgym.paths import shipped
from bashgym.pseudonyms import PSEUDONYM, digest, load_key
from bashgym.records import Span
from bashgym.scanning.known_values import KnownValues, lowered
from bashgym.scanning.rules import RuleScanner
from bashgym.scanning.rules import digest as file_digest
from bashgym.scanning.seeds import seed_words
from bashgym.scanning.text import Joined, copies, masked

LOGINS = ("USER", "LOGNAME", "USERNAME", "SUDO_USER")
ROBOTS = re.compile(
    r"(?:claude|codex|copilot|cursor|gemini|aider|devin|openhands|gpt|chatgpt|amp|cline)\b.*|.*\[bot\]|.*\bbot"
    r"|github(?: actions?)?|dependabot|renovate|your name|author name|name|user(?: name)?|test(?: user)?|first ?last",
    re.IGNORECASE,
)
NAMED_USER = re.compile(r"^(?:user_?name|login(?:_?name)?|logname|os_?user|ssh_?user|db_?user)$", re.IGNORECASE)
NAMED_HOST = re.compile(r"^(?:host_?name|computer_?name|machine_?name|node_?name)$", re.IGNORECASE)
PUBLIC_HOST = re.compile(  # of a service that everybody uses: it owns its name under these endings
    r".*\.(?:(?:amazonaws|anthropic|azure|cloudflare|cloudfront|debian|docker|example|github|githubusercontent|gitlab"
    r"|google|googleapis|microsoft|npmjs|openai|pypi|python|ubuntu|windows)\.(?:com|net|org)|docker\.io|huggingface\.co)"
)
SHOUTED = re.compile(r"[A-Z]NAME[\"']?\s{0,2}[=:]")
ODD = re.compile(r"[0-9-]")
WORD = re.compile(r"[A-Za-z0-9][\w.@-]{1,252}")
LETTERS = re.compile(r"[a-z]{2}")
ADDRESSING = "/\\@~"  # before a short name: it is a user, not a word


Place = tuple[int, int, str, str]  # start, end, type, rule


class Sanitizer:
    """Finds the user; `Config` adds what only you can know."""

    class Config(BaseConfig):
        shortest: int = Field(default=5, ge=3)
        """Characters a login, host or name needs to be replaced wherever it stands; shorter ones are replaced in paths,
        variables and before an @ only, since they are words or parts of code elsewhere."""
        names: list[str] = Field(default=[])
        """Names of yours to replace everywhere besides those found: customers, projects, colleagues."""
        keep: list[str] = Field(default=[])
        """Logins and host names that are nobody's and stay, besides root, ubuntu, runner and their like."""
        machine: bool = True
        """Also look for this machine's login, host name and git user, whether or not the session tells them."""

    def __init__(self, config: Config) -> None:
        self.config = config
        folder = shipped("conf") / "sanitizer" / "rules"
        lists = folder / "common_names.txt", folder / "common_words.txt"
        self.kept = word_list(lists[0]) | {value.lower() for value in config.keep}
        self.common = word_list(lists[1]) | seed_words()
        self.lists = file_digest(lists)
        self.rules = RuleScanner(folder / "identity.yaml", builtins=False)
        self.anyone = lru_cache(4096)(self.somebody)  # a session names the same few again and again
        self.known = {name.lower(): "NAME" for name in config.names if name.strip()}
        self.named = frozenset(self.known)
        self.skipped: Counter[str] = Counter()
        if config.machine:
            for value, type in machine():
                self.know(value.lower(), type)

    def know(self, value: str, type: str) -> None:
        """Looks for a value of this machine; counts the ones that are nobody's, or replaced in a few places only."""
        if not self.somebody(type, value):
            self.skipped["everybody's"] += 1
            return
        self.known.setdefault(value, type)
        if not self.distinct(value):
            self.skipped["short or common: in paths and addresses only"] += 1

    def engine(self) -> str:
        secret = digest(load_key(), "\n".join(sorted(f"{type} {value}" for value, type in self.known.items())))
        return f"{self.rules.engine()} lists {self.lists} known {secret}"

    def find(self, strings: Sequence[str], context: ScanContext) -> Iterable[Span]:
        if "known" not in context.memory:
            context.memory["told"] = told = self.told(context.strings)
            context.memory["looked at"] = set(context.strings)
            learnt = context.memory["learnt"] = self.learnt(told)
            context.memory["known"] = KnownValues(learnt | self.known)
        known: KnownValues = context.memory["known"]
        told, looked = context.memory["told"], context.memory["looked at"]
        if not looked.issuperset(strings):
            told |= self.told([text for text in strings if text not in looked])
            looked.update(strings)
        for index, text in enumerate(strings):
            if text in told:
                for start, end, type, rule in told[text]:
                    yield Span(index=index, start=start, end=end, type=type, rule=rule)
        yield from keyed(strings, context.keys, self.kept)
        seen = copies(strings, context, escapes=False)
        low = Joined([lowered(copy.text) for copy in seen])
        for start, end, value in known.find(low.text):
            if self.distinct(value) or addressed(low.text, start, end):
                index, offset = low.place(start)
                first, last = seen[index].back(start - offset, end - offset)
                yield Span(index=index, start=first, end=last, type=known.types[value], rule=self.rule(value, context))

    def rule(self, value: str, context: ScanContext) -> str:
        """`known` for what the settings name or the session tells, `machine` for what only this machine tells."""
        told = value in self.named or context.memory["learnt"].get(value) == self.known.get(value)
        return "known" if told or value not in self.known else "machine"

    def learnt(self, told: Mapping[str, Sequence[Place]]) -> dict[str, str]:
        """Value in lower case -> type, from every place in the session that tells one; paths also as slugs."""
        values: dict[str, str] = {}
        for text, places in told.items():
            for start, end, type, _ in places:
                value = text[start:end].lower()
                values.setdefault(value, type)
                values.setdefault(re.sub(r"[^a-z0-9]", "-", value), type)
                if type == "HOST" and "." in value and self.somebody("HOST", value.split(".")[0]):
                    values.setdefault(value.split(".")[0], type)
        return values

    def told(self, strings: Sequence[str]) -> dict[str, list[Place]]:
        """Where rules find somebody named, by string; most have nothing."""
        places: dict[str, list[Place]] = {}
        for batch in batches(strings):
            for match in self.rules.find([masked(text) if "_" in text else text for text in batch]):
                _, type, name = match.rule.split(".")
                text = batch[match.string]
                end = match.start + len(text[match.start : match.end].rstrip(" .-_"))
                if rule_of_code(match.rule, text, match.start, end):
                    continue
                if end > match.start and self.anyone(type.upper(), text[match.start : end]):
                    places.setdefault(text, []).append((match.start, end, type.upper(), name))
        return places

    def somebody(self, type: str, value: str) -> bool:
        """Whether a value is anyone's in particular: no account that everybody has, no placeholder, no robot."""
        low = value.strip().lower()
        if low in self.kept or len(low) < 2 or PSEUDONYM.search(value) or not LETTERS.search(low):
            return False
        if type == "PERSON":
            return " " in low.strip() and not ROBOTS.fullmatch(low)
        if type == "HOST":
            first = low.split(".")[0]
            return (
                first not in self.kept and not low.startswith(("ip-", "localhost")) and not PUBLIC_HOST.fullmatch(low)
            )
        return not (low.startswith((".", "your", "<", "$", "my-")) or len(set(low)) == 1)

    def distinct(self, value: str) -> bool:
        """Long and odd enough to mean the same wherever it stands."""
        return len(value) >= self.config.shortest and value not in self.common and not keyword.iskeyword(value)


def rule_of_code(rule: str, text: str, start: int, end: int) -> bool:
    """Whether `hostname = socket.gethostname()`, `hostname: str`: code that speaks of a host and names none."""
    if rule != "bashgym.host.variable":
        return False
    shouted = SHOUTED.search(text, max(0, start - 24), start)  # HOSTNAME=mercury
    return text[end : end + 1] in ("(", "[") or not (shouted or ODD.search(text, start, end))


def addressed(text: str, start: int, end: int) -> bool:
    """Whether a short name stands where only a login or a host stands: in a path, before or after an @."""
    return (start > 0 and text[start - 1] in ADDRESSING) or text[end : end + 1] == "@"


def keyed(strings: Sequence[str], keys: Sequence[str], kept: frozenset[str]) -> Iterator[Span]:
    """Whole strings whose JSON key says that they are a login or a host name."""
    for index, (text, key) in enumerate(zip(strings, keys, strict=False)):
        type = "USER" if NAMED_USER.match(key) else "HOST" if NAMED_HOST.match(key) else ""
        if type and WORD.fullmatch(text) and text.lower() not in kept:
            yield Span(index=index, start=0, end=len(text), type=type, rule="key")


def batches(strings: Sequence[str]) -> Iterator[list[str]]:
    batch: list[str] = []
    size = 0
    for text in strings:
        batch.append(text)
        size += len(text)
        if size > 1 << 16:
            yield batch
            batch, size = [], 0
    yield batch


def word_list(file: Path) -> frozenset[str]:
    lines = file.read_text(encoding="utf-8").splitlines()
    return frozenset(word for line in lines if not line.startswith("#") for word in line.split())


def machine() -> Iterator[tuple[str, str]]:
    """This machine's login, host names and git user; what cannot be had is left out, nothing leaves the process."""
    with contextlib.suppress(KeyError, OSError):  # a container without an entry for its user
        yield getpass.getuser(), "USER"
    with contextlib.suppress(RuntimeError):  # no home folder
        yield Path.home().name, "USER"
    yield from ((os.environ[name], "USER") for name in LOGINS if os.environ.get(name))
    hosts = {socket.gethostname(), os.environ.get("COMPUTERNAME", ""), os.environ.get("HOSTNAME", "")} - {""}
    yield from ((name, "HOST") for name in sorted(hosts | {host.split(".")[0] for host in hosts}))
    if git := shutil.which("git"):
        for setting, type in (("user.name", "PERSON"), ("user.email", "EMAIL")):
            told = subprocess.run(
                [git, "config", "--get", setting], capture_output=True, text=True, check=False, timeout=10
            )
            if told.stdout.strip():
                yield told.stdout.strip(), type
