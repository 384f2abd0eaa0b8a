"""A session of which only our hooks' events are left: its own file was never written (`--no-session-persistence`), or
is gone and was not archived.

Hooks are told prompts, calls, their results and failures, and the last words before a stop. They are not told what the
model said or thought between calls, which calls were of one reply, the system prompt, or tokens: such a trace says so
in `notes` and `foreign.missing`, its usage is not reliable, and calls stay in one step until one of them is answered.
Steps claim no lines: each line of the spool is an event (hooks.py)."""

from pathlib import Path
from typing import Any

from bashgym import jsonl
from bashgym.claude_code import hooks
from bashgym.claude_code.hooks import Seen, text
from bashgym.claude_code.users import COMMAND, NOTIFICATION
from bashgym.reading import subagents
from bashgym.reading.conversation import Conversation, source_info
from bashgym.records import SessionRef
from bashgym.trace import Agent, ProjectInfo, Step, StepKind, Trace

MISSING = ("words between calls", "thinking", "system prompt", "tokens", "which calls were of one reply")
NOTES = f"From hook events alone, since the session's own file is gone. Missing: {', '.join(MISSING)}."


def read(ref: SessionRef, path: Path) -> list[Trace]:
    """The session's trace and those of its sub-agents. Raises InputError when the spool cannot be read."""
    file = hooks.spooled(path, 0)
    talks: dict[str, Talk] = {"": Talk()}
    for kind, told, when in file.seen:
        talks.setdefault(text(told, "agent_id"), Talk()).hear(kind, told, when)
    main = trace(ref, talks.pop(""), file.seen)
    main.info.source.files.append(file.source)
    main.info.events, main.info.malformed = file.events, file.malformed
    agents = [trace(ref, talk, file.seen, name) for name, talk in talks.items() if talk.steps]
    for agent in agents:
        subagents.tie(agent, main)
    hooks.tell([main, *agents], file.seen)
    return [main, *agents]


def trace(ref: SessionRef, talk: "Talk", seen: Seen, agent_id: str | None = None) -> Trace:
    cwd = next((place for _, told, _ in seen if (place := text(told, "cwd"))), None)
    model = next((name for _, told, _ in seen if (name := text(told, "model"))), None)
    found = talk.trace(
        ref.id,
        Agent(name="claude-code", model_name=None if agent_id else model),
        source_info("claude_code", []),
        ProjectInfo(cwd=cwd),
        usage_reliable=False,
    )
    found.info.source.captured_by = "hook"
    found.trajectory_id, found.notes = agent_id, NOTES
    found.info.foreign["missing"] = list(MISSING)
    return found


class Talk(Conversation):
    """The session itself or one of its sub-agents, event by event."""

    def __init__(self) -> None:
        super().__init__(lift=False)
        self.reply: Step | None = None  # that calls are still added to
        self.waiting: dict[tuple[str, bytes], list[str]] = {}  # calls without an id, by what they ask
        self.count = 0
        self.answered: set[str] = set()  # a hook that is registered twice tells everything twice

    def hear(self, kind: str, told: dict[str, Any], when: str | None) -> None:
        call_id = text(told, "tool_use_id") or self.unnamed(kind, told)
        if kind == "UserPromptSubmit":
            self.prompted(text(told, "prompt"), when)
        elif kind == "PreToolUse" and call_id not in self.calls:
            self.reply = self.reply or self.say("agent", "", ts=when)
            self.call(self.reply, call_id, text(told, "tool_name"), told.get("tool_input"))
        elif kind in ("PostToolUse", "PostToolUseFailure"):
            failed = kind == "PostToolUseFailure"
            raw = told.get("error" if failed else "tool_response")
            self.answer(call_id, content(raw), when, failed, raw)
        elif kind == "PostToolBatch":
            self.shown(told.get("tool_calls"))
        elif kind in ("Stop", "SubagentStop") and (words := text(told, "last_assistant_message")):
            if not self.steps or self.steps[-1].message != words:
                self.say("agent", words, ts=when)
            self.reply = None
        elif kind == "PreCompact":
            self.compacted(text(told, "trigger") or "auto")

    def unnamed(self, kind: str, told: dict[str, Any]) -> str:
        """The call of a client that did not name calls yet (before 2.0.43): a result goes to the first like it."""
        like = (text(told, "tool_name"), jsonl.dumps(told.get("tool_input")))
        waiting = self.waiting.setdefault(like, [])
        if kind == "PreToolUse":
            self.count += 1
            waiting.append(f"hook-{self.count}")
            return waiting[-1]
        return waiting.pop(0) if kind == "PostToolUse" and waiting else ""

    def prompted(self, words: str, when: str | None) -> None:
        last = self.steps[-1] if self.steps else None
        if last is not None and last.source == "user" and last.message == words and last.timestamp == when:
            return
        self.reply = None
        self.say("user", words, kind=speaker(words), ts=when)

    def answer(self, call_id: str, said: Any, when: str | None, failed: bool, raw: Any) -> None:
        if call_id not in self.answered:
            self.answered.add(call_id)
            self.result(call_id, said, is_error=failed, raw=raw, ts=when)
            self.reply = None

    def shown(self, calls: Any) -> None:
        """What the model was shown of the results, which is surer than the tools' own records of them."""
        for one in calls if isinstance(calls, list) else ():
            step = self.calls.get(text(one, "tool_use_id")) if isinstance(one, dict) else None
            result = step.results().get(one["tool_use_id"]) if step else None
            if result is not None and isinstance(one.get("tool_response"), (str, list)):
                result.content = content(one["tool_response"])


def speaker(words: str) -> StepKind:
    start = words.lstrip()
    if start.startswith(NOTIFICATION):
        return "task_notification"
    return "command" if start.startswith(COMMAND) else "human"


def content(said: Any) -> Any:
    """A result as text or parts: what a command printed, blocks as they are, any other record as JSON."""
    if isinstance(said, list) and all(isinstance(part, dict) for part in said):
        return said
    if isinstance(said, dict) and isinstance(said.get("stdout"), str):
        return "\n".join(filter(None, (said["stdout"], text(said, "stderr"))))
    return said if isinstance(said, str) or said is None else jsonl.dumps(said).decode()
