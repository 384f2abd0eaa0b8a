"""The forms in which a value may stand in a file: as it is, escaped, in Base64, in hexadecimal, in a URL."""

import base64
import json
from collections.abc import Iterator
from typing import NamedTuple
from urllib.parse import quote, quote_plus

SHORTEST_BASE64 = 10  # characters of it: fewer say too little to be no accident
PIECE = 16  # characters of a line of a value of several lines, from which on it is looked for by itself
URL_SAFE = bytes.maketrans(b"+/", b"-_")


class Form(NamedTuple):
    """Bytes that give `value` away; `whole` says that they must stand as a whole word (as plain text must)."""

    data: bytes
    name: str
    whole: bool


def forms(value: str) -> Iterator[Form]:
    """Every form of `value`, without repeats, the plain one first."""
    seen: set[bytes] = set()
    for form in every(value):
        if form.data and form.data not in seen:
            seen.add(form.data)
            yield form


def every(value: str) -> Iterator[Form]:
    yield Form(encoded(value), "plain", True)
    for text in escaped(value):
        yield Form(encoded(text), "escaped", True)
    for text in (quote(value, safe="", errors="replace"), quote_plus(value, errors="replace"), percent(value)):
        yield Form(text.encode(), "url", True)
    yield from coded(encoded(value))
    lines = value.splitlines()
    if len(lines) > 1:
        for line in lines:
            if len(line.strip()) >= PIECE:
                yield Form(encoded(line.strip()), "line", True)


def encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def escaped(value: str) -> Iterator[str]:
    """As JSON writes it, and as JSON inside a string of JSON writes it, with and without \\u escapes."""
    for ascii_only in (False, True):
        once = json.dumps(value, ensure_ascii=ascii_only)[1:-1]
        yield once
        yield json.dumps(once, ensure_ascii=ascii_only)[1:-1]


def percent(value: str) -> str:
    """As in a URL, with small letters in its escapes."""
    first, *rest = quote(value, safe="", errors="replace").split("%")
    return "%".join([first, *(part[:2].lower() + part[2:] for part in rest)])


def coded(data: bytes) -> Iterator[Form]:
    """Base64 at its three alignments (less the characters its neighbours have a part in), both alphabets; and hex."""
    for shift in range(3):
        code = base64.b64encode(b"\0" * shift + data)
        sure = code[-(-shift * 8 // 6) : (shift + len(data)) * 8 // 6]
        if len(sure) >= SHORTEST_BASE64:
            yield Form(sure, "base64", False)
            yield Form(sure.translate(URL_SAFE), "base64", False)
    if len(data) >= SHORTEST_BASE64 // 2:
        yield Form(data.hex().encode(), "hex", False)
        yield Form(data.hex().upper().encode(), "hex", False)
