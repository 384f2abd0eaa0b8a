"""Identifiers of a conversation under other names, the same everywhere: in code, commands, results and words.

Only names that the session itself defines at the beginning of a line and that no plain word can be taken for
(`load_rows`, `RowLoader`); a new name stands nowhere in the conversation before, so that the renaming can be undone."""

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from bashgym.mining.places import Message
from bashgym.similar.prints import strings

DEFINED = re.compile(
    r"^(?:export (?:default )?)?(?:async )?(?:def|class|function|func|fn|type|interface|struct|const|let|var)\s+"
    r"([A-Za-z][A-Za-z0-9_]{4,60})\b",
    re.MULTILINE,
)
COMPOUND = re.compile(r"[a-z0-9]+(?:_[a-z0-9]+)+|[A-Z]?[a-z0-9]+(?:[A-Z][a-z0-9]+)+")
PARTS = re.compile(r"[A-Z]?[a-z0-9]+")
FIXED = re.compile(r"test_|pytest_|Test|use[A-Z]|setup_|teardown_")  # names that a framework reads
OTHER = {
    "get": "fetch", "fetch": "get", "load": "read", "read": "load", "make": "build", "build": "make", "create": "make",
    "find": "locate", "list": "collect", "count": "tally", "total": "sum", "sum": "total", "check": "verify",
    "parse": "decode", "write": "store", "save": "store", "store": "save", "send": "post", "remove": "drop",
    "delete": "drop", "update": "refresh", "row": "record", "rows": "records", "item": "entry", "items": "entries",
    "user": "member", "users": "members", "name": "label", "names": "labels", "value": "amount", "file": "document",
    "path": "place", "data": "content", "handler": "reader", "manager": "keeper", "config": "options", "line": "row",
}  # fmt: skip
FALLBACK = ("plain", "inner", "local", "base", "main", "core", "given", "final")
FEWEST = 2  # times a name must stand somewhere; once is not worth it


def names(messages: Iterable[Message]) -> list[str]:
    """The identifiers that may be renamed, those that stand most often first."""
    texts = list(every_text(messages))
    defined = {
        name
        for message in messages_of(messages, "assistant")
        for text in strings([call["function"]["arguments"] for call in message.get("tool_calls", ())])
        for name in DEFINED.findall(text)
        if COMPOUND.fullmatch(name) and not FIXED.match(name)
    }
    counts = Counter({name: sum(len(whole(name).findall(text)) for text in texts) for name in defined})
    return [name for name, n in sorted(counts.items(), key=lambda one: (-one[1], one[0])) if n >= FEWEST]


def messages_of(messages: Iterable[Message], role: str) -> Iterable[Message]:
    return [message for message in messages if message["role"] == role]


def every_text(messages: Iterable[Message]) -> Iterable[str]:
    """All strings in which a name may stand; keys, ids, and names of tools are not among them."""
    for message in messages:
        yield message["content"]
        yield from strings(message.get("reasoning_content"))
        yield from strings([call["function"]["arguments"] for call in message.get("tool_calls", ())])


def mapping(messages: Sequence[Message], at_most: int, seed: str) -> dict[str, str]:
    """Old name -> new name. No new name, nor a part that reads as one, is in the conversation before."""
    everything = "\n".join(every_text(messages))
    taken: set[str] = set()
    found: dict[str, str] = {}
    for name in names(messages)[:at_most]:
        for new in proposals(name, seed):
            if new not in everything and new not in taken:
                found[name] = new
                taken.add(new)
                break
    return found


def proposals(name: str, seed: str) -> Iterable[str]:
    """Other names in the same spelling: a part replaced, else a word put before the last part."""
    parts = PARTS.findall(name)
    for place, part in enumerate(parts):
        if part.lower() in OTHER:
            yield joined(name, [*parts[:place], OTHER[part.lower()], *parts[place + 1 :]])
    start = hashlib.sha256(f"{seed} {name}".encode()).digest()[0]
    for turn in range(len(FALLBACK)):
        yield joined(name, [*parts[:-1], FALLBACK[(start + turn) % len(FALLBACK)], parts[-1]])


def joined(like: str, parts: Sequence[str]) -> str:
    if "_" in like:
        return "_".join(part.lower() for part in parts)
    first, *rest = parts
    made = "".join(part[:1].upper() + part[1:] for part in rest)
    return (first[:1].upper() + first[1:] if like[0].isupper() else first[:1].lower() + first[1:]) + made


def whole(name: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![A-Za-z0-9_]){re.escape(name)}(?![A-Za-z0-9_])")


def renamed(value: Any, names: dict[str, str]) -> Any:
    """`value` with every name replaced, whole words only; keys of objects stay."""
    if not names:
        return value
    pattern = re.compile(rf"(?<![A-Za-z0-9_])(?:{'|'.join(map(re.escape, names))})(?![A-Za-z0-9_])")
    return replaced(value, pattern, names)


def replaced(value: Any, pattern: re.Pattern[str], names: dict[str, str]) -> Any:
    if isinstance(value, str):
        return pattern.sub(lambda match: names[match[0]], value)
    if isinstance(value, list):
        return [replaced(one, pattern, names) for one in value]
    if isinstance(value, dict):
        return {key: replaced(one, pattern, names) for key, one in value.items()}
    return value


def in_message(message: Message, names: dict[str, str]) -> Message:
    """A message renamed: its words and the arguments of its calls, nothing that only a program reads."""
    made = {**message, "content": renamed(message["content"], names)}
    if "reasoning_content" in message:
        made["reasoning_content"] = renamed(message["reasoning_content"], names)
    if "tool_calls" in message:
        made["tool_calls"] = [
            {**call, "function": {**call["function"], "arguments": renamed(call["function"]["arguments"], names)}}
            for call in message["tool_calls"]
        ]
    return made
