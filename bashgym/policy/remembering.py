"""What a command leaves for those behind it: variables, the working folder, files."""

import re
from collections.abc import Sequence
from itertools import pairwise

from bashgym.policy.feed import Feed, bare, downloads
from bashgym.policy.places import UNRESOLVED, absolute
from bashgym.policy.values import Session, plain, resolve, resolved
from bashgym.signals.shell import Command

SETTING = frozenset({"export", "declare", "local", "readonly", "typeset"})


def remember(command: Command, given: Feed, session: Session) -> None:
    """What later commands see of it: variables, the working folder, files."""
    words = command.words
    if not words:
        for word in command.assigned:
            assign(word, session)
        return
    if words[0] in ("for", "select") and len(words) > 3:
        session.variables[words[1]] = known(resolved(words[3:], session))
    elif words[0] in SETTING:
        for word in words[1:]:
            if "=" in word:
                assign(word, session)
    elif words[0] in ("read", "mapfile", "readarray", "getopts", "unset"):
        session.variables.update(dict.fromkeys(map(str, words[1:])))
    elif words[0] in ("cd", "pushd"):
        session.cwd = moved(words[1:], session)
    elif words[0] == "popd":
        session.cwd = None
    keep_files(bare(command), given, session)


def assign(word: str, session: Session) -> None:
    """NAME=value, or more for NAME+=value."""
    name = str(word).partition("=")[0]
    values = resolve(word, session)
    whole = " ".join(values) if not getattr(word, "bare", False) or len(values) > 1 else values[0]
    value = whole.partition("=")[2]
    if name.endswith("+"):
        name = name[:-1]
        before = session.variables.get(name) or [UNRESOLVED]
        value = before[0] + value
    session.variables[name] = known([value])


def known(values: list[str]) -> list[str] | None:
    return None if any(UNRESOLVED in value for value in values) else values


def moved(words: Sequence[str], session: Session) -> str | None:
    """The folder after `cd`."""
    target = [word for word in resolved(words, session) if not re.fullmatch(r"-[LPe@]+|--", word)] or ["~"]
    if UNRESOLVED in target[0] or target[0] == "-":
        return None
    return absolute(target[0], session.cwd)


def keep_files(command: Command, given: Feed, session: Session) -> None:
    """Files that a command made of known text, or of what it downloaded."""
    names = [path for word in command.writes for path in resolve(word, session)]
    words = [str(word) for word in command.words]
    if command.program == "tee":
        names += [word for word in words[1:] if not word.startswith("-")]
    if downloads(command):
        names += [after for before, after in pairwise(words) if re.fullmatch(r"-\w*[oO]|--output(-document)?", before)]
        names += [word.rpartition("/")[2] for word in words[1:] if "://" in word]
        session.files.update({name.removeprefix("./"): None for name in names})
        return
    if not names:
        return
    text = given.text if given.how == "text" and command.program in ("cat", "tee") else None
    if command.program in ("echo", "printf"):
        text = " ".join(plain(command.words[1:], session))
    for name in names:
        key = name.removeprefix("./")
        if given.how == "downloaded":
            session.files[key] = None
        elif text is not None:
            session.files[key] = (session.files.get(key) or "") + "\n" + text
