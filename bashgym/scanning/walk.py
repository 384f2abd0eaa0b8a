"""Every string of a JSON value, each once, and the value with other strings in their places; at any depth.

Numbers of nine digits and more are strings too, as far as sanitizers go: a card or a phone number without quotes is
one all the same. A container in which nothing changes is not copied."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache, partial
from itertools import repeat
from typing import Any, NamedTuple

from bashgym.errors import PrivacyError
from bashgym.pseudonyms import PSEUDONYM

KEYED_LENGTH = 4096  # a longer string is text, whatever its key
STRINGS = frozenset({str})
NAMES = ("name", "key", "id", "variable")  # of an entry that has a value
NAME_LENGTH = 64  # characters of a name; what is longer is text
NAME = re.compile(r"-{0,2}[A-Za-z][A-Za-z0-9_.-]*")
SECRET = "secret"  # stands for the keys of a Kubernetes secret, whatever they are
COOKIE = "cookie"  # stands for the names of cookies, as archives of HTTP (HAR) and browsers list them
COOKIES = frozenset({"cookies", "cookie"})
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


UNIT = partial(tuple.__new__, Unit)


class Walk(NamedTuple):
    """The distinct strings of a value, in order, and its containers, outermost first, with their keys."""

    units: dict[Unit, None]
    containers: list[tuple[str, Any]]


@lru_cache(4096)
def keyed(key: str) -> bool:
    return bool(KEYED.search(key))


def special(key: str, node: Any) -> dict[Any, str] | None:
    """The names of the items of a container by their places, where they are not simply those they stand under; None
    nearly everywhere.

    One item may name another (`["--password", "kestrel"]`, `["x-api-key", "k3j9"]`, `{"name": "DB_PASSWORD",
    "value": "kestrel"}`), or they are the data of a Kubernetes secret, whatever its keys."""
    if type(node) is list:
        return listed(key, node) if any(map(names_next, node)) else None
    if "value" in node:
        names = (node.get(each) for each in NAMES)
        named = next((each for each in names if type(each) is str and keyed(each[:NAME_LENGTH])), "")
        named = named or (COOKIE if key in COOKIES else "")
        return {**dict(zip(node, node, strict=True)), "value": named} if named else None
    if key == SECRET:
        return dict.fromkeys(node, SECRET)
    return {name: SECRET if name in MANIFEST else name for name in node} if node.get("kind") == "Secret" else None


def names_next(item: Any) -> bool:
    """Whether an item of a list may say what the next one is."""
    if type(item) is not str or len(item) > NAME_LENGTH or not NAME.fullmatch(item):
        return False
    return keyed(item) and not PSEUDONYM.search(item)  # what became a name by being sanitized names nothing


def listed(key: str, node: Sequence[Any]) -> dict[int, str]:
    """The names of the items of a list in which options, or a name before its value, may stand."""
    names, name = {}, key
    for at, item in enumerate(node):
        names[at] = name
        named = names_next(item) and (item[0] == "-" or (len(node) == 2 and at == 0))
        name = item.lstrip("-") if named else key
    return names


def may_be_special(key: str, node: Any) -> bool:
    """What `special` need not look at is told quickly."""
    if type(node) is dict:
        return "value" in node or "kind" in node or key == SECRET
    return len(node) > 1 and type(node[0]) is str


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
            items: Iterable[tuple[str, Any]] = node.items()
        else:
            items = zip(repeat(key), node, strict=False)
        if may_be_special(key, node) and (called := special(key, node)):
            items = zip(called.values(), node.values() if type(node) is dict else node, strict=True)
        for name, item in items:
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
    names.update(plain)
    names.pop("", None)
    units = dict.fromkeys(map(UNIT, zip(repeat(""), names)))  # without a call of Python's for each
    units.update(dict.fromkeys(map(UNIT, (pair for pair in pairs if pair[1]))))
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
        called = special(key, node) if may_be_special(key, node) else None
        for at, item in node.items() if named else enumerate(node):
            kind = type(item)
            if kind is str:
                text = item
            elif kind is dict or kind is list:
                if id(item) in made:
                    changed[at] = made[id(item)]
                continue
            else:
                text = number(item) if kind is int or kind is float else None
            if text in texts:
                name = called[at] if called else str(at) if named else key
                unit = unit_of(name, text)
                if unit in clean:
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
