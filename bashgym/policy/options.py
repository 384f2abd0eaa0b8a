"""Options of a command: in any order, clustered (-rf), spelled out (--force), or abbreviated (--forc)."""

import re
from collections.abc import Sequence
from typing import NamedTuple

CLUSTER = re.compile(r"-[A-Za-z0-9?]+")


class Options(NamedTuple):
    """The letters and long names that are set, and the words that are no options."""

    letters: frozenset[str]
    names: tuple[str, ...]
    plain: tuple[str, ...]

    def has(self, spellings: str) -> bool:
        """Whether an option is there in any spelling of `f|force`; a long one may be abbreviated."""
        for spelling in spellings.split("|"):
            if len(spelling) == 1 and spelling in self.letters:
                return True
            if len(spelling) > 1 and any(spelling.startswith(name) for name in self.names if name):
                return True
        return False


def options(words: Sequence[str]) -> Options:
    """Of the words behind the program; after `--` nothing is an option."""
    letters: set[str] = set()
    names: list[str] = []
    plain: list[str] = []
    for index, word in enumerate(words):
        if word == "--":
            plain += words[index + 1 :]
            break
        if word.startswith("--"):
            names.append(word[2:].partition("=")[0])
        elif CLUSTER.fullmatch(word.partition("=")[0]):
            letters |= set(word.partition("=")[0][1:])
            if len(word) > 3:
                names.append(word[1:].partition("=")[0])  # find -delete, terraform -auto-approve
        else:
            plain.append(word)
    return Options(frozenset(letters), tuple(names), tuple(plain))
