"""Turns to a trace: what a source calls while it reads a session of any agent but Claude Code.

One step for each turn of a person and each model reply; a reply's parallel calls and their results lie in its step;
every line that is no message becomes an event, verbatim; what cannot be read is kept aside."""

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from bashgym.reading import blobs, facts
from bashgym.trace import (
    Agent,
    ContextWindow,
    Event,
    Lineage,
    Malformed,
    Metrics,
    Observation,
    ObservationResult,
    Origin,
    ProjectInfo,
    ResultExtra,
    ResultInfo,
    SourceFile,
    SourceInfo,
    Step,
    StepExtra,
    StepInfo,
    StepKind,
    ToolCall,
    Trace,
    TraceExtra,
    TraceInfo,
    UsageExtra,
    UsageInfo,
)

Content = str | list[dict[str, Any]]


class Conversation:
    """A session while it is read, in the order of its file."""

    def __init__(self, lift: bool = True) -> None:
        """Without `lift` events are kept as they are: their lines were lifted when they were read (lines.py)."""
        self.lift = lift
        self.steps: list[Step] = []
        self.events: list[Event] = []
        self.malformed: list[Malformed] = []
        self.calls: dict[str, Step] = {}  # by call id: the step that made the call
        self.cuts: list[tuple[int, str, bool]] = []  # steps before a compaction, its reason, a summary follows

    def say(
        self,
        source: Origin,
        message: Content,
        *,
        kind: StepKind | None = None,
        ts: str | None = None,
        line_no: int | None = None,
        uuid: str | None = None,
    ) -> Step:
        """A step: words of the user or the system, or a model reply, to which calls and metrics are then added."""
        known: dict[Origin, StepKind] = {"user": "human", "agent": "agent", "system": "system"}
        step = Step(
            step_id=len(self.steps) + 1,
            source=source,
            message=lifted(message),
            timestamp=ts,
            extra=StepExtra(bashgym=StepInfo(kind=kind or known[source])),
        )
        self.mark(step, line_no, uuid)
        self.steps.append(step)
        return step

    @staticmethod
    def mark(step: Step, line_no: int | None, uuid: str | None = None) -> None:
        """Says that `step` also came from line `line_no`."""
        if line_no is not None and line_no not in step.info.line_nos:
            step.info.line_nos.append(line_no)
        if uuid and uuid not in step.info.uuids:
            step.info.uuids.append(uuid)

    def think(self, step: Step, text: str) -> None:
        """Adds to the thinking of a reply."""
        step.reasoning_content = f"{step.reasoning_content}\n\n{text}" if step.reasoning_content else text

    def words(self, step: Step, parts: list[dict[str, Any]]) -> None:
        """What a step says, as parts: one text alone is text."""
        step.message = lifted(parts) or ""

    def call(self, step: Step, call_id: str, name: str, arguments: Any) -> ToolCall:
        """A tool call of a reply. Arguments that are no object are kept under `input`; an id already taken in this
        session (some agents count from 0 in each turn) gets a suffix, and the last call of an id gets the results."""
        unique = call_id if call_id and call_id not in self.calls else f"{call_id or 'call'}#{len(self.calls) + 1}"
        fine = arguments if isinstance(arguments, dict) else {} if arguments is None else {"input": arguments}
        made = ToolCall(tool_call_id=unique, function_name=name, arguments=fine)
        step.tool_calls = [*(step.tool_calls or []), made]
        self.calls[unique] = self.calls[call_id] = step
        if unique != call_id:
            step.info.foreign.setdefault("call_ids", {})[call_id] = unique
        return made

    def result(
        self,
        call_id: str | None,
        content: Content | None,
        *,
        is_error: bool = False,
        exit_code: int | None = None,
        raw: Any = None,
        ts: str | None = None,
        line_no: int | None = None,
    ) -> ObservationResult:
        """The answer to a call; one that nobody made gets a step of its own, as ATIF has it."""
        caller = self.calls.get(call_id or "")
        info = ResultInfo(is_error=is_error, exit_code=exit_code, raw=raw, ts=ts, line_no=line_no)
        answer = ObservationResult(content=lifted(content), extra=ResultExtra(bashgym=info))
        if caller is None:
            step = self.say("system", "", kind="tool_result", ts=ts)
            step.info.foreign = {"tool_use_id": call_id} if call_id else {}
        else:
            step = caller
            answer.source_call_id = caller.info.foreign.get("call_ids", {}).get(call_id, call_id)
        step.observation = step.observation or Observation(results=[])
        step.observation.results.append(answer)
        return answer

    def event(self, kind: str, raw: Any, *, ts: str | None = None, line_no: int | None = None, file: int = 0) -> None:
        """A line that is no message, verbatim but for long base64."""
        if self.lift:
            blobs.lift_long(raw)
        self.events.append(Event(type=kind, raw=raw, ts=ts, line_no=line_no, file=file))

    def bad(self, line_no: int, reason: str, raw: str, file: int = 0) -> None:
        """A line that is not what it claims to be: kept aside."""
        self.malformed.append(Malformed(file=file, line_no=line_no, reason=reason, raw=raw))

    def compacted(self, reason: str = "auto", summary_follows: bool = False) -> None:
        """From here on the model saw only a summary; the next step is that summary where `summary_follows`."""
        self.cuts.append((len(self.steps), reason, summary_follows))

    def windows(self) -> list[ContextWindow]:
        """The context windows, empty ones left out."""
        if not self.steps:
            return []
        edges = [(0, "start", False), *self.cuts, (len(self.steps), "", False)]
        reasons: dict[str, Any] = {"start": "start", "manual": "compact_manual", "micro": "micro"}
        return [
            ContextWindow(
                first_step=first + 1,
                last_step=last,
                reason=reasons.get(reason, "compact_auto"),
                summary_step=first + 1 if summary else None,
            )
            for (first, reason, summary), (last, *_) in pairwise(edges)
            if last > first
        ]

    def trace(
        self,
        session_id: str,
        agent: Agent,
        source: SourceInfo,
        project: ProjectInfo | None = None,
        lineage: Lineage | None = None,
        usage_reliable: bool = True,
    ) -> Trace:
        """What was read, as a trace; the model of most replies is the agent's where it names none."""
        models = Counter(step.model_name for step in self.steps if step.source == "agent" and step.model_name)
        agent.model_name = agent.model_name or (models.most_common(1)[0][0] if models else None)
        outcome = facts.outcome(self.steps, self.events)
        outcome.ended = facts.ended(self.steps)
        info = TraceInfo(
            source=source,
            project=project or ProjectInfo(),
            lineage=lineage or Lineage(),
            context_windows=self.windows(),
            usage_reliable=usage_reliable,
            totals=facts.totals(self.steps),
            outcome=outcome,
            events=self.events,
            malformed=self.malformed,
        )
        return Trace(session_id=session_id, agent=agent, steps=self.steps, extra=TraceExtra(bashgym=info))


