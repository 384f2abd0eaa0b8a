"""Sessions as dataclaw exports them: conversations.jsonl, one session a line."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from bashgym import config, jsonl
from bashgym.reading import blobs, rows
from bashgym.reading.conversation import Conversation
from bashgym.reading.values import at, text, whole
from bashgym.records import SessionRef
from bashgym.trace import Agent, Lineage, ProjectInfo, Step, Trace

NAME = "dataclaw"
SUBAGENTS = ":subagents"  # how dataclaw marks the merged sub-agents of a session
USED = {"role": str, "content": str, "thinking": str, "timestamp": str}
AGENTS = {"claude": "claude-code", "codex": "codex", "gemini": "gemini-cli", "opencode": "opencode", "cursor": "cursor"}


class Source:
    """Reads `conversations.jsonl`, or a folder of exports (also of data sets that dataclaw published).

    dataclaw merges a session's sub-agents into one, sums tokens per line and keeps no ids of calls, so usage is
    never reliable and results are tied to calls by their place."""

    class Config(config.Config):
        path: str = ""
        """An export of dataclaw (.jsonl), or a folder of exports."""

    def __init__(self, config: Config) -> None:
        self.config = config

    def list(self) -> Iterable[SessionRef]:
        """Every session, unread. Raises InputError when there are no exports."""
        found = rows.files_of(NAME, self.config.path, "conversations.jsonl", "an export of dataclaw")
        return rows.references(NAME, found, name_of)

    def read(self, ref: SessionRef) -> Iterator[Trace]:
        """The session's trace."""
        found = rows.row(ref)
        if found.error or not isinstance(at(found.value, "messages"), list):
            yield rows.broken(NAME, ref, found, found.error or "no list of messages")
            return
        try:
            blobs.lift_long(found.value, lift=False)
        except blobs.TooDeep as error:
            yield rows.broken(NAME, ref, found, str(error))
            return
        yield session(found.value, ref, found)


def name_of(path: Path, found: rows.Row) -> str | None:
    return text(found.value, "session_id")


def session(value: dict[str, Any], ref: SessionRef, found: rows.Row) -> Trace:
    """One line of an export; a message's line number is its place in `messages`, from 1."""
    talk = Conversation()
    for number, one in enumerate(value["messages"], 1):
        message(talk, one, number)
    kind, name = text(value, "source"), text(value, "session_id") or ref.id
    agent = Agent(name=AGENTS.get(kind or "", kind or NAME), model_name=text(value, "model"))
    project = ProjectInfo(git_branch=text(value, "git_branch"))
    lineage = Lineage()
    if name.endswith(SUBAGENTS):
        name = name.removesuffix(SUBAGENTS)
        lineage = Lineage(parent_trace=name, relation="subagent", depth=1)
    source = rows.info_of(NAME, ref, found)
    made = talk.trace(name, agent, source, project, lineage, usage_reliable=False)
    made.trajectory_id = "subagents" if lineage.relation else None
    made.info.foreign = {key: item for key, item in value.items() if key not in ("messages", "session_id")}
    blobs.lift_long(made.info.foreign)
    return made


def message(talk: Conversation, value: Any, number: int) -> None:
    """One message with its calls and their outputs."""
    role, ts = text(value, "role"), text(value, "timestamp")
    words = value.get("content") if isinstance(value, dict) else None
    if role not in ("user", "assistant", "system") or not isinstance(words, str | None):
        talk.bad(number, "message is not what it should be", jsonl.dumps(value).decode())
        return
    listed = value.get("content_parts")
    fine = isinstance(listed, list) and all(isinstance(one, dict) for one in listed)
    parts = [blobs.lift_part(one) for one in listed] if fine and listed else []
    rest = beyond(value, USED)
    if fine:
        rest.pop("content_parts", None)
    blobs.lift_long(rest)
    origin: Any = {"assistant": "agent"}.get(role, role)
    spoken = [{"type": "text", "text": words}] if words and parts else []
    step = talk.say(origin, [*spoken, *parts] if parts else words or "", ts=ts, line_no=number)
    if thinking := text(value, "thinking"):
        talk.think(step, thinking)
    uses = rest.pop("tool_uses", None)
    step.info.foreign = rest if isinstance(uses, list | None) else {**rest, "tool_uses": uses}
    for place, use in enumerate(uses if isinstance(uses, list) else (), 1):
        called(talk, step, use, f"call_{number}_{place}", ts)


def called(talk: Conversation, step: Step, use: Any, call_id: str, ts: str | None) -> None:
    """One call, and its output where the export has one."""
    if not isinstance(use, dict):
        step.info.foreign.setdefault("tool_uses", []).append(use)
        return
    made = talk.call(step, call_id, text(use, "tool") or "unknown", use.get("input"))
    made.extra.bashgym.foreign = beyond(use, {"tool": str, "input": object, "output": object, "status": str})
    output, status = use.get("output"), text(use, "status")
    if output is None and status is None:
        return
    raw = at(output, "raw") if isinstance(output, str | dict) else output
    code = whole(raw, "exit_code") if whole(raw, "exit_code") is not None else whole(raw, "exitCode")
    words = output if isinstance(output, str) else text(output, "text") or ""
    failed = status in ("error", "failed") or bool(code)
    answer = talk.result(call_id, words, is_error=failed, exit_code=code, raw=raw, ts=ts)
    rest = beyond(output, {"text": str, "raw": object}) if isinstance(output, dict) else {}
    answer.extra.bashgym.foreign = {**rest, **({"status": status} if status else {})}


def beyond(value: dict[str, Any], used: Mapping[str, type]) -> dict[str, Any]:
    """What is not used of an object, or is not of the type in which it is used."""
    return {
        key: item
        for key, item in value.items()
        if item is not None and not (key in used and isinstance(item, used[key]))
    }
