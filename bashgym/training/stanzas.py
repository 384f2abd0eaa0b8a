"""How Axolotl reads rows of each schema, where the format does not say otherwise."""

from typing import Any

CHAT: dict[str, Any] = {
    "ds_type": "json",
    "type": "chat_template",
    "field_messages": "messages",
    "field_tools": "tools",
    "message_field_training": "train",
    "roles_to_train": ["assistant"],
    "train_on_eos": "turn",
    # without these Axolotl drops tool calls in silence
    "message_property_mappings": {
        name: name for name in ("role", "content", "reasoning_content", "tool_calls", "tool_call_id", "name")
    },
}
BY_SCHEMA: dict[str, dict[str, Any]] = {"chat": CHAT}
