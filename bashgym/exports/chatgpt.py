"""A conversation of a ChatGPT export as a trace.

It is a tree: an edited prompt or a second answer is another child of the same node, and `current_node` is where the
user last was. Nodes from there up to the root are active; the others are kept as branches. ChatGPT writes a reply as
several nodes (thoughts, text, the call of a tool): one step. What the user never saw and the model never got (nodes
without a message, of weight 0, or hidden ones that are neither a call nor its result) is an event. The ids of the
account are left out on read. A node's line number is its place in `mapping`, from 1."""

import hashlib
from collections.abc import Iterator, Sequence
from typing import Any

from bashgym import jsonl
from bashgym.exports.content import parts_of, plain_of
from bashgym.exports.files import Part
from bashgym.exports.nodes import Node, arguments, failed, rest_of, stop_reason
from bashgym.exports.records import Record
from bashgym.reading import blobs, facts
from bashgym.reading.branches import branches
from bashgym.reading.conversation import Conversation, source_info
from bashgym.reading.lines import legible
from bashgym.reading.values import iso_or_text
from bashgym.trace import Agent, SourceFile, Step, Trace

SOURCE = "chatgpt"
ACCOUNT = frozenset({"user_id", "workspace_id", "account", "account_id", "conversation_owner", "owner"})
RATINGS = {"thumbs_up": "up", "thumbsup": "up", "thumbs_down": "down", "thumbsdown": "down"}


def read(record: Record, feedback: Sequence[dict[str, Any]]) -> Trace:
    """The trace of `record`; `feedback` are the entries of message_feedback.json that are about it."""
    try:
        value = record.value()
        blobs.lift_long(value, lift=False)
        if not isinstance(value.get("mapping"), dict):
            raise ValueError("no mapping of nodes")
    except ValueError as error:
        return unread(record, str(error), feedback)
    reader = Reader(value)
    reader.read()
    reader.rate(feedback)
    return reader.trace(record)


def unread(record: Record, reason: str, feedback: Sequence[dict[str, Any]]) -> Trace:
    """A piece of the file that is no conversation: kept aside, whole."""
    talk = Conversation()
    talk.bad(record.row + 1, reason, legible(bytes(record.raw)))
    for entry in feedback:
        talk.event("feedback", without_account(entry))
    return talk.trace(
        record.id, Agent(name="ChatGPT"), source_info(SOURCE, [record.source(1, 1)]), usage_reliable=False
    )


def ratings(name: str, part: Part, entries: Sequence[dict[str, Any]]) -> Trace:
    """Ratings of chats that the export does not hold: a trace of events alone."""
    talk = Conversation()
    for entry in entries:
        talk.event("feedback", without_account(entry), ts=iso_or_text(entry.get("create_time")))
    digest = hashlib.sha256(part.content).hexdigest()
    file = SourceFile(path=part.place, sha256=digest, bytes=len(part.content), lines=len(entries))
    return talk.trace(name, Agent(name="ChatGPT"), source_info(SOURCE, [file]), usage_reliable=False)


def without_account(entry: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in entry.items() if key not in ACCOUNT}


