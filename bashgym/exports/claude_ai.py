"""A conversation of a Claude.ai export as a trace.

Messages come in a row. Where newer files name a message's parent, edits and second answers are branches, as on the
page. One message of Claude holds all it did in a turn: text, calls and their results in order; what follows a result
was another call of the model, and so another step. The export names no model and no tokens. The ids of the account
are left out on read. A message's line number is its place in `chat_messages`, from 1."""

from typing import Any

from bashgym import jsonl
from bashgym.exports.records import Record
from bashgym.reading import blobs, facts
from bashgym.reading.branches import branches
from bashgym.reading.conversation import Conversation, source_info
from bashgym.reading.lines import legible
from bashgym.reading.values import iso_or_text
from bashgym.trace import Agent, Step, Trace

SOURCE = "claude_ai"
ACCOUNT = frozenset({"account", "user", "creator"})
NO_PARENT = "00000000-0000-4000-8000-000000000000"  # how the page writes the root
SPOKEN = frozenset({"text", "thinking", "tool_use", "tool_result"})


def read(record: Record) -> Trace:
    try:
        value = record.value()
        blobs.lift_long(value, lift=False)
        if not isinstance(value.get("chat_messages"), list):
            raise ValueError("no list of chat_messages")
    except ValueError as error:
        talk = Conversation()
        talk.bad(record.row + 1, str(error), legible(bytes(record.raw)))
        source = source_info(SOURCE, [record.source(1, 1)])
        return talk.trace(record.id, Agent(name="Claude.ai"), source, usage_reliable=False)
    reader = Reader(value)
    reader.read()
    return reader.trace(record)


class Reader:
    """One conversation while it is read."""

    def __init__(self, value: dict[str, Any]) -> None:
        self.value = value
        self.talk = Conversation()
        self.last: dict[str, int | None] = {}  # the last step of each message, or of the one above it
        self.parents: list[int | None] = []  # of each step
        self.leaf: int | None = None
        self.pending: list[str] = []  # calls of the message that have no result yet

    def read(self) -> None:
        left_out = ACCOUNT | {"chat_messages"}
        header = {key: value for key, value in self.value.items() if key not in left_out}
        self.talk.event("conversation", header, ts=iso_or_text(self.value.get("created_at")))
        for number, message in enumerate(self.value["chat_messages"], 1):
            if isinstance(message, dict) and message.get("sender") in ("human", "assistant"):
                self.message(number, message)
            elif isinstance(message, dict):
                self.talk.event("message", message, ts=iso_or_text(message.get("created_at")), line_no=number)
            else:
                self.talk.bad(number, "no message", legible(jsonl.dumps(message)))

    def message(self, number: int, message: dict[str, Any]) -> None:
        """The steps of one message, below the message that it names or the one before."""
        named = message.get("parent_message_uuid")
        above = self.last.get(named, None if named == NO_PARENT else self.leaf) if isinstance(named, str) else self.leaf
        before = len(self.talk.steps)
        if message["sender"] == "human":
            self.asked(number, message)
        else:
            self.answered(number, message)
        for step in range(before, len(self.talk.steps)):
            self.parents.append(above)
            above = step
        self.leaf = above
        self.last[text_of(message, "uuid")] = above

    def asked(self, number: int, message: dict[str, Any]) -> None:
        """The user's words, then what was attached: its text where the export has it, else its name."""
        blocks = blocks_of(message)
        texts = [{"type": "text", "text": block["text"]} for block in blocks if is_text(block)]
        others = [block for block in blocks if not is_text(block)]
        attached = listed(message, "attachments")
        parts = [*texts, *others, *map(part_of, [*attached, *listed(message, "files")])]
        step = self.talk.say(
            "user",
            parts or "",
            ts=iso_or_text(message.get("created_at")),
            line_no=number,
            uuid=text_of(message, "uuid"),
        )
        known = [
            {k: v for k, v in one.items() if k != "extracted_content"} for one in attached if isinstance(one, dict)
        ]
        self.keep(step, message, {"attachments": known} if known else {})

    def answered(self, number: int, message: dict[str, Any]) -> None:
        """A step for each call of the model: what follows a result is the next one."""
        self.pending = []
        step = self.reply(message, number)
        self.keep(step, message, {})
        for block in blocks_of(message):
            kind = block.get("type")
            if kind == "tool_result":
                self.result(block)
                continue
            if kind in SPOKEN and step.observation is not None:
                step = self.reply(message, None)
            step.info.blocks.append(str(kind))
            self.fill(step, block)
        step.info.stop_reason = text_of(message, "stop_reason") or None
        for part in map(part_of, [*listed(message, "attachments"), *listed(message, "files")]):
            step.message = [*parts_before(step), blobs.lift_part(part)]

    def reply(self, message: dict[str, Any], number: int | None) -> Step:
        uuid = text_of(message, "uuid")
        step = self.talk.say("agent", "", ts=iso_or_text(message.get("created_at")), line_no=number, uuid=uuid)
        name = uuid or f"{text_of(self.value, 'uuid')}:{number or len(self.talk.steps)}"
        step.info.message_id = name if number is not None else f"{name}/{len(self.talk.steps)}"
        return step

    def fill(self, step: Step, block: dict[str, Any]) -> None:
        """Adds a block of a reply; one that is not known is a part, with all its fields."""
        kind = block.get("type")
        if is_text(block):
            before = parts_before(step)
            joined = "\n\n".join(part["text"] for part in before if isinstance(part.get("text"), str))
            plain = all(part.get("type") == "text" for part in before)
            text = block["text"]
            step.message = (
                "\n\n".join(filter(None, [joined, text])) if plain else [*before, {"type": "text", "text": text}]
            )
            self.aside(step, block, {"type", "text"})
        elif kind == "thinking" and isinstance(block.get("thinking"), str):
            self.talk.think(step, block["thinking"])
            self.aside(step, block, {"type", "thinking"})
        elif kind == "tool_use" and isinstance(block.get("name"), str):
            name = text_of(block, "id") or f"{step.info.message_id}:{len(self.talk.calls) + 1}"
            made = self.talk.call(step, name, block["name"], block.get("input"))
            made.extra.bashgym.started_at = iso_or_text(block.get("start_timestamp"))
            server = text_of(block, "integration_name")
            made.extra.bashgym.mcp_server = server or None
            self.pending.append(name)
            self.aside(step, block, {"type", "id", "name", "input"})
        else:
            blobs.lift_long(block)
            step.message = [*parts_before(step), blobs.lift_part({**block, "type": str(kind)})]

    def result(self, block: dict[str, Any]) -> None:
        """The answer to the call it names; where it names none, to the first that has no answer yet."""
        named = text_of(block, "tool_use_id")
        if not named and self.pending:
            named = self.pending[0]
        if named in self.pending:
            self.pending.remove(named)
        content = block.get("content")
        fine = content if isinstance(content, str) else parts_in(content)
        made = self.talk.result(named or None, fine, is_error=block.get("is_error") is True)
        made.extra.bashgym.ts = iso_or_text(block.get("stop_timestamp"))
        said = {"type", "tool_use_id", "content", "is_error"}
        rest = {key: value for key, value in block.items() if key not in said and value not in (None, [], {})}
        blobs.lift_long(rest)
        made.extra.bashgym.raw = rest or None

    def aside(self, step: Step, block: dict[str, Any], said: set[str]) -> None:
        """What a block says beside its words (citations, times, display texts)."""
        rest = {key: value for key, value in block.items() if key not in said and value not in (None, [], {})}
        blobs.lift_long(rest)
        if rest:
            step.info.foreign.setdefault("blocks", []).append({"block": len(step.info.blocks), **rest})

    def keep(self, step: Step, message: dict[str, Any], more: dict[str, Any]) -> None:
        said = {"uuid", "text", "content", "sender", "attachments", "files", "parent_message_uuid"} | ACCOUNT
        rest = {key: value for key, value in message.items() if key not in said and value not in (None, [], {})}
        blobs.lift_long(rest)
        step.info.foreign.update(**more, **({"message": rest} if rest else {}))

    def trace(self, record: Record) -> Trace:
        lines = len(self.value["chat_messages"])
        source = source_info(SOURCE, [record.source(lines, len(self.talk.malformed))])
        model = text_of(self.value, "model") or None
        trace = self.talk.trace(record.id, Agent(name="Claude.ai", model_name=model), source, usage_reliable=False)
        current = self.value.get("current_leaf_message_uuid")
        leaf = self.last.get(current) if isinstance(current, str) else None
        trace.info.branches = branches(trace.steps, self.parents, self.leaf if leaf is None else leaf)
        trace.info.outcome.ended = facts.ended(trace.steps)
        return trace


