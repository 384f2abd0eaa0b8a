"""Which requests are one template: the same words around other names.

"rename parse_row to read_row" and "rename total to sum_lines" ask for the same thing with other names in it. Who
trains on the one and is asked the other is asked what it knows. A name is told by who uses it: a word that only the
requests of one repository use (of one session, where there are fewer than three repositories) is taken for one. What is
left is compared by its pairs of neighbouring words: two requests are alike where the pairs they share are at least
ALIKE of all that either has (Jaccard); two that are alike to the same third are one template as well.

On the 80 requests of the example sessions, made from 36 templates, every share from .2 to .4 joins all of a template,
and from .28 on no group has more than an eighth of the requests (measured)."""

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import NamedTuple

from bashgym.records import Example

ALIKE = 0.3
REPOSITORIES = 3  # from so many on a word of one alone is a name
LONGEST = 300  # characters of a request that are kept
MOST = 50  # requests of a session
WORD = re.compile(r"[\w/'.-]*\w")  # a path or a flag is one word
NAME, OPEN, CLOSE = "*", "^", "$"
Pairs = frozenset[tuple[str, str]]


class Asked(NamedTuple):
    """What was asked in a session, of which repository, in which family of sessions."""

    texts: tuple[str, ...]
    repo: str
    family: str


def requested(examples: Iterable[Example]) -> Iterator[str]:
    """What the user said that the agent then acted on: no thanks, no interruption. A later window begins with a summary
    of the earlier ones, which is nobody's words."""
    found = 0
    for example in examples:
        at = [number for number, message in enumerate(example.messages) if message["role"] == "user"]
        for number in at[1:] if example.window else at:
            if found < MOST and any(message.get("tool_calls") for message in example.messages[number + 1 : number + 2]):
                found += 1
                yield str(example.messages[number]["content"])[:LONGEST]


def templates(sessions: Mapping[str, Asked]) -> dict[str, str]:
    """Session -> the first session (by id) of those that share a template with it, directly or by way of others; one
    without a word in common with any has its own."""
    users = used_by(sessions.values())
    askers: dict[Pairs, list[str]] = defaultdict(list)
    for session in sorted(sessions):
        for text in sessions[session].texts:
            askers[pairs(text, users)].append(session)
    parent = {session: session for session in sessions}

    def root(name: str) -> str:
        while parent[name] != name:
            parent[name] = parent[parent[name]]
            name = parent[name]
        return name

    def join(one: str, other: str) -> None:
        small, large = sorted((root(one), root(other)))
        parent[large] = small

    for found, same in askers.items():
        for session in same[1:] if found else ():
            join(same[0], session)
    for one, other in alike(list(askers)):
        join(askers[one][0], askers[other][0])
    return {session: root(session) for session in sessions}


def alike(every: list[Pairs]) -> Iterator[tuple[Pairs, Pairs]]:
    """Sets of pairs that share enough; found through the pairs they have in common."""
    holders: dict[tuple[str, str], list[int]] = defaultdict(list)
    for number, mine in enumerate(every):
        met = Counter(other for pair in mine for other in holders[pair])
        for other, shared in met.items():
            if shared >= ALIKE * (len(mine) + len(every[other]) - shared):
                yield mine, every[other]
        for pair in mine:
            holders[pair].append(number)


def used_by(sessions: Collection[Asked]) -> dict[str, set[str]]:
    """Word -> the repositories, or where there are few the families, whose requests use it."""
    by_repo = len({one.repo for one in sessions}) >= REPOSITORIES
    users: dict[str, set[str]] = defaultdict(set)
    for one in sessions:
        for word in (word for text in one.texts for word in words(text)):
            users[word].add(one.repo if by_repo else one.family)
    return users


def pairs(text: str, users: Mapping[str, set[str]]) -> Pairs:
    """Neighbouring words, names masked; pairs without a word say nothing."""
    masked = [OPEN]
    for word in words(text):
        shown = word if len(users[word]) > 1 else NAME
        if shown != NAME or masked[-1] != NAME:
            masked.append(shown)
    said = zip(masked, [*masked[1:], CLOSE], strict=True)
    return frozenset(pair for pair in said if not set(pair) <= {NAME, OPEN, CLOSE})


def words(text: str) -> list[str]:
    return WORD.findall(text.lower())
