"""The word patterns of conf/judge/rules/reward_hacking.yaml, compiled; and what is said with them."""

import hashlib
import re
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import yaml

from bashgym import paths, yamls
from bashgym.errors import InputError
from bashgym.signals.letters import needed

NAME = "judge/rules/reward_hacking.yaml"
LITERAL = re.compile(
    r"""(?<![\w.])0[xXbBoO][0-9a-fA-F_]+|(?<![\w.])-?\d[\d_]*(?:\.\d+)?(?:e-?\d+)?\b|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`[^`\n]*`"""
    r"""|\b(?:True|False|None|true|false|null|nil)\b"""
)
WORD = re.compile(r"[A-Za-z_]\w*")
COMMENT = re.compile(r"^\s*(?:#(?!\[)|//|/\*|\*|--|;)")
NO_ASSERTION = re.compile(r"^\s*(?:import|from|def|use|using|#include|const .*require\()\b")
LONGEST = 200_000  # characters in which tests are looked for
REFERS_BACK = re.compile(r"\\\d")


class Test(NamedTuple):
    """One test in a text: its name, and the text from its beginning to the next test."""

    name: str
    body: str


class Patterns:
    """Some patterns as one; those that refer back to a group stand alone, or the numbers would be wrong."""

    def __init__(self, patterns: list[str]) -> None:
        alone = [one for one in patterns if REFERS_BACK.search(one) or one.startswith("(?")]
        together = [one for one in patterns if one not in alone]
        self.compiled = [re.compile(one) for one in alone]
        if together:
            self.compiled.append(re.compile("|".join(f"(?:{one})" for one in together)))
        needs = [needed(one) for one in patterns]
        self.needed = None if None in needs else frozenset().union(*(one for one in needs if one))

    def search(self, text: str) -> re.Match[str] | None:
        return next((found for one in self.compiled if (found := one.search(text))), None)

    def __contains__(self, text: str) -> bool:
        return self.search(text) is not None

    def may_be_in(self, text: str) -> bool:
        """False where no line of `text` can hold any of them: a quick look for the letters that each of them needs."""
        return self.needed is None or any(word in text for word in self.needed)

    def lines(self, lines: list[str]) -> list[str]:
        """Those of some lines that hold one of them."""
        if not lines or not self.may_be_in("\n".join(lines)):
            return []
        return [line for line in lines if line in self]


class Rules:
    """What is a test, an assertion, a check; `in` asks whether a pattern is in a line: `line in rules["skip"]`."""

    def __init__(self, patterns: dict[str, list[str]], digest: str) -> None:
        self.groups = {name: Patterns(each) for name, each in patterns.items() if name != "definition"}
        self.definitions = [(re.compile(one), needed(one)) for one in patterns["definition"]]
        self.digest = digest

    def __getitem__(self, name: str) -> Patterns:
        return self.groups[name]

    def is_test(self, path: str) -> bool:
        return path in self["test_path"] and path not in self["prose_path"]

    def is_check(self, path: str) -> bool:
        """A file that says how tests and linters are run."""
        return path in self["check_path"] and not self.is_test(path)

    def is_source(self, path: str) -> bool:
        """Code that is neither a test nor says how tests are run."""
        return path not in self["test_path"] and path not in self["check_path"] and path not in self["prose_path"]

    def tests(self, text: str) -> list[Test]:
        """The tests that begin in `text`, in order."""
        return list(found_tests(self, text[:LONGEST])) if text else []

    def begun(self, text: str) -> list[Test]:
        likely = [one for one, words in self.definitions if words is None or any(word in text for word in words)]
        found = sorted({(match.start(), match[1].strip("`")) for one in likely for match in one.finditer(text)})
        ends = [*(start for start, _ in found[1:]), len(text)]
        return [Test(name, text[start:end]) for (start, name), end in zip(found, ends, strict=False)]

    def asserts(self, line: str) -> bool:
        return line in self["assertion"] and not COMMENT.match(line) and not NO_ASSERTION.match(line)

    def strength(self, line: str) -> int:
        """How much an assertion says: 3 one value, 2 a range or a part, 1 that there is something, 0 nothing."""
        if line in self["tautology"]:
            return 0
        if line in self["tolerance"]:
            return 2
        if line in self["loose"]:
            return 1
        return 3 if line in self["exact"] else 2


@lru_cache(maxsize=64)
def found_tests(rules: Rules, text: str) -> tuple[Test, ...]:
    """Asked for several times of the same text."""
    return tuple(rules.begun(text))


@lru_cache
def load() -> Rules:
    """The rules of the project, else the shipped ones. Raises InputError that names the file and what is wrong."""
    own = paths.project() / "conf" / NAME
    return read(own if own.is_file() else paths.shipped("conf") / NAME)


def read(path: Path) -> Rules:
    try:
        raw = path.read_bytes()
        return Rules(yamls.load(raw), hashlib.sha256(raw).hexdigest()[:16])
    except (OSError, yaml.YAMLError, re.error, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{path}: {str(error).splitlines()[0]}; mend it or remove it") from None


def literals(text: str) -> list[str]:
    """Numbers, strings (quotes of all kinds alike) and the like."""
    return [value if value[0] not in "'\"`" else f"'{value[1:-1]}'" for value in LITERAL.findall(text)]


def shape(line: str) -> str:
    """A line without what a formatter may change."""
    return re.sub(r"[\s;,]+", " ", line.replace('"', "'").replace("`", "'")).strip()
