"""`pack.yaml`, which a pack may have: its one line about itself, and which BashGym it needs."""

from collections.abc import Mapping

from packaging.specifiers import InvalidSpecifier, SpecifierSet

from bashgym import __version__, yamls
from bashgym.errors import InputError, did_you_mean

FILE = "pack.yaml"
KEYS = {"name", "description", "bashgym"}


def check(files: Mapping[str, bytes], where: str) -> dict[str, str]:
    """What pack.yaml says. Raises InputError where it asks for another BashGym than this one."""
    content = yamls.load(files.get(FILE, b"")) or {}
    for key, value in content.items():
        if key not in KEYS:
            raise InputError(f"{where}: {FILE}: {key}: no such key{did_you_mean(str(key), KEYS)}")
        if not isinstance(value, str):
            raise InputError(f"{where}: {FILE}: {key}: text is needed, got {value!r}; quote it")
    wanted = content.get("bashgym", "")
    try:
        fits = __version__ in SpecifierSet(wanted, prereleases=True)
    except InvalidSpecifier:
        raise InputError(f"{where}: {FILE}: bashgym: '{wanted}' is no range of versions; write '>=0.1'") from None
    if not fits:
        raise InputError(f"{where}: it needs bashgym {wanted}, and this is {__version__}; install that one")
    return content
