"""What conf/commands.yaml says of programs, places and code."""

import re
from functools import cache

from pydantic import Field

from bashgym import paths, yamls
from bashgym.config import Config, validate

FILE = "commands.yaml"


class Rule(Config):
    """A command that matches is destructive."""

    name: str
    """What it is a case of: disk, power, history, cloud ..."""
    reason: str
    """What it does, as the end of "it ..."."""
    programs: list[str]
    """Names of programs; * is any text."""
    words: tuple[str, ...] = ()
    """Words that must stand in this order among those that are no options."""
    flags: tuple[str, ...] = ()
    """Options that must all be there, each in any of the spellings that | divides."""
    unless: tuple[str, ...] = ()
    """Options of which none may be there."""
    text: re.Pattern[str] | None = None
    """An expression to be found in the command's words, and in what is fed to it."""


class Wrapper(Config):
    """How a program that starts another one names it."""

    values: tuple[str, ...] = ()
    """Options that take the next word."""
    words: int = 0
    """Words of its own before the other program's."""
    assignments: bool = False
    """NAME=value may stand before the other program."""
    text: tuple[str, ...] = ()
    """Options whose value is a command for a shell."""
    trailing: bool = False
    """Those options may stand behind its own words; there is no other program."""
    joined: bool = False
    """The rest is one text for a shell."""
    fed: bool = False
    """Words that it reads are added to the command."""
    looks: tuple[str, ...] = ()
    """Options with which it starts nothing."""


class Places(Config):
    deep: list[str]
    """Folders that are the system's with all below them."""
    writable: list[str]
    """Places in those where it is usual to write."""
    temporary: list[str]
    """Folders whose content is made to be deleted."""
    homes: list[str]
    """Folders of homes."""
    precious: list[str]
    """Names in a home that are worth protecting with all below them."""
    startup: list[str]
    """Files in a home that a shell runs when it starts."""
    folders: list[str]
    """A user's folders of documents."""


class Code(Config):
    runs: re.Pattern[str]
    """What starts a command."""
    deletes: re.Pattern[str]
    """What deletes files."""
    hides: re.Pattern[str]
    """What makes code out of text."""


class Knowledge(Config):
    rules: list[Rule]
    """What is destructive by its words."""
    wrappers: dict[str, Wrapper]
    """Programs that start others."""
    shells: list[str] = Field(min_length=1)
    """Programs that run the text they are given."""
    interpreters: dict[str, str]
    """Programs that run code -> the letters of the option it is given with; none: the first word is code."""
    downloaders: list[str]
    """Programs that print what another machine sends."""
    decoders: list[str]
    """Programs that make one text of another."""
    trusted_output: list[str]
    """Programs whose output is made to be evaluated."""
    places: Places
    """Where what lies."""
    code: Code
    """What to look for in code."""


@cache
def load() -> Knowledge:
    """Raises RecipeError where the file is not what it should be."""
    content = yamls.load((paths.shipped("conf") / FILE).read_bytes())
    return validate(Knowledge, content, FILE)
