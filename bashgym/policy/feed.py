"""What is fed to a command: by a pipe, a here-document, a file; as text where that is known."""

import re
from collections.abc import Sequence
from typing import Literal, NamedTuple

from bashgym.policy.effects import found
from bashgym.policy.knowledge import load
from bashgym.policy.places import UNRESOLVED
from bashgym.policy.values import Session, decoded, inside, output_of, printed_by, resolve, resolved
from bashgym.policy.wrapped import inner
from bashgym.signals.shell import Command, every

LONGEST_PIPE = 64  # commands; where a longer one begins is not looked for
How = Literal["nothing", "text", "downloaded", "unknown"]


class Feed(NamedTuple):
    """`items`: the words that xargs would make of it, where they are known though the text is not (find, ls).

    `source`: the commands that a pipe comes from."""

    how: How
    text: str = ""
    items: tuple[str, ...] = ()
    source: str = ""


NOTHING, DOWNLOADED, UNKNOWN = Feed("nothing"), Feed("downloaded"), Feed("unknown")


def feed(commands: Sequence[Command], index: int, session: Session) -> Feed:
    """What the command at `index` reads."""
    command = commands[index]
    if command.stdin:
        return of_text(str(command.stdin))
    if command.reads:
        return of_file(command.reads[-1], session)
    return piped(commands, index, session) if command.before == "|" else NOTHING


def chained(commands: Sequence[Command], index: int) -> list[Command]:
    """The commands that the pipe into the one at `index` comes through, the first one first; the last of many."""
    first = index
    while first and commands[first].before == "|" and index - first < LONGEST_PIPE:
        first -= 1
    return [bare(command) for command in commands[first:index]]


def of_text(text: str) -> Feed:
    return Feed("text", text, tuple(text.split()))


def of_file(word: str, session: Session) -> Feed:
    """A file that was written or downloaded before, or a process substitution."""
    for expansion in getattr(word, "live", ()):
        if expansion.startswith("<("):
            return of_substitution(inside(expansion), session)
    return of_known(resolve(word, session)[0] if word else "", session)


def of_known(path: str, session: Session) -> Feed:
    key = path.removeprefix("./")
    if key in session.files:
        text = session.files[key]
        return DOWNLOADED if text is None else of_text(text)
    return UNKNOWN


def of_substitution(text: str, session: Session) -> Feed:
    """What the commands of $(...) or <(...) print."""
    commands = every(text)
    if any(downloads(command) for command in commands):
        return DOWNLOADED
    output = output_of(text, session)
    return UNKNOWN if output is None else of_text(output)


def piped(commands: Sequence[Command], index: int, session: Session) -> Feed:
    """What comes through the pipe, from its first command on."""
    chain = chained(commands, index)
    if any(downloads(command) for command in chain):
        return DOWNLOADED
    source, filters = chain[0], chain[1:]
    if source.before == "|":
        return UNKNOWN
    if source.stdin and source.program == "cat":
        text: str | None = str(source.stdin)
    else:
        text = printed_by(source, session)
    for one in filters:
        text = None if text is None else decoded(one, text)
    if text is not None:
        return of_text(text)
    told = "\n".join(" ".join(one.words) for one in chain)
    if source.program == "cat" and len(source.words) == 2 and not filters:
        return of_known(resolve(source.words[1], session)[0], session)._replace(source=told)
    return Feed("unknown", items=listed(source, session) if not filters or narrowing(filters) else (), source=told)


def narrowing(filters: Sequence[Command]) -> bool:
    """Whether filters only leave lines out."""
    return all(one.program in ("grep", "egrep", "head", "tail", "sort", "uniq") for one in filters)


def listed(command: Command, session: Session) -> tuple[str, ...]:
    """The paths that find or ls would print, as patterns."""
    words = resolved(command.words[1:], session)
    if command.program in ("find", "gfind"):
        return tuple(found(words))
    if command.program == "ls":
        return tuple(f"{word.rstrip('/')}/*" for word in words if not word.startswith("-")) or ("*",)
    return ()


def bare(command: Command) -> Command:
    """Without the wrappers around it."""
    known = load().wrappers
    for _ in range(8):
        wrapper = known.get(command.program)
        within = inner(command.words[1:], wrapper).words if wrapper and not wrapper.fed else ()
        if not within:
            return command
        command = command._replace(words=within)
    return command


def downloads(command: Command) -> bool:
    """Whether it prints what another machine sends."""
    return bare(command).program in load().downloaders and not re.search(UNRESOLVED, command.program)
