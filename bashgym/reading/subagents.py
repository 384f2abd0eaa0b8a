"""Sub-agents, tied to the call that started them."""

from bashgym.trace import Trace


def name(trace: Trace) -> str:
    """What a trace is called where traces of many sessions meet."""
    return f"{trace.session_id}/{trace.trajectory_id}" if trace.trajectory_id else trace.session_id


def tie(child: Trace, parent: Trace, call_id: str | None = None) -> None:
    """Says that `parent` started `child`, by its call `call_id` where that is known; the first words a sub-agent
    hears are its caller's, and the result of the call refers to it."""
    lineage = child.info.lineage
    lineage.relation, lineage.parent_trace = "subagent", name(parent)
    lineage.depth = parent.info.lineage.depth + 1
    first = next((step for step in child.steps if step.info.kind == "human"), None)
    if first is not None:
        first.info.origin = "parent"
    for step in parent.steps:
        if call_id and any(call.tool_call_id == call_id for call in step.tool_calls or ()):
            lineage.parent_call_id = call_id
            result = step.results().get(call_id)
            if result is not None:
                found = result.subagent_trajectory_ref = result.subagent_trajectory_ref or []
                found.append({"trajectory_id": child.trajectory_id, "session_id": child.session_id})
            return
