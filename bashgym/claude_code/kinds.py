"""The types of lines that Claude Code is known to write (up to 2.1.329); others are kept as events all the same."""

from collections import Counter

from bashgym.trace import Trace

CONVERSATION = frozenset({"user", "assistant", "system", "attachment", "progress"})
BOOKKEEPING = frozenset(
    {
        "queue-operation", "api-request", "api-request-resumed", "api-request-shape", "api-request-blob", "frame-link",
        "observer-ref", "continued-in", "resume-head-vouch", "file-history-snapshot", "file-history-delta",
        "attribution-snapshot", "custom-title", "ai-title", "tag", "relocated", "agent-name", "agent-color",
        "agent-setting", "mode", "permission-mode", "session-owner", "isolation-latch", "dev-mods", "atis-latch",
        "worktree-state", "bridge-session", "tools-used", "data-flow-records", "data-flow-incomplete", "derived-from",
        "summary", "pr-link", "history-suppression", "ended-by-model", "cost-state", "last-prompt",
        "content-replacement", "memory-mode", "artifact-comment-monitor", "artifact-autoreact-ledger",
        "fork-context-ref", "repl-mode", "hybrid-organization",
    }
)  # fmt: skip
OURS = ("hook:", "meta:", "duplicate:")  # how the type of an event begins whose line is of another file, or a copy
COMPACTION_AGENT = "compaction_agent"


def unknown(trace: Trace) -> Counter[str]:
    """Types of events that no version is known to write, with how many there are of each: a sign of a newer one."""
    return Counter(
        event.type
        for event in trace.info.events
        if event.type not in CONVERSATION | BOOKKEEPING
        and event.type != COMPACTION_AGENT
        and not event.type.startswith(OURS)
        and event.file == 0
    )
