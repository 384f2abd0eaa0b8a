"""The rules of conf/commands.yaml: what is destructive by its words alone."""

from collections.abc import Sequence
from fnmatch import fnmatchcase

from bashgym.policy.feed import Feed
from bashgym.policy.knowledge import Knowledge, Rule
from bashgym.policy.options import Options, options
from bashgym.policy.places import UNRESOLVED
from bashgym.policy.values import Session, plain, resolved
from bashgym.policy.verdicts import ALLOWED, Verdict, destructive, unknown

MOST = 5000
KNOWN: dict[tuple[int, str], tuple[Knowledge, list[Rule]]] = {}


def by_rules(facts: Knowledge, program: str, words: Sequence[str], given: Feed, session: Session) -> Verdict:
    """The rules of conf/commands.yaml, over the words as they are resolved and as they are written."""
    set_options = options(resolved(words, session))
    texts = [" ".join([program, *plain(words, session)]), " ".join([program, *map(str, words)])]
    parts = [part for part in (*texts, given.text, given.source) if part]
    for rule in of_program(facts, program):
        if matches(rule, set_options, parts):
            return destructive(rule.name, rule.reason)
    mine = [rule for rule in facts.rules if rule.words and program in rule.programs]
    if mine and set_options.plain[:1] and UNRESOLVED in set_options.plain[0]:
        return unknown("does what a variable says")
    return ALLOWED


def of_program(facts: Knowledge, program: str) -> list[Rule]:
    """The rules of a program; hundreds of rules are asked about each command, and programs are few."""
    key = (id(facts.rules), program)
    if len(KNOWN) > MOST:
        KNOWN.clear()
    if key not in KNOWN:  # the rules are kept with what is known of them, so that no others can have their id
        mine = [rule for rule in facts.rules if any(fnmatchcase(program, pattern) for pattern in rule.programs)]
        KNOWN[key] = (facts, mine)
    return KNOWN[key][1]


def matches(rule: Rule, given: Options, parts: Sequence[str]) -> bool:
    wanted = list(rule.words)
    for word in given.plain:
        if wanted and word == wanted[0]:
            wanted.pop(0)
    if wanted or not all(given.has(flag) for flag in rule.flags) or any(given.has(flag) for flag in rule.unless):
        return False
    return rule.text is None or any(rule.text.search(part) for part in parts)
