"""What a user may see when something is wrong: what, where, and the way out, in one line."""

import difflib
from collections.abc import Iterable

SHOWN = 40  # names of a list: a line that fills the screen helps nobody


class BashGymError(Exception):
    """Base of every error that is meant for the user's eyes; `exit_code` is what the program ends with."""

    exit_code = 2


class RecipeError(BashGymError):
    """A recipe, an override or a preset cannot mean what it says."""


class PluginError(BashGymError):
    """A plugin is missing, broken, or not what its kind demands."""


class InputError(BashGymError):
    """A file or folder the user named cannot be used."""


class MissingPackage(BashGymError):
    """An optional package is needed and absent."""

    def __init__(self, package: str, extra: str) -> None:
        super().__init__(f"{package} is not installed; install it with: pip install 'bashgym[{extra}]'")


class PrivacyError(BashGymError):
    """Something could not be sanitized, so nothing may go on (law 5)."""

    exit_code = 3


class RunFailed(BashGymError):
    """The recipe is fine and the work failed; the message says where the log is."""

    exit_code = 1


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`; did you mean 'x'?` for the nearest of `known`, else the list of them (SHOWN at most), else nothing."""
    names = sorted(set(known))
    near = difflib.get_close_matches(word, names, n=1, cutoff=0.6)
    if near:
        return f"; did you mean '{near[0]}'?"
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return f"; known: {', '.join(names[:SHOWN])}{more}" if names else ""
