"""The settings that a pack's user wants to be shown before saying yes to it, found by key and by value.

In doubt a setting is one: a text that is no plain word counts as a path, whatever its key."""

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

ENDPOINT, REPOSITORY, PATH, COMMAND, LIMIT = "endpoint", "repository", "path", "command", "limit"
AXOLOTL, REWARD, REMOTE, SECRET, PRIVACY, PLACE = (
    "axolotl", "reward function", "remote code", "secret", "privacy", "machine"
)  # fmt: skip
FREE = {"description", "name", "chat_template"}  # read by people, or checked against a pattern
KEYS = {
    REMOTE: re.compile(r"remote_code|unsafe|\bcode_exec"),
    REWARD: re.compile(r"reward_(funcs?|model|processes)|rewards?$"),
    ENDPOINT: re.compile(r"(^|_)(urls?|uris?|hosts?|endpoints?|proxy|proxies|port)$|base_url|webhook"),
    REPOSITORY: re.compile(r"(^|_)(datasets?|repo|repository|repo_id|hub_model_id|revision|tokenizer)$|^base(_m|$)"),
    COMMAND: re.compile(r"(^|_)(command|commands|cmd|python|box|image|environments?|setup|script|program|exec|args)$"),
    PLACE: re.compile(r"^(infra|region|zone)$"),
    SECRET: re.compile(r"(^|_)(secrets?|key_env|token|tokens|api_key|password|env)$"),
    PATH: re.compile(r"(^|_)(path|paths|folder|file|files|dir|run_dir|out|output|labelled|rules)$"),
    LIMIT: re.compile(r"(^|_)(max|limits?|least|shortest|at_most|usd|minutes|hours|seconds|timeout|retries|workers|"
                      r"processes|memory|disk|gb|mb|budget|quorum|spot|grace)(_|$)"),
}  # fmt: skip
TEXTUAL = {ENDPOINT, REPOSITORY, COMMAND, SECRET, PATH}  # a number is none of these
PRIVATE = ("sanitizer.", "sanitize.", "gate.")
PLAIN = re.compile(r"[\w .,;:()'+%=-]*")
REFERENCE = re.compile(r"\$\{[\w.]+\}")


class Power(NamedTuple):
    """One thing a setting can do; `word` is one of the above."""

    word: str
    key: str
    value: Any


def powers(key: str, value: Any) -> Iterator[Power]:
    """What one leaf of a recipe or preset can do, its most telling word first and alone."""
    word = of(key, value)
    if word:
        yield Power(word, key, value)


def of(key: str, value: Any) -> str:
    parts = key.split(".")
    last = parts[-1]
    if key.startswith(PRIVATE):
        return PRIVACY
    if "axolotl" in parts:
        return "" if value in ({}, None) else REMOTE if KEYS[REMOTE].search(key) else AXOLOTL
    if last in FREE or last == "plugin" or (key == "model.base" and value == "scratch") or empty(value):
        return LIMIT if value is None and KEYS[LIMIT].search(last) else ""
    plain = isinstance(value, bool | int | float)
    for word in KEYS:
        if KEYS[word].search(last) and not (plain and word in TEXTUAL):
            return word
    if key.startswith("verdict.floor."):
        return LIMIT
    return next((word for text in texts(value) if (word := of_text(text))), "")


def empty(value: Any) -> bool:
    return value is None or value == "" or value == [] or value == {}


def of_text(text: str) -> str:
    if "://" in text:
        return ENDPOINT
    return "" if PLAIN.fullmatch(text) or REFERENCE.fullmatch(text) else PATH


def texts(value: Any) -> Iterator[str]:
    """All text in a value, keys of tables included."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, one in value.items():
            yield str(key)
            yield from texts(one)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from texts(one)
