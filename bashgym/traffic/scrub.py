"""Credentials, dropped before anything else sees a request: headers are kept by a short list of names, and what the
others held is taken out of the rest of the line as well.

Importers see real keys here: an old version of claude-trace wrote whole bearer tokens into its logs."""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from bashgym import jsonl
from bashgym.reading.files import opened

KEPT_HEADERS = frozenset(
    "content-type user-agent anthropic-version anthropic-beta request-id x-request-id retry-after x-app".split()  # noqa: SIM905
)
# header names whose values are looked for everywhere else; what they end in also names keys of other objects
SECRET = re.compile(r"auth|cookie|token|secret|passw|credential|session|api[-_]?key|organi[sz]ation|account", re.I)
NAMED = re.compile(
    rb'"(?:proxy-)?authorization"\s*:\s*\[?\s*"([^"\\]{0,4096})|"[\w-]*(?:api-key|cookie|auth-token|access-token|secret)"'
    rb'\s*:\s*\[?\s*"([^"\\]{0,4096})',
    re.I,
)
BODY = frozenset({"metadata", "user", "safety_identifier", "prompt_cache_key"})  # who asks, in a request's body
SHORT = 12  # characters; a shorter value is no credential, and taking it out would damage words
MANY = 200  # values of one file that are looked for in every line
REMOVED = b"[credential removed]"


def secrets_in(path: Path) -> list[bytes]:
    """The values of credentials' headers anywhere in a file of lines, also where a line is torn. Raises OSError."""
    found: dict[bytes, None] = {}
    with opened(path) as file:
        for piece in jsonl.pieces(file, lambda _: None):
            for match in NAMED.finditer(piece.raw):
                found.update(dict.fromkeys(values(match.group(1) or match.group(2) or b"")))
            if len(found) > MANY:
                break
    return list(found)


def values(header: bytes) -> Iterator[bytes]:
    """The credentials in a header: the token of `Bearer TOKEN`, the value of each cookie."""
    for word in re.split(rb"[\s;,]+", header):
        value = word.partition(b"=")[2] if b"=" in word.rstrip(b"=") else word
        if len(value) >= SHORT:
            yield value


def cleaned(raw: bytes, secrets: Iterable[bytes]) -> bytes:
    """The line with each of `secrets` taken out."""
    for secret in secrets:
        if secret in raw:
            raw = raw.replace(secret, REMOVED)
    return raw


def headers(given: Any) -> dict[str, str]:
    """Headers by name in small letters, those of KEPT_HEADERS alone; from an object, or from a list as HAR has it."""
    pairs = given.items() if isinstance(given, dict) else listed(given)
    found = {}
    for name, value in pairs:
        text = value[0] if isinstance(value, list) and value else value
        if isinstance(name, str) and name.lower() in KEPT_HEADERS and isinstance(text, str):
            found[name.lower()] = text
    return found


def listed(given: Any) -> Iterator[tuple[Any, Any]]:
    for one in given if isinstance(given, list) else []:
        if isinstance(one, dict):
            yield one.get("name"), one.get("value")
        elif isinstance(one, list) and len(one) == 2:
            yield one[0], one[1]


def address(url: Any) -> str:
    """A URL without user, query and fragment, which may hold keys."""
    if not isinstance(url, str):
        return ""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return ""
    scheme = f"{parts.scheme}://" if parts.scheme else ""
    return f"{scheme}{host}{port}{parts.path}"


def without_secrets(value: Any) -> Any:
    """A value of unknown shape without what its keys call a credential, at any depth. Raises RecursionError."""
    if isinstance(value, dict):
        return {key: without_secrets(item) for key, item in value.items() if not SECRET.search(str(key))}
    return [without_secrets(item) for item in value] if isinstance(value, list) else value
