"""What can be typed next on the command line: verbs, their actions and options, and what belongs to a recipe."""

import importlib
from collections.abc import Iterator

from bashgym import paths
from bashgym.recipebook.offered import Candidate, of_recipes
from bashgym.verbs import DESCRIBE, Described

TAKE_VALUES = {"--until", "--locked"}


def candidates(words: list[str]) -> list[Candidate]:
    """`words` are those after `bashgym`, the last one as far as it is typed, perhaps empty."""
    *before, current = words or [""]
    verbs = described_verbs()
    if not before:
        found = [Candidate(name, line) for name, line in verbs.items()]
    elif before[0] in verbs:
        value = before[-1].startswith("--") and len(before) > 1  # of an option, not one word more of a recipe
        found = [
            *of_verb(before, current),
            *(() if value and before[-1] in TAKE_VALUES else of_recipes(before, current)),
        ]
    else:
        found = []
    return [one for one in found if one.word.startswith(current)]


def described_verbs() -> dict[str, str]:
    """verb -> what its file says it is, without importing it."""
    found = {}
    for file in sorted((paths.HERE / "verbs").glob("[a-z]*.py")):
        first = file.read_text(encoding="utf-8").split("\n", 1)[0].strip('"')
        found[file.stem] = first.partition(": ")[2].removesuffix(".")
    return found


def of_verb(before: list[str], current: str) -> Iterator[Candidate]:
    """The options and actions of a verb, told by its own parser."""
    try:
        importlib.import_module(f"bashgym.verbs.{before[0]}").main([DESCRIBE])
    except Described as told:
        for action in told.parser._actions:
            choices = [str(choice) for choice in action.choices or ()]
            if action.option_strings and current.startswith("-"):
                yield Candidate(action.option_strings[-1], action.help or "")
            elif before[-1] in action.option_strings if action.option_strings else not set(before[1:]) & set(choices):
                yield from (Candidate(choice, "") for choice in choices)
