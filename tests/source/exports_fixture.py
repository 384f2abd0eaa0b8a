"""Chats as the exports of ChatGPT and Claude.ai hold them.

Built from the schema: the one real file at hand is ChatGPT's, and it has neither branches, thoughts, pictures nor
ratings; of Claude.ai no real file was at hand."""

from typing import Any

TIME = 1_760_000_000.25  # 2025-10-09T08:53:20.250Z


class Tree:
    """A ChatGPT conversation while it is made: `add` below a node returns the new node's key."""

    def __init__(self, name: str = "chat-1") -> None:
        self.name = name
        self.mapping: dict[str, Any] = {"root": {"id": "root", "message": None, "parent": None, "children": []}}

    def add(self, above: str, role: str, content: Any, *, key: str = "", **message: Any) -> str:
        key = key or f"node-{len(self.mapping)}"
        if isinstance(content, str):
            content = {"content_type": "text", "parts": [content]}
        author = {"role": role, "name": message.pop("name", None), "metadata": {}}
        said = {"id": f"m-{key}", "author": author, "create_time": TIME + len(self.mapping), "content": content}
        defaults = {"status": "finished_successfully", "end_turn": None, "weight": 1.0, "metadata": {}}
        rest = {**defaults, "recipient": "all", "channel": None, **message}
        self.mapping[key] = {"id": key, "message": {**said, **rest}, "parent": above, "children": []}
        if above in self.mapping:
            self.mapping[above]["children"].append(key)
        return key

    def done(self, current: str, **more: Any) -> dict[str, Any]:
        head = {"title": "A chat", "create_time": TIME, "update_time": TIME + 60, "mapping": self.mapping}
        ids = {"current_node": current, "conversation_id": self.name, "id": self.name}
        return {**head, **ids, "default_model_slug": "gpt-5", "user_id": "user-canary", **more}


def everything() -> dict[str, Any]:
    """A chat with each kind of node: hidden ones, thoughts, a call that fails, a picture, an edit, two answers."""
    tree = Tree()
    hidden = {"is_visually_hidden_from_conversation": True}
    top = tree.add("root", "system", "", weight=0.0)
    top = tree.add(top, "user", {"content_type": "user_editable_context", "user_profile": "I am"}, metadata=hidden)
    first = tree.add(top, "user", "What is 2+2?", key="ask")
    tree.add(first, "assistant", "Five.", key="worse", end_turn=True, metadata={"model_slug": "gpt-4o"})
    thinking = {"content_type": "thoughts", "thoughts": [{"summary": "Adding", "content": "2 and 2", "chunks": []}]}
    model = {"model_slug": "o3"}
    node = tree.add(first, "assistant", thinking, key="thoughts", metadata=model)
    recap = {"content_type": "reasoning_recap", "content": "Thought for 2s"}
    node = tree.add(node, "assistant", recap, key="recap", metadata=model)
    node = tree.add(node, "assistant", "Let me compute.", key="text", end_turn=False, metadata=model)
    code = {"content_type": "code", "language": "python", "text": "2+2"}
    node = tree.add(node, "assistant", code, key="call", recipient="python", metadata=model)
    failed = {"aggregate_result": {"status": "failed_with_in_kernel_exception", "run_id": "r"}}
    output = {"content_type": "execution_output", "text": "NameError"}
    node = tree.add(node, "tool", output, key="output", name="python", metadata=failed)
    query = {"content_type": "code", "language": "json", "text": '{"query": "sum"}'}
    node = tree.add(node, "assistant", query, key="search", recipient="web.run", metadata={**model, **hidden})
    quote = {"content_type": "tether_quote", "url": "https://x.example", "domain": "x", "text": "4", "title": "Sums"}
    node = tree.add(node, "tool", quote, key="quote", name="web.run")
    node = tree.add(
        node, "tool", {"content_type": "system_error", "name": "x", "text": "late"}, key="more", name="web.run"
    )
    node = tree.add(node, "assistant", "Four.", key="better", end_turn=True, metadata=model)
    picture = {"content_type": "image_asset_pointer", "asset_pointer": "file-service://file-1", "width": 8, "height": 9}
    speech = {"content_type": "audio_transcription", "text": "and this?", "direction": "in"}
    parts = {"content_type": "multimodal_text", "parts": [picture, "Look:", speech]}
    second = tree.add(node, "user", parts, key="picture")
    tree.add(node, "user", "Never mind.", key="edited")
    last = tree.add(second, "assistant", "A cat.", key="cat", end_turn=True, metadata=model)
    return tree.done(last)


RATINGS = [
    {
        "message_id": "m-better",
        "conversation_id": "chat-1",
        "user_id": "user-canary",
        "rating": "thumbsUp",
        "content": "{}",
    },
    {"id": "m-worse", "conversation_id": "chat-1", "rating": "thumbs_down", "create_time": "2025-10-09T09:00:00Z"},
    {"id": "m-gone", "conversation_id": "chat-gone", "rating": "thumbs_down"},
]


def claude_chat(**more: Any) -> dict[str, Any]:
    """A Claude.ai chat: thinking, two calls in one message, a failure, an attachment, a file."""
    asked = {
        "uuid": "u1", "text": "Read this.", "sender": "human", "created_at": "2025-10-09T08:00:00.000000Z",
        "updated_at": "2025-10-09T08:00:00Z", "content": [{"type": "text", "text": "Read this.", "citations": []}],
        "attachments": [{"file_name": "a.txt", "file_size": 5, "file_type": "txt", "extracted_content": "hello"}],
        "files": [{"file_name": "cat.png"}],
    }  # fmt: skip
    blocks = [
        {"type": "thinking", "thinking": "A file.", "summaries": [{"summary": "Looking"}], "cut_off": False},
        {"type": "text", "text": "Running it.", "citations": [{"uuid": "c", "url": "https://x.example"}]},
        {"type": "tool_use", "id": "t1", "name": "repl", "input": {"code": "1"}, "integration_name": "Analysis"},
        {"type": "tool_use", "name": "repl", "input": {"code": "2"}},
        {"type": "tool_result", "tool_use_id": "t1", "name": "repl", "content": [{"type": "text", "text": "one"}]},
        {"type": "tool_result", "name": "repl", "content": "boom", "is_error": True},
        {"type": "text", "text": "It failed.", "start_timestamp": "2025-10-09T08:00:09Z"},
        {"type": "token_budget"},
    ]
    answer = {
        "uuid": "a1", "text": "", "sender": "assistant", "created_at": "2025-10-09T08:00:05.000000Z", "content": blocks,
        "attachments": [], "files": [],
    }  # fmt: skip
    thanks = {"uuid": "u2", "text": "Thanks.", "sender": "human", "created_at": "2025-10-09T08:01:00Z", "content": []}
    welcome = {"uuid": "a2", "text": "You are welcome.", "sender": "assistant", "created_at": "2025-10-09T08:01:05Z"}
    head = {"uuid": "chat-a", "name": "Reading", "created_at": "2025-10-09T08:00:00Z", "updated_at": "x"}
    return {**head, "account": {"uuid": "account-canary"}, "chat_messages": [asked, answer, thanks, welcome], **more}
