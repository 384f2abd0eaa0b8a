"""Who worked where, with which model, and what a session was copied from."""

from collections import Counter

from bashgym.claude_code.definitions import definitions
from bashgym.claude_code.lines import Entry
from bashgym.trace import Agent, Lineage, ProjectInfo, Step

NAME = "claude-code"


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
