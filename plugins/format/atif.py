"""ATIF v1.8, Harbor's Agent Trajectory Interchange Format: one trajectory for each context window."""

from collections.abc import Iterable, Iterator
from typing import Any

from bashgym import jsonl
from bashgym.atif import writing
from bashgym.records import Drop, Example, Row
from bashgym.rows import turns, whole
from bashgym.rows.turns import Message
from bashgym.trace import (
    Agent,
    Observation,
    ObservationResult,
    Origin,
    SourceInfo,
    Step,
    ToolCall,
    Trace,
    TraceExtra,
    TraceInfo,
)


class Format:
    schema = "atif"
    suffix = ".json"  # of a document

    class Config(whole.WholeConfig):
        agent: str = "coding-agent"
        """What the agent is called in the trajectories."""

    def __init__(self, config: Config) -> None:
        self.config = config

    def stanza(self) -> dict[str, Any]:
        """Empty: no trainer reads these rows."""
        return {}

    def render(self, example: Example) -> Iterable[Row | Drop]:
        """One row, an ATIF document."""
        found = whole.messages(example, self.config)
        trace = Trace(
            session_id=example.id,
            agent=Agent(name=self.config.agent, tool_definitions=example.tools or None),
            steps=list(steps(found)),
            extra=TraceExtra(bashgym=TraceInfo(source=SourceInfo(kind="example"))),
        )
        data = writing.trajectory(trace)
        data["extra"]["meta"] = turns.meta(example, example.steps)
        yield Row(id=example.id, data=data, keys=[key for key in example.keys if key])

    def document(self, data: dict[str, Any]) -> bytes:
        """A row as a file of its own, as Harbor's viewer reads it."""
        return jsonl.dumps(data) + b"\n"


def steps(found: list[Message]) -> Iterator[Step]:
    """A step for every message; results stand on the step of their calls."""
    number = 0
    for at, message in enumerate(found):
        if message["role"] == "tool":
            continue
        number += 1
        yield step(message, whole.results(found, at), number)


def step(message: Message, results: list[Message], number: int) -> Step:
    origins: dict[str, Origin] = {"assistant": "agent", "user": "user", "system": "system"}
    made = Step(step_id=number, source=origins[message["role"]], message=message["content"])
    if message["role"] != "assistant":
        return made
    made.reasoning_content = message.get("reasoning_content")
    made.tool_calls = [
        ToolCall(
            tool_call_id=call["id"], function_name=call["function"]["name"], arguments=call["function"]["arguments"]
        )
        for call in whole.calls(message)
    ] or None
    if made.tool_calls and results:
        made.observation = Observation(
            results=[ObservationResult(source_call_id=one["tool_call_id"], content=one["content"]) for one in results]
        )
    return made
