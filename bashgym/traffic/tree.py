"""Requests to conversations: each request repeats the history, so that all requests of an agent are paths in a tree.

A request walks down from the root, turn by turn, along what is known, and adds what is new; its reply is one more node.
The longest chain is one conversation; a prompt that was taken back, or a second answer to one request, is a branch. A
turn is known by its words, its calls and the ids of the calls it answers (words.py); what clients add and take out
again (reminders, thinking, marks of the cache, cleared results) does not count."""

from collections.abc import Iterator
from typing import Any

import msgspec

from bashgym.traffic.exchanges import Exchange
from bashgym.traffic.words import Block, Reply, Request, Turn


class Node(msgspec.Struct, eq=False):
    """A turn where it stands: its parent's number, when it was first seen, its reply's data where it was one."""

    turn: Turn
    parent: int | None
    ts: str | None
    reply: Reply | None = None
    line_nos: list[int] = []
    request_id: str | None = None
    effort: str | float | None = None


class Talk(msgspec.Struct, eq=False):
    """One conversation of one agent: nodes in the order first seen, and all that its requests said beside them."""

    number: int
    api: str
    nodes: list[Node] = []
    children: dict[tuple[int | None, bytes], int] = {}
    leaf: int | None = None
    system: list[list[str]] = []  # each that differed, the first one first
    tools: dict[str, dict[str, Any]] = {}
    requests: int = 0
    user_agent: str = ""
    failed: list[Exchange] = []  # requests without a reply
    spare: Exchange | None = None  # its only request, kept whole: it may be a helper's

    @property
    def replies(self) -> int:
        return sum(node.reply is not None for node in self.nodes)


class Forest:
    """All conversations of a file while it is read."""

    def __init__(self) -> None:
        self.talks: list[Talk] = []
        self.roots: dict[tuple[bytes, bytes], Talk] = {}  # by the agent, and the first turn
        self.answers: dict[str, tuple[Talk, int]] = {}  # by the id of an answer: where it stands

    def add(self, exchange: Exchange, request: Request, replies: list[Reply]) -> Talk:
        """Puts a request and its replies where they belong."""
        turns = list(settled(request.turns))
        talk, at = self.answers.get(request.previous or "", (None, None))
        if talk is None:
            talk = self.root(request, turns)
        self.note(talk, exchange, request)
        for turn in turns:
            at = step(talk, at, turn, exchange)
        for reply in replies:
            leaf = answered(talk, at, reply, exchange, request)
            if reply is replies[0]:
                talk.leaf = leaf
                if reply.id:
                    self.answers[reply.id] = (talk, leaf)
        if not replies:
            talk.leaf = at
            talk.failed.append(exchange)
        return talk

    def root(self, request: Request, turns: list[Turn]) -> Talk:
        first = (turns[0].key() if turns else None) or b""
        key = (request.identity(), first)
        if key not in self.roots:
            self.roots[key] = Talk(number=len(self.talks) + 1, api=request.api)
            self.talks.append(self.roots[key])
        return self.roots[key]

    def note(self, talk: Talk, exchange: Exchange, request: Request) -> None:
        """What a request says beside its turns."""
        talk.requests += 1
        talk.user_agent = talk.user_agent or exchange.headers.get("user-agent", "")
        for tool in request.tools:
            function = tool.get("function")
            name = function.get("name") if isinstance(function, dict) else tool.get("name") or tool.get("type")
            talk.tools[str(name)] = tool
        if request.prompts and request.prompts not in talk.system:
            talk.system.append(request.prompts)


def settled(turns: list[Turn]) -> Iterator[Turn]:
    """The turns that stay; what nothing stays of (reminders alone) goes to the one after it, at the end before it."""
    held: list[Block] = []
    last: Turn | None = None
    for turn in turns:
        if turn.key() is None:
            held += turn.blocks
            continue
        if last is not None:
            yield last
        last = Turn(turn.role, [*held, *turn.blocks]) if held else turn
        held = []
    if last is not None:
        yield Turn(last.role, [*last.blocks, *held]) if held and last.role == "user" else last


def step(talk: Talk, at: int | None, turn: Turn, exchange: Exchange) -> int:
    """The node of `turn` below `at`: the known one, or a new one."""
    key = (at, turn.key() or b"")
    if key not in talk.children:
        talk.nodes.append(Node(turn, at, exchange.asked))
        talk.children[key] = len(talk.nodes) - 1
    return talk.children[key]


def answered(talk: Talk, at: int | None, reply: Reply, exchange: Exchange, request: Request) -> int:
    """The node of a reply: a second one with the same words is its own, unless it is the very same."""
    key = (at, reply.turn.key() or b"")
    known = talk.children.get(key)
    if known is not None and (before := talk.nodes[known].reply) is not None:
        if before.id is not None and before.id == reply.id:
            talk.nodes[known].line_nos.append(exchange.line_no)
            return known
        key = (at, key[1] + f"{exchange.line_no}".encode())
        known = None
    if known is None:
        talk.nodes.append(Node(reply.turn, at, exchange.answered))
        known = talk.children[key] = len(talk.nodes) - 1
    node = talk.nodes[known]
    node.turn, node.reply, node.ts = reply.turn, reply, exchange.answered
    node.line_nos.append(exchange.line_no)
    node.request_id = exchange.answer_headers.get("request-id") or exchange.answer_headers.get("x-request-id")
    node.effort = request.effort
    return known
