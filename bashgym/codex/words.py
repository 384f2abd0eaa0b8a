"""Messages: whose words they are, and their content as a step keeps it."""

import re
from typing import Any

from bashgym.reading import blobs
from bashgym.reading.conversation import Content
from bashgym.reading.values import at, record, text
from bashgym.trace import StepKind

TEXTS = frozenset({"input_text", "output_text", "text", "Text", "inputText", "summary_text", "reasoning_text"})
INJECTED = re.compile(  # what Codex writes in the user's name
    r"\s*(?:# AGENTS\.md instructions|<(environment_context|user_instructions|permissions|permissions instructions"
    r"|skills?|apps?_instructions|plugins?|collaboration_mode|model_switch|personality|personality_spec|memory|hook_prompt"
    r"|subagent_notification|turn_aborted|user_shell_command|INSTRUCTIONS|image|context_window_guidance)\b)"
)
KINDS: dict[str, StepKind] = {
    "turn_aborted": "interrupt",
    "user_shell_command": "bash",
    "subagent_notification": "task_notification",
    "image": "human",  # the label before a picture that the user gave
}


def content(value: Any) -> Content:
    """Text, or parts of type text and image; a part of another type stays as it is."""
    if isinstance(value, str):
        return value
    if isinstance(value, dict):
        inner = value.get("content", value.get("content_items"))
        return content(inner if isinstance(inner, (str, list)) else [value])
    return [part(one) for one in value] if isinstance(value, list) else ""


def part(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        return {"type": "text", "text": value} if isinstance(value, str) else {"type": "other", "value": value}
    kind = text(value, "type")
    if kind in TEXTS and isinstance(value.get("text"), str):
        return {"type": "text", "text": value["text"]}
    if kind in ("input_image", "image", "inputImage") and "data" not in value:
        return blobs.picture(value.get("image_url", value.get("imageUrl", value.get("url"))))
    return value


def kind_of(payload: dict[str, Any], words: str) -> StepKind:
    """Whether a message of the role user is a person's, or something the client put there."""
    found = INJECTED.match(words)
    if found:
        return KINDS.get(found[1] or "", "meta")
    kinds = at(record(payload, "internal_chat_message_metadata_passthrough"), "content_item_kinds")
    if isinstance(kinds, list) and kinds and not any(str(kind).startswith(("user", "unknown")) for kind in kinds):
        return "meta"
    return "human"
