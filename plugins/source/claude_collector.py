"""Claude Code sessions as claude-collector writes them: the lines of many sessions in one file.

Version 0.1.0 writes Claude Code's own lines less three kinds (summary, file-history-snapshot, queue-operation), with
mail addresses, some keys and user names in the text of messages already replaced; all else is as it was. The pairs
of `messages` and `metadata` that its README describes are read too."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from bashgym import config, jsonl
from bashgym.claude_code import mixed
from bashgym.reading import blobs, rows
from bashgym.reading.conversation import Conversation, metrics
from bashgym.reading.values import count, record, text
from bashgym.records import SessionRef
from bashgym.trace import Agent, Trace

NAME = "claude_collector"


class Source:
    """Reads `claude_full_<date>.jsonl`, or a folder of such files."""

    class Config(config.Config):
        path: str = ""
        """A file that claude-collector wrote, or a folder of such files."""

    def __init__(self, config: Config) -> None:
        self.config = config

    def list(self) -> Iterable[SessionRef]:
        """Every session, unread. Raises InputError when there are no files."""
        found = rows.files_of(NAME, self.config.path, "FILE", "a file that claude-collector wrote")
        return (ref for path in found for ref in self.of_file(path))

    def of_file(self, path: Path) -> Iterator[SessionRef]:
        if holds_pairs(path):
            return rows.references(NAME, [path], lambda *_: None)
        return mixed.references(NAME, path)

    def read(self, ref: SessionRef) -> Iterator[Trace]:
        """The session's trace, then those of its sub-agents."""
        if holds_pairs(Path(ref.path)):
            yield pair(ref, rows.row(ref))
            return
        for trace in mixed.read(ref):
            trace.info.source.kind = NAME
            trace.info.source.captured_by = "import"
            yield trace


def holds_pairs(path: Path) -> bool:
    """Whether the first line that is an object is a pair of the README's shape."""
    first = next((row.value for row in rows.rows(path) if isinstance(row.value, dict)), {})
    return isinstance(first.get("messages"), list) and "type" not in first


def pair(ref: SessionRef, found: rows.Row) -> Trace:
    """One question and its answer."""
    messages = found.value.get("messages") if isinstance(found.value, dict) else None
    if not isinstance(messages, list):
        return rows.broken(NAME, ref, found, found.error or "no list of messages")
    talk = Conversation()
    told = record(found.value, "metadata")
    for number, message in enumerate(messages, 1):
        role, words = text(message, "role"), message.get("content") if isinstance(message, dict) else None
        if role not in ("user", "assistant", "system") or not isinstance(words, str):
            talk.bad(number, "message is not what it should be", jsonl.dumps(message).decode())
            continue
        step = talk.say(origin(role), words, ts=text(told, "timestamp"), line_no=number)
        if role == "assistant" and isinstance(told.get("tokens"), dict):
            step.metrics = usage(told["tokens"])
            told = {**told, "tokens": None}
    made = talk.trace(ref.id, Agent(name="claude-code"), rows.info_of(NAME, ref, found))
    made.info.foreign = {key: value for key, value in found.value.items() if key != "messages"}
    blobs.lift_long(made.info.foreign)
    return made


def origin(role: str) -> Any:
    return {"assistant": "agent"}.get(role, role)


def usage(tokens: dict[str, Any]) -> Any:
    return metrics(
        count(tokens, "input_tokens"),
        count(tokens, "output_tokens"),
        count(tokens, "cache_read_input_tokens"),
        count(tokens, "cache_creation_input_tokens"),
    )
