"""A node of a ChatGPT conversation: what it is, and what it says beside its words."""

from typing import Any

import msgspec

from bashgym import jsonl
from bashgym.exports.content import plain_of


class Node(msgspec.Struct, eq=False):
    """A node of the tree: its key, its place from 1, its parent's key, its message."""

    key: str
    number: int
    parent: str | None
    message: dict[str, Any]
    raw: Any
    broken: bool = False  # its message is none: kept aside, its place in the tree is not lost
    children: int = 0

    @property
    def role(self) -> str:
        author = self.message.get("author")
        role = author.get("role") if isinstance(author, dict) else None
        return role if isinstance(role, str) else ""

    @property
    def content(self) -> dict[str, Any]:
        content = self.message.get("content")
        return content if isinstance(content, dict) else {}

    @property
    def metadata(self) -> dict[str, Any]:
        metadata = self.message.get("metadata")
        return metadata if isinstance(metadata, dict) else {}

    @property
    def id(self) -> str:
        name = self.message.get("id")
        return name if isinstance(name, str) and name else self.key

    @property
    def called(self) -> str | None:
        """The tool that an assistant's message is addressed to."""
        recipient = self.message.get("recipient")
        spoken = self.role == "assistant" and isinstance(recipient, str) and recipient not in ("", "all")
        return recipient if spoken else None

    @property
    def hidden(self) -> bool:
        if not self.message or self.message.get("weight") == 0:
            return True
        unseen = self.metadata.get("is_visually_hidden_from_conversation") is True
        return unseen and self.called is None and self.role != "tool"


def arguments(content: dict[str, Any]) -> Any:
    """An object where the call's text is one, else the text."""
    text = plain_of(content)
    if text.lstrip().startswith("{"):
        try:
            found = jsonl.parse(text.encode("utf-8", "surrogatepass"))
        except ValueError:
            return text
        return found if isinstance(found, dict) else text
    return text


def failed(node: Node) -> bool:
    """Whether a tool says that it failed."""
    run = node.metadata.get("aggregate_result")
    status = run.get("status") if isinstance(run, dict) else None
    wrong = isinstance(status, str) and status not in ("success", "running", "started")
    return wrong or node.content.get("content_type") == "system_error"


def stop_reason(node: Node) -> str | None:
    """In Anthropic's words where they fit: only `end_turn` is an end that the model chose."""
    details = node.metadata.get("finish_details")
    kind = details.get("type") if isinstance(details, dict) else None
    if kind in ("interrupted", "max_tokens"):
        return str(kind)
    if node.called is not None:
        return "tool_use"
    if node.message.get("end_turn") is True and node.message.get("status") in ("finished_successfully", None):
        return "end_turn"
    status = node.message.get("status")
    return status if isinstance(status, str) and status != "finished_successfully" else "unfinished"


def rest_of(node: Node) -> dict[str, Any]:
    """A message without its words and without what says nothing."""
    said = ("content", "author", "id", "create_time")
    rest = {key: value for key, value in node.message.items() if key not in said and value not in (None, {}, [])}
    author = node.message.get("author")
    name = author.get("name") if isinstance(author, dict) else None
    return {"id": node.id, **({"name": name} if name else {}), **rest}
