"""What a user said he wanted gone, forced or thrown away: a command that does it is his own."""

import re
from collections.abc import Iterable

DESTROY = re.compile(
    r"\b(?:tear\s+\w*\s*down|destroy|delete|wipe|drop|remove|purge|get\s+rid\s+of|throw\s+away|clean\s+up)\b",
    re.IGNORECASE,
)
FORCED = re.compile(r"force|--hard|cascade|truncat\w*|drop\b|delete\b|overwrit\w*|reset\b|\s-f\b", re.IGNORECASE)
WISHED = re.compile(FORCED.pattern + r"|\b(?:kill|hard|empty|clear|recreate|restart|start\s+over)\b", re.IGNORECASE)
OBJECT = re.compile(r"\b(?=\w*[-_\d])[A-Za-z][\w-]*[-_][\w-]{2,}\b")  # names of things: sandbox-lena, tmp_orders


def of_his(lately: Iterable[str], asked: str) -> bool:
    """Whether the user wanted something destroyed, and the last commands name that very thing."""
    return bool(DESTROY.search(asked)) and any(name in line for name in OBJECT.findall(asked) for line in lately)


def meant(command: str, asked: str) -> bool:
    """Whether what is forced about a command was wished, or what it is done to was named."""
    if not FORCED.search(command) or DESTROY.search(asked) or WISHED.search(asked):
        return True
    return any(name in command and not name.isupper() for name in OBJECT.findall(asked))
