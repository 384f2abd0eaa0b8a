"""`bashgym recipes`: list, show, copy, check, diff, explain."""

import argparse

from bashgym.errors import BashGymError
from bashgym.verbs import no_more, parser

ABOUT = """Recipes, and an answer to every "why" about them.

  bashgym recipes list
  bashgym recipes show NAME [key=value ...]       flattened, with the origin of each value
  bashgym recipes check NAME [key=value ...]      everything that would stop a run, without running
  bashgym recipes copy NAME [TO] [key=value ...]  a recipe of your own that starts from another
  bashgym recipes diff A B                        recipes, lock files or runs; ends with 1 where they differ
  bashgym recipes explain KEY [NAME key=value ...]  what a key does, its type, its default, who set it
"""


def main(arguments: list[str]) -> int:
    took = parser("recipes", ABOUT)
    took.add_argument("action", choices=["list", "show", "check", "copy", "diff", "explain"])
    took.add_argument("words", nargs="*", metavar="WORD", help="as above")
    took.add_argument("--flat", action="store_true", help="for copy: every value written out, nothing inherited")
    took.add_argument("--json", action="store_true", help="print JSON")
    options = took.parse_intermixed_args(arguments)
    return ACTIONS[options.action](options)


def listing(options: argparse.Namespace) -> int:
    from bashgym import show

    no_more("recipes", "list", *options.words)
    show.recipes(options.json)
    return 0


def recipe_of(action: str, words: list[str]) -> list[str]:
    """`NAME key=value ...` as `bashgym run` takes it."""
    if not words:
        raise BashGymError(f"recipes {action}: name a recipe; `bashgym recipes list` shows them")
    name, *overrides = words
    return [name if name.startswith("recipe=") else f"recipe={name}", *overrides]


def showing(options: argparse.Namespace) -> int:
    from bashgym import show

    show.recipe(recipe_of("show", options.words), options.json)
    return 0


def checking(options: argparse.Namespace) -> int:
    from bashgym.recipebook import printed
    from bashgym.recipebook.checked import check

    checked = check(recipe_of("check", options.words))
    printed.checked(checked, options.json)
    return 0 if checked.good else BashGymError.exit_code


def copying(options: argparse.Namespace) -> int:
    from bashgym.recipebook.copied import copy

    words = recipe_of("copy", options.words)
    overrides = [word for word in words[1:] if "=" in word]
    to = [word for word in words[1:] if "=" not in word]
    if len(to) > 1:
        raise BashGymError(f"recipes copy: one name for the copy, not {len(to)} ({', '.join(to)})")
    print(copy(words[0].removeprefix("recipe="), to[0] if to else "", overrides, options.flat))
    return 0


def comparing(options: argparse.Namespace) -> int:
    if len(options.words) != 2:
        raise BashGymError("recipes diff: give two of: a recipe, a lock file, a run")
    from bashgym.recipebook import printed
    from bashgym.recipebook.diffed import differences, told

    words = [word.removeprefix("recipe=") for word in options.words]
    found, lines = differences(*words), told(*words)
    printed.differences(found, lines, options.json)
    return 1 if found or lines else 0


def explaining(options: argparse.Namespace) -> int:
    if not options.words:
        raise BashGymError("recipes explain: name a key, such as training.learning_rate")
    from bashgym.recipebook import printed
    from bashgym.recipebook.explained import explained

    key, *words = options.words
    printed.explained(explained(key, recipe_of("explain", words) if words else []), options.json)
    return 0


ACTIONS = {
    "list": listing,
    "show": showing,
    "check": checking,
    "copy": copying,
    "diff": comparing,
    "explain": explaining,
}