def metrics(
    fresh: int,
    output: int,
    cache_read: int = 0,
    cache_write: int = 0,
    cost_usd: float | None = None,
    reasoning: int | None = None,
) -> Metrics:
    """Tokens of one reply: `fresh` input tokens are those that neither came from nor went to the cache; those of
    `output` are all of the reply's, its `reasoning` included."""
    tiers = UsageInfo(
        input_tokens=fresh,
        cache_creation_input_tokens=cache_write,
        cache_read_input_tokens=cache_read,
        reasoning_tokens=reasoning,
    )
    return Metrics(
        prompt_tokens=fresh + cache_read + cache_write,
        completion_tokens=output,
        cached_tokens=cache_read,
        cost_usd=cost_usd,
        extra=UsageExtra(bashgym=tiers),
    )


def source_info(
    kind: str, files: Sequence[SourceFile], version: str | None = None, entrypoint: str | None = None
) -> SourceInfo:
    """Where a trace came from, imported rather than captured."""
    return SourceInfo(kind=kind, client_version=version, entrypoint=entrypoint, files=list(files), captured_by="import")


def lifted(content: Content | None) -> Any:
    """Content as a step keeps it: one text part as text, base64 replaced by its hash and size."""
    if not isinstance(content, list):
        return content
    if len(content) == 1 and set(content[0]) == {"type", "text"} and isinstance(content[0]["text"], str):
        return content[0]["text"]
    parts = [blobs.lift_part(part) for part in content]
    blobs.lift_long(parts)
    return parts
