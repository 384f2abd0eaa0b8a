"""Replies that are no work of a session and cost tokens all the same: the summaries that compactions wrote.

They are no steps. What they cost is kept with the trace (`foreign`, REPLIES), without a word of theirs."""

from collections.abc import Sequence
from typing import Any

import msgspec

from bashgym.claude_code.lines import Entry
from bashgym.claude_code.replies import Reply, key_of, start
from bashgym.trace import Step, StepExtra, StepInfo, Trace

REPLIES = "replies_set_aside"


def costs(entries: Sequence[Entry]) -> list[dict[str, Any]]:
    """What the replies among `entries` cost, as plain data."""
    found: dict[Any, Reply] = {}
    for entry in entries:
        if entry.role == "assistant":
            key = key_of(entry)
            found.setdefault(key, start(entry, key, len(found) + 1)).add(entry)
    for reply in found.values():
        reply.close()
    return [msgspec.to_builtins(bare(reply.step)) for reply in found.values() if reply.step.metrics is not None]


def keep(trace: Trace, told: list[dict[str, Any]]) -> None:
    """Notes with `trace` what `costs` said."""
    if told:
        trace.info.foreign.setdefault(REPLIES, []).extend(told)


def bare(step: Step) -> Step:
    """The step without its words and calls."""
    info = StepInfo(message_id=step.info.message_id, request_id=step.info.request_id, uuids=step.info.uuids[:1])
    return Step(
        step_id=step.step_id,
        source="agent",
        timestamp=step.timestamp,
        model_name=step.model_name,
        metrics=step.metrics,
        extra=StepExtra(bashgym=info),
    )


def replies(trace: Trace) -> list[Step]:
    """What was kept with `trace`: steps that hold ids, model, time and tokens."""
    kept = trace.info.foreign.get(REPLIES)
    return [msgspec.convert(one, Step) for one in kept] if isinstance(kept, list) else []
