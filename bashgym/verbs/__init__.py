"""One file per verb of the command line, each with `main(arguments) -> exit code`. Heavy imports belong inside."""

import argparse
from typing import Any

from bashgym.errors import BashGymError

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
        raise BashGymError(f"{self.prog.removeprefix('bashgym ')}: {message}; see {self.prog} --help")


def parser(verb: str, about: str) -> Parser:
    return Parser(prog=f"bashgym {verb}", description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
