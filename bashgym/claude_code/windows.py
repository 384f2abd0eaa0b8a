"""Context windows: what one model call could see together, from one compaction to the next."""

from typing import Any, Literal

from bashgym.claude_code.lines import Entry
from bashgym.trace import ContextWindow, Step

Reason = Literal["start", "compact_auto", "compact_manual", "micro"]
Boundary = tuple[int, Reason]  # number of steps before it, and what it was


def boundary(entry: Entry) -> Reason | None:
    """What kind of compaction a system line marks; None for every other line."""
    subtype = entry.value.get("subtype")
    if subtype not in ("compact_boundary", "microcompact_boundary"):
        return None
    if subtype == "microcompact_boundary":
        return "micro"
    metadata: Any = entry.value.get("compactMetadata")
    manual = isinstance(metadata, dict) and metadata.get("trigger") == "manual"
    return "compact_manual" if manual else "compact_auto"


def windows(steps: list[Step], boundaries: list[Boundary]) -> list[ContextWindow]:
    """Windows that cover every step once, in order; of two boundaries with no step between the later one counts."""
    starts: dict[int, Reason] = {0: "start"} if steps else {}
    starts |= {before: reason for before, reason in boundaries if before < len(steps)}
    summaries = [number for number, step in enumerate(steps) if step.extra.bashgym.kind == "compact_summary"]
    if summaries:
        starts |= dict.fromkeys(unmarked(steps, starts), "compact_auto")
    edges = sorted(starts)
    ends = [*edges[1:], len(steps)]
    return [window(steps, first, end, starts[first], summaries) for first, end in zip(edges, ends, strict=False)]


def unmarked(steps: list[Step], starts: dict[int, Reason]) -> list[int]:
    """Summaries that follow replies of their window: a compaction whose boundary line is not in the file."""
    found, replied = [], False
    for number, step in enumerate(steps):
        if starts.get(number, "micro") != "micro":
            replied = False
        if step.info.kind == "compact_summary" and replied:
            found.append(number)
            replied = False
        replied = replied or step.info.kind == "agent"
    return found


def window(steps: list[Step], first: int, end: int, reason: Reason, summaries: list[int]) -> ContextWindow:
    """The window of steps[first:end]; `summaries` are the numbers of all steps that are one."""
    summary = next((steps[number].step_id for number in summaries if first <= number < end), None)
    last = steps[end - 1].step_id
    return ContextWindow(first_step=steps[first].step_id, last_step=last, reason=reason, summary_step=summary)
