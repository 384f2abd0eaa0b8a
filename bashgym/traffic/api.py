"""The conversations of a file of captured traffic as traces.

The one with the most replies to an agent that has tools comes first; the others have ids of their own. One whose first
words are the prompt of a call of another is that call's sub-agent. Requests of a client for its own ends (a title, a
topic: no tools, one prompt, one answer, in a file in which an agent with tools works) are no conversations: they are
events of the first trace, whole. So is every request that is none to a model, without its body."""

import re
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

from bashgym.reading import blobs, facts, subagents
from bashgym.reading.branches import branches
from bashgym.reading.conversation import Conversation, lifted, source_info
from bashgym.trace import Agent, ProjectInfo, SourceFile, Step, Trace
from bashgym.traffic import anthropic, openai
from bashgym.traffic.exchanges import Exchange, Log
from bashgym.traffic.exchanges import read as exchanges
from bashgym.traffic.tree import Forest, Node, Talk
from bashgym.traffic.words import Block, Reply, Request

SOURCE = "api_traffic"
FOLDER = re.compile(r"(?:[Ww]orking directory: |<cwd>)(/[^\n<\"]+)")  # where Claude Code and Codex say where they work
ENDED = frozenset({"end_turn", "stop_sequence", "refusal", "max_tokens"})  # of a reply that may be empty
PRODUCT = re.compile(r"([\w.-]+)/([\w.+-]+)")


def read(session: str, path: Path) -> Iterator[Trace]:
    """A trace for each conversation of the file, the main one first. Raises InputError when it cannot be read."""
    log = Log(SourceFile(path=str(path), sha256="", bytes=0), [])
    forest, others = Forest(), Conversation()
    for one in exchanges(path, log):
        if isinstance(one, Exchange):
            take(one, forest, others)
        else:
            others.event("unknown", one[1], line_no=one[0])
    kept = sorted_out(forest.talks, others)
    others.malformed += log.malformed
    traces = [Reader(talk, number, session).trace(log.source) for number, talk in enumerate(kept, 1)]
    if not traces:
        traces = [others.trace(session, Agent(name="API client"), source_info(SOURCE, []))]
    else:
        traces[0].info.events[:0] = others.events
        traces[0].info.malformed[:0] = others.malformed
    account(traces, log.source)
    link(traces)
    yield from traces


def take(exchange: Exchange, forest: Forest, others: Conversation) -> None:
    """A request to a model goes into the forest, any other is an event."""
    path = exchange.url.rstrip("/")
    found: tuple[Request, list[Reply]]
    if exchange.method not in ("POST", ""):
        others.event("http", exchange.summary(), ts=exchange.asked, line_no=exchange.line_no)
        return
    if anthropic.is_request(path, exchange.body):
        found = anthropic.request(exchange.body), anthropic.replies(exchange.answer)
    elif path.endswith("/chat/completions"):
        found = openai.chat_request(exchange.body), openai.chat_replies(exchange.answer)
    elif path.endswith("/responses"):
        found = openai.responses_request(exchange.body), openai.responses_replies(exchange.answer)
    else:
        others.event("http", exchange.summary(), ts=exchange.asked, line_no=exchange.line_no)
        return
    request, replies = found
    talk = forest.add(exchange, request, [one for one in replies if one.turn.blocks or one.stop_reason in ENDED])
    alone = talk.requests == 1 and not talk.tools
    talk.spare = exchange if alone else None


def sorted_out(talks: list[Talk], others: Conversation) -> list[Talk]:
    """The talks that are conversations, the main one first; helpers' go to the events."""
    busy = [talk for talk in talks if talk.tools]
    kept = [talk for talk in talks if not (busy and talk.spare is not None)]
    for talk in talks:
        if busy and talk.spare is not None:
            one = talk.spare
            raw = {**one.summary(), "body": one.body, "answer": one.answer}
            others.event("helper request", raw, ts=one.asked, line_no=one.line_no)
    main = max(busy or kept, key=lambda talk: talk.replies, default=None)
    return [] if main is None else [main, *(talk for talk in kept if talk is not main)]


