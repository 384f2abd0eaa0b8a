"""Content parts: ATIF knows text, and images and audio as references to files; ours may be any object.

A part that ATIF does not know becomes text that holds it as JSON, so that no reader loses it."""

from typing import Any

from bashgym import jsonl
from bashgym.reading import images

IMAGES = frozenset(f"image/{kind}" for kind in ("jpeg", "png", "gif", "webp"))
AUDIO = frozenset(f"audio/{kind}" for kind in ("wav", "mpeg", "mp4", "aac", "ogg", "flac", "webm", "aiff"))


def strict(content: Any) -> tuple[Any, dict[str, Any]]:
    """Content by ATIF's rules, and for each part that had to change, by its index, the way back."""
    if not isinstance(content, list):
        return content, {}
    pairs = [part(one) for one in content]
    return [made for made, _ in pairs], {str(at): back for at, (_, back) in enumerate(pairs) if back}


def restored(content: Any, back: Any) -> Any:
    """What `strict` was given. A part that was changed since is left as it is."""
    if not isinstance(content, list) or not isinstance(back, dict):
        return content
    return [original(one, back.get(str(at))) for at, one in enumerate(content)]


def part(one: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """One part by the rules, and the way back: `more` keys, the whole part it `was`, or the JSON in its `text`."""
    kind, text = one.get("type"), one.get("text")
    if kind == "text" and isinstance(text, str):
        more = {key: value for key, value in one.items() if key not in ("type", "text")}
        return {"type": "text", "text": text}, {"more": more} if more else {}
    if is_reference(one):
        return one, {}
    media, digest = one.get("media_type"), one.get("sha256")
    if kind == "image" and isinstance(media, str) and media in IMAGES and isinstance(digest, str):
        return images.atif(one), {"was": one}
    return {"type": "text", "text": jsonl.dumps(one).decode()}, {"json": True}


def original(one: Any, back: Any) -> Any:
    if not isinstance(back, dict) or not isinstance(one, dict):
        return one
    if isinstance(back.get("more"), dict):
        return {**one, **back["more"]}
    if isinstance(back.get("was"), dict):
        return back["was"]
    if not back.get("json") or not isinstance(one.get("text"), str):
        return one
    try:
        value = jsonl.parse(one["text"].encode("utf-8", "surrogatepass"))
    except ValueError:
        return one
    return value if isinstance(value, dict) else one


def is_reference(one: dict[str, Any]) -> bool:
    """Whether a part names an image or audio file the way ATIF does."""
    source = one.get("source")
    if set(one) != {"type", "source"} or not isinstance(source, dict) or not isinstance(source.get("path"), str):
        return False
    media, more = source.get("media_type"), set(source) - {"media_type", "path"}
    if one["type"] == "image":
        return isinstance(media, str) and media in IMAGES and not more
    length = source.get("duration_sec")
    fine = length is None or (isinstance(length, (int, float)) and not isinstance(length, bool) and length >= 0)
    return one["type"] == "audio" and isinstance(media, str) and media in AUDIO and more <= {"duration_sec"} and fine
