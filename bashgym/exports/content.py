"""The content of a ChatGPT message as parts: text as text, all else by its type, with what it refers to."""

from typing import Any

TYPES = {
    "image_asset_pointer": "image",
    "audio_asset_pointer": "audio",
    "real_time_user_audio_video_asset_pointer": "audio",
}
TEXTS = ("text", "result", "content", "model_set_context")  # where kinds of content keep their words, the first wins


def parts_of(content: dict[str, Any]) -> list[dict[str, Any]]:
    """The parts of a message, in order; empty where it says nothing."""
    parts = content.get("parts")
    if isinstance(parts, list):
        return [part_of(part) for part in parts if part != ""] or [{"type": "text", "text": ""}]
    text = plain_of(content)
    known = {"content_type", "language", "response_format_name", "text"}
    rest = {key: value for key, value in content.items() if key not in known and value not in (None, "", [], {})}
    plain = [{"type": "text", "text": text}] if text or not rest else []
    return [*plain, {"type": str(content.get("content_type")), **rest}] if rest else plain


def part_of(part: Any) -> dict[str, Any]:
    """One part: a reference keeps all its fields, a transcript is what was said."""
    if isinstance(part, str):
        return {"type": "text", "text": part}
    if not isinstance(part, dict):
        return {"type": "unknown", "value": part}
    kind = str(part.get("content_type") or part.get("type") or "unknown")
    if kind == "audio_transcription" and isinstance(part.get("text"), str):
        return {"type": "text", "text": part["text"]}
    return {**part, "type": TYPES.get(kind, kind)}


def plain_of(content: dict[str, Any]) -> str:
    """The words of any kind of content."""
    parts = content.get("parts")
    if isinstance(parts, list):
        return "\n".join(part for part in parts if isinstance(part, str))
    thoughts = content.get("thoughts")
    if isinstance(thoughts, list):
        return "\n\n".join(filter(None, (thought(one) for one in thoughts)))
    return next((content[key] for key in TEXTS if isinstance(content.get(key), str)), "")


def thought(value: Any) -> str:
    """One thought: its summary as a heading, then what was thought."""
    if not isinstance(value, dict):
        return value if isinstance(value, str) else ""
    words = [value.get("summary"), value.get("content")]
    return "\n".join(word for word in words if isinstance(word, str) and word)
