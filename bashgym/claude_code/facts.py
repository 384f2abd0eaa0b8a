"""Who worked where, with which model, what it cost, how it ended, and what a session was copied from."""

import hashlib
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

from bashgym.claude_code.lines import UNFINISHED, Entry, Kinds
from bashgym.claude_code.requests import definitions
from bashgym.reading.excluded import repository
from bashgym.reading.facts import ended
from bashgym.trace import Agent, Ending, Lineage, Malformed, ProjectInfo, Step, plain

NAME = "claude-code"
REASONS_SINCE = (2, 1, 100)  # from this version on every reply that came to its end says why it ended
RECENT = re.compile(r"Recent commits:\n([0-9a-f]{7,40})\b")
HEAD = re.compile(r"[0-9a-f]{40}")
ASKS_REMOTE = re.compile(r"\bgit\b.*\b(?:remote|push|fetch|pull|clone)\b")
REMOTE = re.compile(
    r"(?:^|\s)((?:https?://|ssh://|git@)[\w.@:-]+[:/][\w./~-]+/[\w.-]+|[\w-]+\.[\w.-]+:[\w.-]+/[\w.-]+)"
)
PULL = re.compile(r"(https://[\w.-]+/.+?)(?:/-)?/(?:pull|merge_requests)/\d+")


def agent_of(entries: list[Entry], kinds: Kinds, replies: list[Step]) -> Agent:
    """The last version that wrote, and the model of most of its replies."""
    version = next((found for entry in reversed(entries) if (found := entry.text("version"))), None)
    models = Counter([step.model_name for step in replies if step.model_name])
    model = models.most_common(1)[0][0] if models else None
    return Agent(name=NAME, version=version, model_name=model, tool_definitions=definitions(kinds))


def project_of(entries: list[Entry], kinds: Kinds, steps: list[Step]) -> ProjectInfo:
    """The folder the session began in, the branch it ended on, the commit it began at, the remote of the repository.

    The commit is what the client told the model (the newest of the recent ones, often shortened)."""
    worktree: dict[str, Any] = {}
    for entry in kinds.get("worktree-state", ()):
        state = entry.value.get("worktreeSession")
        worktree = state if isinstance(state, dict) else worktree
    told = (recent_commit(entry.value.get("attachment")) for entry in kinds.get("attachment", ()))
    commit = next(filter(None, told), None)
    head = worktree.get("originalHeadCommit")
    path = worktree.get("worktreePath")
    return ProjectInfo(
        cwd=next((found for entry in entries if (found := entry.text("cwd"))), None),
        repo_remote_hash=remote_hash(kinds, steps),
        git_branch=next((found for entry in reversed(entries) if (found := entry.text("gitBranch"))), None),
        git_commit=commit or (head if isinstance(head, str) and HEAD.fullmatch(head) else None),
        worktree=path if isinstance(path, str) else None,
    )


def recent_commit(attachment: Any) -> str | None:
    """The newest commit in the state of git that a session began with."""
    context = attachment.get("context") if isinstance(attachment, dict) else None
    status = context.get("gitStatus") if isinstance(context, dict) else None
    found = RECENT.search(status) if isinstance(status, str) else None
    return found[1] if found else None


def remote_hash(kinds: Kinds, steps: list[Step]) -> str | None:
    """SHA-256 of the repository's remote as `host/owner/name`; from pull requests, else from what git printed.

    Only a hash: the name may be private, and it is enough to tell repositories apart."""
    url = next((found[1] for url in pull_requests(kinds) if (found := PULL.match(url))), None)
    url = url or next(printed_remotes(steps), None)
    return hashlib.sha256(repository(url).encode()).hexdigest() if url else None


def printed_remotes(steps: list[Step]) -> Iterator[str]:
    """What looks like a remote in the output of a git command that names one."""
    for step in steps:
        if not step.tool_calls:
            continue
        for call in step.tool_calls:
            command = call.arguments.get("command")
            if not isinstance(command, str) or "git" not in command or not ASKS_REMOTE.search(command[:2000]):
                continue
            result = step.results().get(call.tool_call_id)
            for line in plain(result.content)[:10_000].splitlines() if result else ():
                if found := REMOTE.search(line[:400]):
                    yield found[1]


def pull_requests(kinds: Kinds) -> list[str]:
    """The pull requests that the client noted, each once."""
    found = (entry.text("prUrl") for entry in kinds.get("pr-link", ()))
    return list(dict.fromkeys(url for url in found if url))


def own_cost(kinds: Kinds) -> float | None:
    """USD as the client itself counts them, sub-agents and its own requests included; newer versions write it."""
    for entry in reversed(kinds.get("cost-state", ())):
        cost = entry.value.get("totalCostUSD")
        if isinstance(cost, (int, float)) and not isinstance(cost, bool):
            return float(cost)
    return None


def ending(steps: list[Step], entries: list[Entry], malformed: list[Malformed]) -> Ending:
    """How the session ended, where it did: one that is still being written has not."""
    found = ended(steps)
    if found != "completed":
        return found
    torn = any(bad.reason == UNFINISHED and bad.file == 0 for bad in malformed)
    last = next(step for step in reversed(steps) if step.info.active and step.info.kind == "agent")
    version = next((said for entry in reversed(entries) if (said := entry.text("version"))), "")
    cut = last.info.stop_reason is None and version_of(version) >= REASONS_SINCE
    return "unknown" if torn or cut else "completed"


def version_of(text: str) -> tuple[int, ...]:
    """`2.1.329` -> (2, 1, 329); what is no version sorts before all."""
    return tuple(map(int, re.findall(r"\d{1,9}", text)[:3]))


def inherit(kinds: Kinds, steps: list[Step]) -> Lineage:
    """Where a forked file came from: a reply that another session asked for is a copy, and so is all before it.

    Marks the copied steps."""
    origin = None
    lines = set()
    for entry in kinds.get("assistant", ()):
        if "requestSessionId" not in entry.value:
            continue
        asked = entry.text("requestSessionId")
        if asked and asked != (entry.text("sessionId") or asked):
            origin = origin or asked
            lines.add(entry.line_no)
    if origin is None:
        return Lineage()
    last = max((number for number, step in enumerate(steps) if not lines.isdisjoint(step.info.line_nos)), default=-1)
    for step in steps[: last + 1]:
        step.is_copied_context = True
    return Lineage(parent_trace=origin, relation="fork")
