"""What a page shows of a session, as plain data: the template reads it and nothing else."""

from typing import NamedTuple

from bashgym.history.diffs import Line

INLINE = 120  # characters of an argument that is shown beside its name
FOLDED = 500  # characters of a text that is shown closed, where it is neither the person's nor the model's
OPENING = 160  # characters of a turn in the outline and of a session's title


class Request(NamedTuple):
    """Tokens and cost of one model reply; `usd` None where the model has no price."""

    fresh: int
    read: int
    wrote: int
    output: int
    usd: float | None
    evidence: str

    @property
    def prompt(self) -> int:
        return self.fresh + self.read + self.wrote


class Argument(NamedTuple):
    name: str
    value: str

    @property
    def short(self) -> bool:
        return len(self.value) <= INLINE and "\n" not in self.value


class Subagent(NamedTuple):
    id: str
    kind: str
    steps: list["StepView"]
    tokens: int
    usd: float | None
    evidence: str
    ended: str


class CallView(NamedTuple):
    tool: str
    about: str
    state: str  # "", failed, refused by the user, no result ...
    failed: bool
    milliseconds: int | None
    arguments: list[Argument]
    diff: list[Line]
    result: str | None
    agents: list[Subagent]


class StepView(NamedTuple):
    anchor: str
    number: int
    kind: str
    who: str
    time: str
    date: str
    model: str
    active: bool
    copied: bool
    request: Request | None
    thinking: str
    silent: bool  # it thought, and the words were not kept
    text: str
    calls: list[CallView]
    window: str  # the word for the context window that begins here

    @property
    def folded(self) -> bool:
        """Whether its text is long and neither the person's nor the model's own."""
        return self.kind not in ("human", "agent") and len(self.text) > FOLDED


class Turn(NamedTuple):
    """A person's words and all that followed."""

    number: int
    opening: str
    steps: list[StepView]

    @property
    def calls(self) -> int:
        return sum(len(step.calls) for step in self.steps)

    @property
    def failures(self) -> int:
        return sum(call.failed for step in self.steps for call in step.calls)


class SessionView(NamedTuple):
    id: str
    title: str
    facts: list[tuple[str, str]]
    tiles: list[tuple[str, str, str, str]]  # name, figure, more, evidence
    turns: list[Turn]
    loose: list[Subagent]  # sub-agents whose call is not known
    requests: list[tuple[str, Request]]  # anchor, request
    windows: list[int]  # requests at which a context window begins, by number
    verdicts: list[tuple[str, str, str]]  # judge, score, reason
    label: str
    lines: int
    events: list[tuple[str, int]]
    malformed: list[tuple[str, str, str]]  # where, reason, the line
