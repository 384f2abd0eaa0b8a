"""Programs that start other programs: sudo, env, timeout, xargs, ssh ... and what they start."""

import re
from collections.abc import Sequence
from typing import NamedTuple

from bashgym.policy.knowledge import Wrapper

ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=")


class Inner(NamedTuple):
    """What a wrapper starts: the words of a command, or a text for a shell. Both empty: nothing, or a shell."""

    words: tuple[str, ...] = ()
    text: str | None = None


def inner(words: Sequence[str], wrapper: Wrapper) -> Inner:
    """Of the words behind the wrapper."""
    rest, own, at = list(words), wrapper.words, 0
    while at < len(rest):
        word = str(rest[at])
        if word == "--":
            at += 1
            break
        if word.startswith("-") and len(word) > 1:
            name, value, used = option(rest, at, wrapper)
            if name in wrapper.looks:
                return Inner()
            if name in wrapper.text:
                return Inner(text=value)
            at += used
        elif wrapper.assignments and ASSIGNMENT.match(word):
            at += 1
        elif own or wrapper.trailing:
            own -= 1
            at += 1
        else:
            break
    else:
        return Inner()
    left = rest[at + own :] if rest[at - 1 : at] == ["--"] else rest[at:]
    return Inner(text=" ".join(left)) if wrapper.joined and left else Inner(words=tuple(left))


def option(words: Sequence[str], at: int, wrapper: Wrapper) -> tuple[str, str, int]:
    """Name and value of an option, and how many words it takes."""
    word = words[at]
    following = words[at + 1] if at + 1 < len(words) else ""
    taking = {*wrapper.values, *wrapper.text}
    if word.startswith("--"):
        name, equals, value = word[2:].partition("=")
        if equals:
            return name, value, 1
        return (name, following, 2) if name in taking else (name, "", 1)
    for index, letter in enumerate(word[1:], 1):
        if letter in taking:
            attached = word[index + 1 :]
            return (letter, attached, 1) if attached else (letter, following, 2)
        if letter in wrapper.looks:
            return letter, "", 1
    return word[1:], "", 1


def replacement(words: Sequence[str]) -> str | None:
    """What xargs and parallel put the words they read in place of; None where they add them."""
    for index, word in enumerate(words):
        if re.fullmatch(r"-I", word):
            return words[index + 1] if index + 1 < len(words) else "{}"
        if match := re.fullmatch(r"(?:-I|--replace=)(.+)", word):
            return match[1]
        if word in ("-i", "--replace"):
            return "{}"
    return None
