"""One file per verb of the command line, each with `main(arguments) -> exit code`. Heavy imports belong inside."""

import argparse
from typing import Any

from bashgym.errors import BashGymError


class Parser(argparse.ArgumentParser):
    """argparse, with its errors as ours: one line, exit code 2."""

    def error(self, message: str) -> Any:
        raise BashGymError(f"{self.prog.removeprefix('bashgym ')}: {message}; see {self.prog} --help")


def parser(verb: str, about: str) -> Parser:
    return Parser(prog=f"bashgym {verb}", description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
