"""The pseudonym key and what is made with it: `EMAIL_k7f3q2vax4bm`, the same for the same value in every session.

A pseudonym is TYPE, `_`, ten characters of keyed hash (50 bits: among a million values of one type two share a
pseudonym with probability 0.0005) and two check characters over those ten, all of [A-Za-z0-9_], so that it is valid
as an identifier, in a JSON string, in a path and in a host name. The check characters are what lets a sanitizer
know a pseudonym from a value that only looks like one."""

import hashlib
import os
import re
import secrets
import tempfile
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from bashgym.errors import PrivacyError
from bashgym.paths import home

KEY_BYTES = 32
BODY = 10
CHECK = 2
LONGEST_TYPE = 40
PSEUDONYM = re.compile(rf"_(?<=[A-Z0-9]_)([a-z2-7]{{{BODY}}})([a-z2-7]{{{CHECK}}})")
TYPE = re.compile(rf"[A-Z](?:[A-Z0-9_]{{0,{LONGEST_TYPE - 2}}}[A-Z0-9])?")
PAIRS = tuple(a + b for a in "abcdefghijklmnopqrstuvwxyz234567" for b in "abcdefghijklmnopqrstuvwxyz234567")
UPPER = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")


def load_key() -> bytes:
    """The key in `$BASHGYM_HOME/keys/pseudonym.key`, made at first use; workers that race all get the same one.

    Raises PrivacyError when the file is not a key: made anew, it would break every pseudonym given before."""
    path = home() / "keys" / "pseudonym.key"
    if not path.exists():
        create(path)
    key = path.read_bytes()
    if len(key) != KEY_BYTES:
        raise PrivacyError(f"{path}: {len(key)} bytes where {KEY_BYTES} are needed; put the backup back or remove it")
    if os.name == "posix" and path.stat().st_mode & 0o077:
        path.chmod(0o600)
    return key


def create(path: Path) -> None:
    """A new key at `path`, whole or not at all; a key that another process put there first stays."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # 0600
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_bytes(KEY_BYTES))
            file.flush()
            os.fsync(file.fileno())
        os.link(name, path)
    except FileExistsError:
        pass  # another worker was first: its key is the key
    finally:
        Path(name).unlink()


def key_id(key: bytes) -> str:
    """What tells two keys apart without telling the key: 12 hex digits, part of the cache key of a session."""
    return digest(key, "", "key id")[:12]


def known(type: str, value: str) -> str:
    """`TYPE digest` of a value that this machine knows, in whatever case: two machines with the same key can tell
    whether they know the same."""
    return f"{type} {digest(load_key(), f'{type} {value.lower()}', 'known')}"


def digest(key: bytes, text: str, use: str = "digest") -> str:
    """32 hex digits of BLAKE2s keyed with `key`; `use` keeps digests for different purposes apart."""
    data = text.encode("utf-8", "surrogatepass")
    return hashlib.blake2s(data, key=key, digest_size=16, person=use.encode()[:8]).hexdigest()


def pseudonym(key: bytes, type: str, value: str) -> str:
    """The name that stands for `value` from now on; raises ValueError when `type` is not like API_KEY."""
    if not TYPE.fullmatch(type):
        raise ValueError(f"{type!r} is no type of a pseudonym: capitals, digits and _, {LONGEST_TYPE} at most")
    data = f"{type}|{value}".encode("utf-8", "surrogatepass")
    body = base32(hashlib.blake2s(data, key=key).digest())
    return f"{type}_{body}{check(body)}"


@lru_cache(65536)  # a text full of pseudonyms is looked through several times
def check(body: str) -> str:
    """The check characters of a body: 10 bits, without the key, so that another machine's are known too."""
    data = hashlib.blake2s(body.encode(), digest_size=5, person=b"check").digest()
    return PAIRS[int.from_bytes(data[:2], "big") >> 6]


def base32(data: bytes) -> str:
    """The first BODY letters of `data` in Base32; the standard library takes ten times as long."""
    bits = int.from_bytes(data[:7], "big") >> 6
    first, second, third = PAIRS[bits >> 40], PAIRS[bits >> 30 & 1023], PAIRS[bits >> 20 & 1023]
    return f"{first}{second}{third}{PAIRS[bits >> 10 & 1023]}{PAIRS[bits & 1023]}"


def pseudonyms(text: str) -> Iterator[tuple[int, int]]:
    """Where pseudonyms stand in `text`, in order; capitals glued before one count as its type."""
    at = 0
    for match in PSEUDONYM.finditer(text):
        if check(match[1]) == match[2]:
            start = match.start()
            earliest = max(at, start - LONGEST_TYPE)
            while start > earliest and text[start - 1] in UPPER:
                start -= 1
            at = match.end()
            yield start, at
