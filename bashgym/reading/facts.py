"""What a session shows without being judged: what it cost, what went wrong, how it ended."""

from bashgym.trace import Ending, Event, Outcome, Step, Totals

# what may follow the end of the work without being part of it
AFTERWARDS = frozenset({"command", "bash", "meta", "synthetic", "hook_feedback", "task_notification"})


def totals(steps: list[Step]) -> Totals:
    """Sums over replies, each counted once, however many lines it took; copies of another session's are left out."""
    found = Totals()
    for step in steps:
        is_reply = step.extra.bashgym.kind == "agent"
        if step.is_copied_context:
            found.copied_replies += is_reply
            continue
        found.replies += is_reply
        if step.metrics is not None:
            tiers = step.metrics.extra.bashgym
            found.input_tokens += tiers.input_tokens
            found.output_tokens += step.metrics.completion_tokens or 0
            found.cache_creation_input_tokens += tiers.cache_creation_input_tokens
            found.cache_read_input_tokens += tiers.cache_read_input_tokens
    return found


def outcome(steps: list[Step], events: list[Event]) -> Outcome:
    """Counts. A call that the user forbade is a rejection and no tool error; one that a rule forbade is an error."""
    found = Outcome()
    for step in steps:
        kind, calls = step.extra.bashgym.kind, step.tool_calls or ()
        forbidden = {call.tool_call_id for call in calls if call.extra.bashgym.denied == "user"} if calls else ()
        found.rejections += len(forbidden)
        if step.observation is not None:
            for result in step.observation.results:
                found.tool_errors += result.extra.bashgym.is_error and result.source_call_id not in forbidden
        if kind == "interrupt":
            found.interrupts += 1
        elif kind == "api_error":
            found.api_errors += 1
    found.api_errors += sum(refused(event) for event in events if event.type == "system")
    return found


def ended(steps: list[Step]) -> Ending:
    """How the active branch ends: completed when the model had the last word and no call is left open."""
    last = next((step for step in reversed(steps) if step.info.active and step.info.kind not in AFTERWARDS), None)
    if last is None:
        return "unknown"
    if last.info.kind == "interrupt":
        return "interrupted"
    if last.info.kind == "api_error":
        return "error"
    if last.info.kind != "agent" or last.tool_calls or last.info.stop_reason not in ("end_turn", None):
        return "unknown"
    return "completed"


def refused(event: Event) -> bool:
    """Whether the model's server answered a request with an error (as Claude Code notes it)."""
    return event.type == "system" and isinstance(event.raw, dict) and event.raw.get("subtype") == "api_error"
