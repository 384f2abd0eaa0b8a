"""What a session shows without being judged: who worked where, what it cost, how it ended."""

from collections import Counter

from bashgym.claude_code.definitions import definitions
from bashgym.claude_code.lines import Entry
from bashgym.trace import Agent, Ending, Event, Lineage, Outcome, ProjectInfo, Step, Totals

NAME = "claude-code"
# what may follow the end of the work without being part of it
AFTERWARDS = frozenset({"command", "bash", "meta", "synthetic", "hook_feedback", "task_notification"})


def agent_of(entries: list[Entry], steps: list[Step]) -> Agent:
    """The last version that wrote, and the model of most replies."""
    version = next((found for entry in reversed(entries) if (found := entry.text("version"))), None)
    models = Counter(step.model_name for step in steps if step.info.kind == "agent" and step.model_name)
    model = models.most_common(1)[0][0] if models else None
    return Agent(name=NAME, version=version, model_name=model, tool_definitions=definitions(entries))


def project_of(entries: list[Entry]) -> ProjectInfo:
    """The folder the session began in, the branch it ended on."""
    worktree = None
    for entry in entries:
        if entry.value.get("type") == "worktree-state":
            state = entry.value.get("worktreeSession")
            path = state.get("worktreePath") if isinstance(state, dict) else None
            worktree = path if isinstance(path, str) else None
    return ProjectInfo(
        cwd=next((found for entry in entries if (found := entry.text("cwd"))), None),
        git_branch=next((found for entry in reversed(entries) if (found := entry.text("gitBranch"))), None),
        worktree=worktree,
    )


def totals(steps: list[Step]) -> Totals:
    """Sums over replies, each counted once, however many lines it took."""
    found = Totals(replies=sum(step.info.kind == "agent" for step in steps))
    for step in steps:
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
        forbidden = {call.tool_call_id for call in step.tool_calls or () if call.extra.bashgym.denied == "user"}
        found.rejections += len(forbidden)
        for result in step.observation.results if step.observation else ():
            found.tool_errors += result.extra.bashgym.is_error and result.source_call_id not in forbidden
        found.interrupts += step.info.kind == "interrupt"
        found.api_errors += step.info.kind == "api_error"
    found.api_errors += sum(event.type == "system" and event.raw.get("subtype") == "api_error" for event in events)
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


def inherit(entries: list[Entry], steps: list[Step]) -> Lineage:
    """Where a forked file came from: a reply that another session asked for is a copy, and so is all before it.

    Marks the copied steps."""
    origin = None
    lines = set()
    for entry in entries:
        asked, session = entry.text("requestSessionId"), entry.text("sessionId")
        if asked and session and asked != session:
            origin = origin or asked
            lines.add(entry.line_no)
    last = max((number for number, step in enumerate(steps) if not lines.isdisjoint(step.info.line_nos)), default=-1)
    for step in steps[: last + 1]:
        step.is_copied_context = True
    return Lineage(parent_trace=origin, relation="fork") if origin else Lineage()
