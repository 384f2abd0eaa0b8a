"""Images of a session: what a trace refers to by hash is found again in the agent's own file, when someone asks.

A trace holds of an image its type, size and SHA-256, never its pixels: they cannot be sanitized, and what goes into the
store or a dataset must not hold them. The bytes stay where the agent (or our archive) keeps them. `find` looks them up
for a page or an export that the user asked for; `write` lays them out as ATIF wants them, `blobs/<sha256>.<ending>`
beside the file that refers to them, each once whatever refers to it."""

import binascii
import hashlib
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

import msgspec

from bashgym import jsonl
from bashgym.reading.blobs import URL_SAFE
from bashgym.reading.files import opened, unreadable
from bashgym.reading.lines import value_of
from bashgym.records import SessionRef
from bashgym.trace import Trace

FOLDER = "blobs"
ENDINGS = {"image/png": "png", "image/jpeg": "jpg", "image/gif": "gif", "image/webp": "webp", "application/pdf": "pdf"}
HEX = frozenset("0123456789abcdef")


class Image(msgspec.Struct, frozen=True):
    """The bytes of an image or document, and what they are known by."""

    sha256: str
    media_type: str
    content: bytes


def find(ref: SessionRef, wanted: Collection[str]) -> Iterator[Image]:
    """The images of `ref` whose SHA-256 is in `wanted`, each once; what is not there any more is left out.

    Reads the session's files until all are found. Raises InputError when a file cannot be read."""
    missing = set(wanted)
    for name in (ref.path, *ref.files):
        if not missing:
            return
        for image in images_in(Path(name)):
            if image.sha256 in missing:
                missing.discard(image.sha256)
                yield image


def images_in(path: Path) -> Iterator[Image]:
    """Every image in the lines of a file, in order."""
    try:
        with opened(path) as file:
            for _, raw, _, fault in jsonl.pieces(file, len):
                if not fault and b"base64" in raw:
                    yield from images_of(value_of(raw))
    except (OSError, EOFError) as error:
        raise unreadable(path, error) from None


def images_of(value: Any) -> Iterator[Image]:
    """What lies in a value as base64: `{type: base64, media_type, data}`, `{base64, type}`, or a data URL."""
    stack = [value]
    while stack:
        node = stack.pop()
        if isinstance(node, list):
            stack += reversed(node)
        elif isinstance(node, dict):
            kind, data = node.get("type"), node.get("data")
            if kind == "base64" and isinstance(data, str):
                yield from image(data, node.get("media_type"))
            elif isinstance(node.get("base64"), str):
                yield from image(node["base64"], node.get("media_type", kind))
            stack += reversed([item for item in node.values() if isinstance(item, (dict, list, str))])
        elif isinstance(node, str) and node.startswith("data:") and ";base64," in node[:100]:
            head, _, body = node.partition(";base64,")
            yield from image(body, head.removeprefix("data:"))


def image(text: str, media_type: Any) -> Iterator[Image]:
    try:
        content = binascii.a2b_base64(text.translate(URL_SAFE))
    except ValueError:
        return  # no base64 after all
    media = media_type if isinstance(media_type, str) and "/" in media_type else "application/octet-stream"
    yield Image(hashlib.sha256(content).hexdigest(), media, content)


def parts(trace: Trace) -> Iterator[dict[str, Any]]:
    """Every part of a message or a result that stands for an image or a document."""
    for step in trace.steps:
        results = step.observation.results if step.observation else []
        for content in (step.message, *(result.content for result in results)):
            for part in content if isinstance(content, list) else ():
                if is_hash(part.get("sha256")):
                    yield part


def is_hash(text: Any) -> bool:
    return isinstance(text, str) and len(text) == 64 and HEX.issuperset(text)


def relative(part: dict[str, Any]) -> str:
    """Where the file of a part lies, from the file that refers to it: `blobs/<sha256>.<ending>`."""
    return f"{FOLDER}/{part['sha256']}.{ENDINGS.get(str(part.get('media_type')), 'bin')}"


def atif(part: dict[str, Any]) -> dict[str, Any]:
    """The part in ATIF's shape, which knows files only: `{type: image, source: {media_type, path}}`."""
    return {"type": "image", "source": {"media_type": part.get("media_type"), "path": relative(part)}}


def write(ref: SessionRef, trace: Trace, folder: Path) -> dict[str, Path]:
    """Writes the images that `trace` refers to under `folder`, as `relative` names them: SHA-256 -> file.

    For whoever asked to have them: these files are not sanitized. What the session's files no longer hold is not in
    the answer. Raises InputError when a file cannot be read."""
    named = {part["sha256"]: folder / relative(part) for part in parts(trace)}
    found = {}
    for one in find(ref, named):
        path = named[one.sha256]
        if not path.exists():
            jsonl.replace(path, one.content)
        found[one.sha256] = path
    return found