def blocks_of(message: dict[str, Any]) -> list[dict[str, Any]]:
    """The blocks of a message; older exports have only its text."""
    blocks = [typed(one) for one in listed(message, "content")]
    text = message.get("text")
    return blocks or ([{"type": "text", "text": text}] if isinstance(text, str) and text else [])


def typed(block: Any) -> dict[str, Any]:
    """A block whose type is text, whatever was written there."""
    if not isinstance(block, dict):
        return {"type": "unknown", "value": block}
    return block if isinstance(block.get("type"), str) else {**block, "type": str(block.get("type"))}


def is_text(block: dict[str, Any]) -> bool:
    return block.get("type") == "text" and isinstance(block.get("text"), str)


def parts_in(content: Any) -> list[dict[str, Any]] | None:
    """The content of a result as parts."""
    if content is None:
        return None
    items = content if isinstance(content, list) else [content]
    return [dict(item) if isinstance(item, dict) else {"type": "text", "text": str(item)} for item in items]


def parts_before(step: Step) -> list[dict[str, Any]]:
    if isinstance(step.message, list):
        return step.message
    return [{"type": "text", "text": step.message}] if step.message else []


def part_of(file: Any) -> dict[str, Any]:
    """An attachment as a part: its text where the export has it, else a reference by name."""
    if not isinstance(file, dict):
        return {"type": "file", "file_name": str(file)}
    text = file.get("extracted_content")
    if isinstance(text, str) and text:
        return {"type": "text", "text": text}
    return {**file, "type": "file"}


def listed(message: dict[str, Any], key: str) -> list[Any]:
    value = message.get(key)
    return value if isinstance(value, list) else []


def text_of(value: dict[str, Any], key: str) -> str:
    found = value.get(key)
    return found if isinstance(found, str) else ""