class Reader:
    """One conversation while it is read."""

    def __init__(self, value: dict[str, Any]) -> None:
        self.value = value
        self.talk = Conversation()
        self.nodes = dict(self.listed(value["mapping"]))
        for node in self.nodes.values():
            if node.parent is not None:
                self.nodes[node.parent].children += 1
        self.at: dict[str, int | None] = {}  # the step at a node, or the nearest above it
        self.open: set[str] = set()  # nodes whose reply the next node may go on with
        self.parents: list[int | None] = []  # of each step

    def listed(self, mapping: dict[str, Any]) -> Iterator[tuple[str, Node]]:
        """The nodes of the tree; what is no object has no place in it."""
        for number, (key, raw) in enumerate(mapping.items(), 1):
            message = raw.get("message") if isinstance(raw, dict) else None
            broken = not isinstance(raw, dict) or not isinstance(message, dict | None)
            if broken:
                self.talk.bad(number, "no node with a message", legible(jsonl.dumps(raw)))
            if isinstance(raw, dict):
                above = raw.get("parent")
                known = isinstance(above, str) and above != key and isinstance(mapping.get(above), dict)
                yield key, Node(key, number, above if known else None, {} if broken else message or {}, raw, broken)

    def read(self) -> None:
        header = without_account({key: value for key, value in self.value.items() if key != "mapping"})
        self.talk.event("conversation", header, ts=iso_or_text(self.value.get("create_time")))
        for node in self.ordered():
            above = self.at.get(node.parent or "")
            before = len(self.talk.steps)
            self.at[node.key] = above
            self.take(node, above)
            self.parents += [above] * (len(self.talk.steps) - before)

    def ordered(self) -> Iterator[Node]:
        """Each node once, after its parent; what hangs together in a circle comes last."""
        below: dict[str | None, list[Node]] = {}
        for node in self.nodes.values():
            below.setdefault(node.parent, []).append(node)
        seen: set[str] = set()
        for root in [*below.get(None, []), *self.nodes.values()]:
            stack = [root]
            while stack:
                node = stack.pop()
                if node.key not in seen:
                    seen.add(node.key)
                    yield node
                    stack += reversed(below.get(node.key, []))

    def take(self, node: Node, above: int | None) -> None:
        """Puts a node where it belongs and says in `at` which step that is."""
        ts = iso_or_text(node.message.get("create_time"))
        if node.broken:
            return
        if node.hidden or node.role not in ("user", "system", "assistant", "tool"):
            self.talk.event("hidden node" if node.message else "node", node.raw, ts=ts, line_no=node.number)
            if node.parent in self.open and node.children == 1:
                self.open.add(node.key)
        elif node.role == "assistant":
            self.reply(node, above, ts)
        elif node.role == "tool":
            self.result(node, above, ts)
        else:
            source = "user" if node.role == "user" else "system"
            step = self.talk.say(source, parts_of(node.content), ts=ts, line_no=node.number, uuid=node.id)  # type: ignore[arg-type]
            self.keep(step, node)
            self.at[node.key] = len(self.talk.steps) - 1

    def reply(self, node: Node, above: int | None, ts: str | None) -> None:
        """A new reply, or one that goes on: text after thoughts, a call after text."""
        slug = node.metadata.get("model_slug")
        model = slug if isinstance(slug, str) else None
        step = self.talk.steps[above] if above is not None and node.parent in self.open else None
        if step is None or (model and step.model_name and model != step.model_name):
            step = self.talk.say("agent", "", ts=ts)
            step.info.message_id = node.id
            self.at[node.key] = len(self.talk.steps) - 1
        self.talk.mark(step, node.number, node.id)
        step.model_name = step.model_name or model
        self.keep(step, node)
        self.fill(step, node)
        step.info.stop_reason = stop_reason(node)
        if node.called is None and node.message.get("end_turn") is not True and node.children == 1:
            self.open.add(node.key)

    def fill(self, step: Step, node: Node) -> None:
        """Adds what a node of a reply says."""
        kind = node.content.get("content_type")
        if kind in ("thoughts", "reasoning_recap"):
            step.info.blocks.append("thinking")
            self.talk.think(step, plain_of(node.content))
        elif node.called is not None:
            step.info.blocks.append("tool_use")
            made = self.talk.call(step, node.id, node.called, arguments(node.content))
            made.extra.bashgym.started_at = iso_or_text(node.message.get("create_time"))
        else:
            step.info.blocks.append("text")
            step.message = added(step.message, parts_of(node.content))

    def result(self, node: Node, above: int | None, ts: str | None) -> None:
        """What a tool answered; further messages of a tool go on with its answer."""
        step = self.talk.steps[above] if above is not None else None
        call = step.tool_calls[-1] if step is not None and step.source == "agent" and step.tool_calls else None
        content = parts_of(node.content)
        known = step.results().get(call.tool_call_id) if step is not None and call is not None else None
        if step is not None and known is not None:
            known.content = added(known.content or "", content)
            known.extra.bashgym.is_error |= failed(node)
            self.talk.mark(step, node.number, node.id)
            self.keep(step, node)
            return
        made = self.talk.result(
            call.tool_call_id if call else None, content, is_error=failed(node), ts=ts, line_no=node.number
        )
        made.extra.bashgym.uuid = node.id
        made.extra.bashgym.raw = rest_of(node) or None
        blobs.lift_long(made.extra.bashgym.raw)
        if call is None:
            self.at[node.key] = len(self.talk.steps) - 1

    def keep(self, step: Step, node: Node) -> None:
        """What a node says beside its words: nothing of the export is lost."""
        rest = rest_of(node)
        blobs.lift_long(rest)
        if rest:
            step.info.foreign.setdefault("nodes", []).append(rest)

    def rate(self, feedback: Sequence[dict[str, Any]]) -> None:
        """Thumbs: an event each, and a word in the step that was rated."""
        steps = {uuid: step for step in self.talk.steps for uuid in step.info.uuids}
        for entry in feedback:
            self.talk.event("feedback", without_account(entry), ts=iso_or_text(entry.get("create_time")))
            rated = next((steps[name] for name in rated_messages(entry) if name in steps), None)
            if rated is not None:
                rating = str(entry.get("rating"))
                rated.info.foreign["feedback"] = RATINGS.get(rating.lower(), rating)

    def trace(self, record: Record) -> Trace:
        source = source_info(SOURCE, [record.source(len(self.value["mapping"]), len(self.talk.malformed))])
        trace = self.talk.trace(record.id, Agent(name="ChatGPT"), source, usage_reliable=False)
        slug = self.value.get("default_model_slug")
        if trace.agent.model_name is None and isinstance(slug, str):
            trace.agent.model_name = slug
        info = trace.info
        info.branches = branches(trace.steps, self.parents, self.leaf())
        info.outcome.ended = facts.ended(trace.steps)  # once it is known which branch is active
        return trace

    def leaf(self) -> int | None:
        """The step that the conversation was left at; the last one where the export does not say."""
        current = self.value.get("current_node")
        step = self.at.get(current) if isinstance(current, str) else None
        return step if step is not None else len(self.talk.steps) - 1 if self.talk.steps else None


