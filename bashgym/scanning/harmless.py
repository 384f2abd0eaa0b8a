"""Tokens that are random by nature and secret to nobody: ids, checksums, addresses, paths."""

import re
from functools import lru_cache

from bashgym.scanning.secret_values import HEX, filler, placeholder

KINDS_OF_LETTERS = re.compile(r"(?=[^A-Z]*[A-Z])(?=[^a-z]*[a-z])[^0-9]*[0-9].*")
PUBLIC_ID = re.compile(
    r"[A-Z]{1,6}_[kl][wgA]D[OM][A-Za-z0-9_-]{4,64}"  # GitHub's node ids
    r"|(?:(?:agent_)?msg|toolu|srvtoolu|req|call|chatcmpl|resp|rs|fc|gen|run|thread|asst|step|batch|file|session|agent|task|prt|ses)[_-][A-Za-z0-9]{12,64}"
)
CHECKSUM = re.compile(r"(?:sha(?:1|224|256|384|512)|md5|h1|integrity)[-:=][A-Za-z0-9+/=]{0,128}$", re.I)
HASHED = re.compile(r"(?:sha(?:1|224|256|384|512)|md5)[-=]", re.I)
ADDRESS = re.compile(r"[0-9a-fA-FxX.:=_,-]+U?L{0,2}|[ACGTUN]+|(?:[A-Za-z0-9_]{0,24}=)?[0-9a-fA-F-]+")


@lru_cache(4096)
def harmless(value: str) -> bool:
    """Random by nature and secret to nobody: hexadecimal, ids of messages, checksums, alphabets, placeholders."""
    if ADDRESS.fullmatch(value) or PUBLIC_ID.fullmatch(value):
        return not (len(value) >= 32 and HEX.fullmatch(value) and not (value.islower() or value.isupper()))
    return bool(HASHED.match(value)) or filler(value) or placeholder(value)


def checksum(before: str) -> bool:
    """Whether what stands before a token says that it is a checksum."""
    low = before.lower()
    return any(mark in low for mark in ("sha", "md5", "h1", "integrity")) and bool(CHECKSUM.search(before))


def path_like(value: str) -> bool:
    """No Base64 but a path or a URL, which its alphabet tells, or a slash where one begins (by chance in long runs)."""
    if len(value) < 64 and (value.islower() or value.isupper() or not KINDS_OF_LETTERS.fullmatch(value)):
        return True
    return "-" in value or "_" in value or (len(value) < 128 and (value[0] == "/" or "//" in value))
