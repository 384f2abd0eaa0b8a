"""One file per verb of the command line, each with `main(arguments) -> exit code`. Heavy imports belong inside."""

import argparse
from typing import Any

from bashgym.errors import BashGymError, did_you_mean

LACKING = "the following arguments are required: "  # argparse's own words
DESCRIBE = "--describe-yourself"  # asked by shell completion, which reads the parser a verb makes


class Described(Exception):
    """A verb's parser, in place of the verb's work."""

    def __init__(self, parser: argparse.ArgumentParser) -> None:
        self.parser = parser


class Parser(argparse.ArgumentParser):
    """argparse, with its errors as ours: one line, exit code 2."""

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        if args == [DESCRIBE]:
            raise Described(self)
        return super().parse_known_args(args, namespace)

    def error(self, message: str) -> Any:
        if message.startswith(LACKING):
            first = message.removeprefix(LACKING).partition(", ")[0]
            known = next((one.choices for one in self._actions if first == one.dest and one.choices), None)
            message = f"say which: {', '.join(map(str, known))}" if known else f"{first} is missing"
        raise BashGymError(f"{self.prog.removeprefix('bashgym ')}: {message}; see {self.prog} --help")

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if action.choices is not None and value not in action.choices:
            option = f" {action.option_strings[0]}" if action.option_strings else ""
            verb = self.prog.removeprefix("bashgym ")
            raise BashGymError(f"{verb}{option} {value}: no such choice{did_you_mean(value, map(str, action.choices))}")


def no_more(verb: str, action: str, *words: str | None) -> None:
    """Raises BashGymError where an action is given words that it has no use for."""
    if extra := next(filter(None, words), None):
        raise BashGymError(f"{verb} {action}: takes no {extra!r}; see bashgym {verb} --help")


def parser(verb: str, about: str) -> Parser:
    return Parser(prog=f"bashgym {verb}", description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
