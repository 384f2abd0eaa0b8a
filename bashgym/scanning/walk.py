"""Every string of a JSON value, each once, and the value with other strings in their places; at any depth.

Numbers of nine digits and more are strings too, as far as sanitizers go: a card or a phone number without quotes is
one all the same. A container in which nothing changes is not copied."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from bashgym.errors import PrivacyError

KEYED_LENGTH = 4096  # a longer string is text, whatever its key
STRINGS = frozenset({str})
NAMES = ("name", "key", "id", "variable")  # of an entry that has a value
NAME_LENGTH = 64  # characters of a name; what is longer is text
SECRET = "secret"  # stands for the keys of a Kubernetes secret, whatever they are
MANIFEST = frozenset({"data", "stringData"})
LONG_NUMBER = 99_999_999  # what is above may be somebody's number
KEYED = re.compile(
    r"pass|pwd|pw$|secret|token|key|auth|cred|cookie|session|seed|mnemonic|signature|salt|dsn|cert|bearer|otp|pin$"
    r"|user|login|logname|host|owner|author|name|mail|phone|mobile|\btel|fax|ssn|social|card|iban|\bpan$",
    re.IGNORECASE,
)


class Unit(NamedTuple):
    """One thing to scan: a string and, where it may matter, the key it is the value of."""

    key: str
    text: str


class Walk(NamedTuple):
    """The distinct strings of a value, in order, and its containers, outermost first, with their keys."""

    units: dict[Unit, None]
    containers: list[tuple[str, Any]]


@lru_cache(4096)
def keyed(key: str) -> bool:
    return bool(KEYED.search(key))


def entries(key: str, node: Any) -> Iterable[tuple[Any, str, Any]]:
    """Place, name and item of everything in a container. The items of a list stand under the list's key, except where
    one names the next (`["--password", "kestrel"]`, `["x-api-key", "k3j9"]`); an entry that is a name and a value
    (`{"name": "DB_PASSWORD", "value": "kestrel"}`) is taken for what it means; so is a Kubernetes secret."""
    if type(node) is dict:
        if "value" in node:
            names = (node.get(each) for each in NAMES)
            named = next((each for each in names if type(each) is str and keyed(each[:NAME_LENGTH])), "")
            return ((name, named if named and name == "value" else name, item) for name, item in node.items())
        if node.get("kind") == "Secret":
            return ((name, SECRET if name in MANIFEST else name, item) for name, item in node.items())
        if key == SECRET:
            return ((name, SECRET, item) for name, item in node.items())
        return ((name, name, item) for name, item in node.items())
    return listed(key, node)


def listed(key: str, node: Sequence[Any]) -> Iterator[tuple[int, str, Any]]:
    """The same of a list."""
    pair = len(node) == 2
    name = key
    for at, item in enumerate(node):
        yield at, name, item
        names = type(item) is str and (item[:1] == "-" or (pair and at == 0)) and len(item) <= NAME_LENGTH
        name = item.lstrip("-") if names and "=" not in item and keyed(item) else key


def walk(value: Any) -> Walk:
    """Every string of a JSON value, keys included."""
    names: dict[str, Any] = {}
    plain: dict[str, None] = {}
    pairs: dict[tuple[str, str], None] = {}
    containers: list[tuple[str, Any]] = [("", [value])]
    for key, node in containers:  # grows on the way
        if type(node) is dict:
            if not STRINGS.issuperset(map(type, node)):
                raise PrivacyError("a key that is no string is no JSON and cannot be sanitized")
            names.update(node)
        for _, name, item in entries(key, node):
            kind = type(item)
            if kind is str:
                if keyed(name) and len(item) <= KEYED_LENGTH:
                    pairs[name, item] = None
                else:
                    plain[item] = None
            elif kind is dict or kind is list:
                containers.append((name, item))
            elif kind is int or kind is float:
                if digits := number(item):
                    if keyed(name):
                        pairs[name, digits] = None
                    else:
                        plain[digits] = None
            elif item is not None and kind is not bool:
                raise PrivacyError(f"a value of type {kind.__name__} is no JSON and cannot be sanitized")
    units = {Unit("", text): None for text in {**names, **plain} if text}
    units.update((Unit(*pair), None) for pair in pairs if pair[1])
    return Walk(units, containers)


def number(item: int | float) -> str:
    """The digits of a number that is long enough to be somebody's, else nothing."""
    if not item > LONG_NUMBER or (type(item) is float and not item.is_integer()):
        return ""
    return str(int(item)) if item < 1e30 else ""


class Rebuilt(NamedTuple):
    """A value with other strings in it; in how many places each stood, and how many of them under which key."""

    value: Any
    places: Counter[Unit]
    fields: Counter[str]


def rebuilt(containers: list[tuple[str, Any]], clean: Mapping[Unit, str]) -> Rebuilt:
    """The value with the strings of `clean` put in."""
    texts = {unit.text for unit in clean}
    places: Counter[Unit] = Counter()
    fields: Counter[str] = Counter()
    made: dict[int, Any] = {}
    for key, node in reversed(containers):  # the innermost first
        changed: dict[Any, Any] = {}
        named = type(node) is dict
        for at, name, item in entries(key, node):
            kind = type(item)
            if kind is dict or kind is list:
                if id(item) in made:
                    changed[at] = made[id(item)]
                continue
            text = item if kind is str else number(item) if kind is int or kind is float else None
            if text in texts and (unit := unit_of(name, text)) in clean:
                changed[at] = clean[unit]
                places[unit] += 1
                fields[name] += 1
        if named and not texts.isdisjoint(node):
            made[id(node)] = renamed({**node, **changed}, clean, places)
        elif changed:
            made[id(node)] = {**node, **changed} if named else [changed.get(at, item) for at, item in enumerate(node)]
    root = containers[0][1]
    return Rebuilt(made.get(id(root), root)[0], places, fields)


def unit_of(key: str, text: str) -> Unit:
    return Unit(key if len(text) <= KEYED_LENGTH and keyed(key) else "", text)


def renamed(node: Mapping[str, Any], clean: Mapping[Unit, str], places: Counter[Unit]) -> dict[str, Any]:
    """A copy of an object with the keys of `clean` put in, counted in `places`."""
    copy: dict[str, Any] = {}
    for name, item in node.items():
        unit = Unit("", name)
        places[unit] += unit in clean
        copy[free(clean.get(unit, name), name, node, copy)] = item
    return copy


def free(new: str, old: str, node: Mapping[str, Any], copy: Mapping[str, Any]) -> str:
    """A key that no other entry has: two keys with one pseudonym must not become one entry."""
    name, count = new, 1
    while name != old and (name in node or name in copy):
        count += 1
        name = f"{new}_{count}"
    return name
