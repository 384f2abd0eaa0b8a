"""The lines of one transcript file in the client's shape: chained, stamped, one content block to a line.

Two eras of the client 2.1.x are written, as their files differ. `old` (2.1.39 to 2.1.50): progress lines in the chain,
`stop_reason` null, output tokens true on the last line of a reply only. `new` (2.1.100): promptId and entrypoint, usage
and `stop_reason` the same on every line of a reply, `last-prompt` at the end."""

import json
import random
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from client import identity

Line = dict[str, Any]
MILLISECOND = timedelta(milliseconds=1)


@dataclass(frozen=True)
class Era:
    name: str
    versions: tuple[str, ...]
    model: str
    task_tool: str  # what the sub-agent tool was called


OLD = Era("old", ("2.1.50", "2.1.52", "2.1.55"), "claude-opus-4-6", "Task")
NEW = Era("new", ("2.1.100", "2.1.104"), "claude-sonnet-4-6", "Agent")


@dataclass
class Transcript:
    era: Era
    version: str
    session: str
    cwd: str
    branch: str
    slug: str
    now: datetime
    rng: random.Random
    agent: str | None = None
    lines: list[Line] = field(default_factory=list)
    tip: str | None = None
    prompt: str = ""
    cached: int = 0
    pending: int = 14000  # tokens the model has not seen yet; a session opens with the client's own prompt

    def tick(self, low: int, high: int) -> None:
        """Lets some time pass; milliseconds."""
        self.now += self.rng.randint(low, high) * MILLISECOND

    def stamp(self) -> str:
        return self.now.strftime("%Y-%m-%dT%H:%M:%S.") + f"{self.now.microsecond // 1000:03d}Z"

    def chain(self, kind: str, body: Line, parent: str | None = "tip") -> str:
        """Appends a line to the chain (after `parent`, by default the last line) and returns its uuid."""
        fresh = identity.fresh_uuid(self.rng)
        line: Line = {"parentUuid": self.tip if parent == "tip" else parent, "isSidechain": self.agent is not None}
        line |= {"userType": "external", "cwd": self.cwd, "sessionId": self.session, "version": self.version}
        line |= {"gitBranch": self.branch, "slug": self.slug}
        line |= {"agentId": self.agent} if self.agent else {}
        line |= {"entrypoint": "cli"} if self.era is NEW else {}
        self.lines.append({**line, "type": kind, **body, "uuid": fresh, "timestamp": self.stamp()})
        self.tip = fresh
        return fresh

    def note(self, line: Line) -> None:
        """Appends a bookkeeping line, which is no part of the chain."""
        self.lines.append(line)

    def user(self, content: Any, **more: Any) -> str:
        self.pending += size(content)
        if self.era is NEW and not more.get("isCompactSummary"):
            more = {"promptId": self.prompt, **more}
        return self.chain("user", {"message": {"role": "user", "content": content}, **more})

    def asked(self, text: str) -> None:
        """A prompt of the human, with the snapshot line the client writes before it."""
        self.tick(4000, 90000)
        self.prompt = identity.fresh_uuid(self.rng)
        place = len(self.lines)
        fresh = self.user(text, permissionMode="acceptEdits") if not self.agent else self.user(text)
        if not self.agent:
            snapshot = {"messageId": fresh, "trackedFileBackups": {}, "timestamp": self.stamp()}
            line = {
                "type": "file-history-snapshot",
                "messageId": fresh,
                "snapshot": snapshot,
                "isSnapshotUpdate": False,
            }
            self.lines.insert(place, line)

    def replied(self, blocks: list[Line]) -> list[str]:
        """One reply of the model: a line for each block, under one message id and request id."""
        ids = {"id": identity.message_id(self.rng), "request": identity.request_id(self.rng)}
        calls = any(block["type"] == "tool_use" for block in blocks)
        output = sum(size(block) for block in blocks) + self.rng.randint(3, 12)
        usage = self.usage(output)
        uuids = []
        for number, block in enumerate(blocks, 1):
            self.tick(700, 6000)
            shown = {**usage, "output_tokens": number} if self.early(number, blocks) else usage
            reason = ("tool_use" if calls else "end_turn") if self.era is NEW else None
            message: Line = {
                "model": self.era.model,
                "id": ids["id"],
                "type": "message",
                "role": "assistant",
                "content": [block],
            }
            message |= {"stop_reason": reason, "stop_sequence": None, "usage": shown}
            uuids.append(self.chain("assistant", {"message": message, "requestId": ids["request"]}))
        self.pending = output
        return uuids

    def early(self, number: int, blocks: list[Line]) -> bool:
        return self.era is OLD and number < len(blocks)

    def usage(self, output: int) -> Line:
        created, self.pending = self.pending, 0
        tiers = {"ephemeral_5m_input_tokens": created, "ephemeral_1h_input_tokens": 0}
        usage: Line = {"input_tokens": self.rng.randint(1, 8), "cache_creation_input_tokens": created}
        usage |= {"cache_read_input_tokens": self.cached, "cache_creation": tiers, "output_tokens": output}
        self.cached += created
        return {**usage, "service_tier": "standard"}

    def answered(self, call: str, source: str, content: Any, raw: Any, error: bool | None = None, **more: Any) -> None:
        """The result of a tool call: what the model sees, and what the client knows of it."""
        result = {"tool_use_id": call, "type": "tool_result", "content": content}
        result |= {} if error is None else {"is_error": error}
        self.tip = source  # progress lines of the call lie beside the result, not above it
        about = {} if self.agent else {"toolUseResult": raw}
        self.user([result], **about, sourceToolAssistantUUID=source, **more)

    def progress(self, data: Line, call: str, marker: str) -> None:
        if self.era is OLD:
            self.tick(100, 900)
            self.chain("progress", {"data": data, "toolUseID": marker, "parentToolUseID": call})

    def system(self, subtype: str, parent: str | None = "tip", **more: Any) -> str:
        return self.chain("system", {"subtype": subtype, **more}, parent)

    def stopped(self, started: datetime) -> None:
        """What the client notes when a turn has ended: the user's Stop hook, and how long a longer turn took."""
        if self.era is OLD:
            self.hooked("notify-send 'claude is done'")
        duration = int((self.now - started) / MILLISECOND)
        if duration > 30000:
            self.system("turn_duration", durationMs=duration, isMeta=False)

    def hooked(self, command: str) -> None:
        """The owner had a Stop hook in the old era only."""
        hook = identity.fresh_uuid(self.rng)
        data = {"type": "hook_progress", "hookEvent": "Stop", "hookName": "Stop", "command": command}
        self.progress(data, hook, hook)
        about: Line = {"hookCount": 1, "hookInfos": [{"command": command}], "hookErrors": []}
        about |= {"preventedContinuation": False, "stopReason": ""}
        self.system("stop_hook_summary", **about, hasOutput=False, level="suggestion", toolUseID=hook)

    def text(self) -> str:
        return "".join(json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n" for line in self.lines)


def size(value: Any) -> int:
    """Tokens, roughly: a quarter of the characters."""
    return len(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)) // 4 + 1
