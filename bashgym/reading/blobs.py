"""Base64 is lifted out of what is kept: hash, size and media type stay, the bytes stay in the agent's own file."""

import binascii
import hashlib
import re
from typing import Any

LONG = 4096  # characters; shorter base64 stays where it is
DEEP = 200  # levels; deeper values make JSON writers fail later
BASE64 = re.compile(r"(?:data:[\w.+-]+/[\w.+-]+;base64,)?[A-Za-z0-9+/_-]+={0,2}\Z")


class TooDeep(ValueError):
    """A value nested deeper than any line of the agent's own."""


def digest(text: str) -> dict[str, Any]:
    """`sha256` (hex) and `bytes` of what base64 `text` stands for, `media_type` where it is a data URL that says so;
    of the text itself where it is no base64."""
    head, _, body = text.partition(";base64,") if text.startswith("data:") else ("", "", text)
    try:
        content = binascii.a2b_base64(body.translate(URL_SAFE))
    except ValueError:
        content = text.encode("utf-8", "surrogatepass")
    media = {"media_type": head.removeprefix("data:")} if head else {}
    return {**media, "sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}


def picture(url: Any) -> dict[str, Any]:
    """The image part of a content for a URL; a data URL, whatever its length, becomes type, hash and size."""
    if isinstance(url, dict):  # lifted before
        return {"type": "image", **url}
    if isinstance(url, str) and url.startswith("data:") and ";base64," in url:
        return {"type": "image", **digest(url)}
    return {"type": "image", "url": url}


MARKS = ("base64", "data")
URL_SAFE = str.maketrans("-_", "+/")


def lift_part(part: dict[str, Any]) -> dict[str, Any]:
    """A content part as a step keeps it: an image or document in base64 becomes its type, hash and size."""
    source = part.get("source")
    if not isinstance(source, dict) or source.get("type") != "base64" or not isinstance(source.get("data"), str):
        return part
    rest = {key: value for key, value in part.items() if key != "source"}
    media = source.get("media_type") if isinstance(source.get("media_type"), str) else None
    return {**rest, "media_type": media, **digest(source["data"])}


def lift_long(value: Any, lift: bool = True) -> None:
    """Replaces, inside a dict or list, every base64 string of more than LONG characters by its hash and size, and a
    shorter one that is marked as base64: pixels stay out of what is kept, however few.

    Raises TooDeep; with `lift` False that is all it looks for. The stack is its own: a line may nest deeper
    than Python recurses."""
    stack = [(value, 1)] if isinstance(value, (dict, list)) else []
    while stack:
        node, depth = stack.pop()
        if depth > DEEP:
            raise TooDeep(f"nested more than {DEEP} deep")
        for key, item in node.items() if type(node) is dict else enumerate(node):
            kind = type(item)
            if kind is str:
                if lift and (len(item) > LONG or (key in MARKS and is_marked(node, key))) and BASE64.match(item):
                    node[key] = digest(item)
            elif kind is dict or kind is list:
                stack.append((item, depth + 1))


def is_marked(node: Any, key: Any) -> bool:
    """Whether the text at `key` is said to be base64: `{base64: ...}`, or `{type: base64, data: ...}`."""
    return key == "base64" or (key == "data" and node.get("type") == "base64")