class Reader:
    """One talk as steps."""

    def __init__(self, talk: Talk, number: int, session: str) -> None:
        self.source = talk
        self.number = number
        self.session = session
        self.talk = Conversation()
        self.parents: list[int | None] = []  # of each step
        self.at: dict[int, int | None] = {}  # the last step at a node, or above it

    def trace(self, file: SourceFile) -> Trace:
        self.opening()
        for number in ordered(self.source.nodes):
            self.turn(number, self.source.nodes[number])
        for exchange in self.source.failed:
            kind = "request without response" if exchange.status is None else "api_error"
            self.talk.event(kind, exchange.summary(), ts=exchange.asked, line_no=exchange.line_no)
        product = PRODUCT.match(self.source.user_agent)
        agent = Agent(name=product.group(1) if product else "API client", version=product.group(2) if product else None)
        agent.tool_definitions = list(self.source.tools.values()) or None
        info = source_info(SOURCE, [file], entrypoint=self.source.api)
        info.captured_by = "proxy"
        counted = all(node.reply.metrics is not None for node in self.source.nodes if node.reply)
        trace = self.talk.trace(self.session, agent, info, ProjectInfo(cwd=self.folder()), usage_reliable=counted)
        trace.trajectory_id = f"conversation-{self.number}" if self.number > 1 else None
        leaf = None if self.source.leaf is None else self.at.get(self.source.leaf)
        trace.info.branches = branches(trace.steps, self.parents, leaf)
        trace.info.outcome.ended = facts.ended(trace.steps)
        return trace

    def opening(self) -> None:
        """The system prompt as the first request had it; what later ones had instead is an event."""
        for number, texts in enumerate(self.source.system):
            if number == 0:
                self.talk.say("system", [{"type": "text", "text": text} for text in texts])
                self.parents.append(None)
            else:
                self.talk.event("system prompt", texts)

    def turn(self, number: int, node: Node) -> None:
        """The steps of a node, below those of its parent."""
        first = 0 if self.source.system else None
        above = self.at[node.parent] if node.parent is not None else first
        before = len(self.talk.steps)
        if node.turn.role == "assistant":
            self.answer(node)
        else:
            self.asked(node)
        for step in range(before, len(self.talk.steps)):
            self.parents.append(above)
            above = step
        self.at[number] = above

    def asked(self, node: Node) -> None:
        """Results go to their calls; what the client wrote into the prompt is told from what was said."""
        for kind, group in groupby(node.turn.blocks, kind_of):
            found = list(group)
            if kind == "result":
                self.results(found, node.ts)
            elif node.turn.role == "system":
                self.talk.say("system", [part_of(block) for block in found], ts=node.ts)
            else:
                self.talk.say("user", [part_of(block) for block in found], kind=kind, ts=node.ts)  # type: ignore[arg-type]

    def results(self, found: list[Block], ts: str | None) -> None:
        for block in found:
            answer = self.talk.result(block.id or None, block.content, is_error=block.is_error, ts=ts)
            blobs.lift_long(answer.content)

    def answer(self, node: Node) -> None:
        """A reply; one that is known only from the history of a later request is a copy."""
        reply = node.reply
        step = self.talk.say("agent", "", ts=node.ts)
        for line_no in node.line_nos:
            self.talk.mark(step, line_no)
        step.is_copied_context = reply is None
        key = (node.turn.key() or b"").hex()
        step.info.message_id = f"history:{key}" if reply is None else reply.id or f"{self.session}:{node.line_nos[0]}"
        step.info.request_id = node.request_id
        if reply is not None:
            step.model_name, step.metrics, step.info.stop_reason = reply.model, reply.metrics, reply.stop_reason
            step.reasoning_effort = node.effort
            if step.metrics is not None:
                step.metrics.extra.bashgym.service_tier = reply.tier
        self.fill(step, node.turn.blocks)

    def fill(self, step: Step, found: list[Block]) -> None:
        """The blocks of a reply in their order; what a server's own tool answered stands among them."""
        parts: list[dict[str, Any]] = []
        for block in found:
            step.info.blocks.append({"call": "tool_use", "result": "tool_result"}.get(block.kind, block.kind))
            if block.kind == "thinking":
                if block.text:
                    self.talk.think(step, block.text)
                if block.signature:
                    step.info.signatures.append(block.signature)
            elif block.kind == "call":
                blobs.lift_long(block.arguments)
                self.talk.call(step, block.id, block.name, block.arguments)
            elif block.kind == "result":
                self.results([block], None)
            else:
                parts.append(part_of(block))
        texts = [part["text"] for part in parts if part["type"] == "text" and isinstance(part.get("text"), str)]
        step.message = "\n\n".join(texts) if len(texts) == len(parts) else lifted(parts)

    def folder(self) -> str | None:
        """Where the agent works, as its client tells it."""
        said = [text for texts in self.source.system[:1] for text in texts]
        said += [block.text for node in self.source.nodes[:1] for block in node.turn.blocks]
        return next((match.group(1).strip() for text in said if (match := FOLDER.search(text))), None)


def ordered(nodes: list[Node]) -> Iterator[int]:
    """The numbers of the nodes, each branch to its end before the next."""
    below: dict[int | None, list[int]] = {}
    for number, node in enumerate(nodes):
        below.setdefault(node.parent, []).append(number)
    stack = below.get(None, [])[::-1]
    while stack:
        number = stack.pop()
        yield number
        stack += below.get(number, [])[::-1]


def kind_of(block: Block) -> str:
    """What a block of the user's is: a result, the client's own words, an interruption, or what was said."""
    if block.kind == "result":
        return "result"
    if block.kind == "text" and block.text.startswith("[Request interrupted by user"):
        return "interrupt"
    return "meta" if block.reminder else "human"


def part_of(block: Block) -> dict[str, Any]:
    return {"type": "text", "text": block.text} if block.kind in ("text", "thinking") else block.raw


def account(traces: list[Trace], file: SourceFile) -> None:
    """Each trace says how many of the file's lines are in it."""
    for trace in traces:
        claimed = [number for step in trace.steps for number in step.info.line_nos]
        claimed += [one.line_no for one in trace.info.events if one.line_no is not None]
        bad = len(trace.info.malformed)
        part = SourceFile(
            path=file.path, sha256=file.sha256, bytes=file.bytes, lines=len(set(claimed)) + bad, malformed=bad
        )
        trace.info.source.files = [part]


def link(traces: list[Trace]) -> None:
    """A conversation that begins with the prompt of a call of another is a sub-agent of that one."""
    prompts: dict[str, tuple[Trace, str]] = {}
    for trace in traces:
        for step in trace.steps:
            for call in step.tool_calls or []:
                prompt = call.arguments.get("prompt")
                if isinstance(prompt, str) and prompt.strip():
                    prompts.setdefault(prompt.strip(), (trace, call.tool_call_id))
    for trace in traces[1:]:
        first = next((step.text.strip() for step in trace.steps if step.info.kind == "human"), "")
        parent, call_id = prompts.get(first, (None, None))
        if parent is not None and parent is not trace:
            subagents.tie(trace, parent, call_id)