def added(before: Any, parts: list[dict[str, Any]]) -> Any:
    """A message with more parts: text goes on as text, a paragraph further down."""
    texts = [part["text"] for part in parts if set(part) == {"type", "text"} and isinstance(part["text"], str)]
    if isinstance(before, str) and len(texts) == len(parts):
        return "\n\n".join(text for text in [before, *texts] if text)
    opening = [{"type": "text", "text": before}] if isinstance(before, str) and before else []
    return [*(before if isinstance(before, list) else opening), *(blobs.lift_part(part) for part in parts)]


def rated_messages(entry: dict[str, Any]) -> list[str]:
    names = (entry.get("message_id"), entry.get("id"))
    return [name for name in names if isinstance(name, str)]


def by_conversation(content: Any) -> dict[str, list[dict[str, Any]]]:
    """The entries of message_feedback.json by conversation; those without one under "". Raises ValueError."""
    found: dict[str, list[dict[str, Any]]] = {}
    entries = jsonl.parse(bytes(content)) if len(content) else []
    if not isinstance(entries, list):
        raise ValueError("not a list")
    for entry in entries:
        value = entry if isinstance(entry, dict) else {"value": entry}
        name = value.get("conversation_id")
        key = name if isinstance(name, str) else ""
        found.setdefault(key, []).append(value)
    return found
