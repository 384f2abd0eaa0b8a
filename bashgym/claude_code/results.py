"""Tool results: what came back from a call, whether it failed, and whether it was allowed to run at all."""

import re
from typing import Any, Literal

from bashgym.claude_code.lines import Entry
from bashgym.reading import blobs
from bashgym.trace import CallInfo, ObservationResult, ResultExtra, ResultInfo, plain

Denied = Literal["user", "rule", "hook", "classifier"]

EXIT_CODE = re.compile(r"(?:Error: )?Exit code (-?\d{1,10})\b")
# what the client wrote into the result before it had the field toolDenialKind
BY_USER = re.compile(
    r"The user doesn't want to (?:proceed with this tool use|take this action)"
    r"|User rejected|Permission prompt was aborted"
)
BY_RULE = re.compile(
    r"Permission to use .{1,300}? has been denied"
    r"|Claude requested permissions? to .{1,2000}? but you haven't granted it",
    re.DOTALL,
)
BY_HOOK = re.compile(r"(?:Error: )?PreToolUse:\S+ hook ")
DECISIONS: dict[str, Literal["allowed", "denied"]] = {"accept": "allowed", "reject": "denied"}
SPILLED = "<persisted-output>"


def result(entry: Entry, block: dict[str, Any], first: bool) -> ObservationResult:
    """The result in `block`; the line's number and its structured result go with the `first` block of the line."""
    content = parts(block.get("content"))
    text = plain(content)
    failed = block.get("is_error") is True
    raw = entry.value.get("toolUseResult") if first else None
    if raw is None and "content" not in block:
        raw = block  # a result of another shape is kept as it is
    exit_code = EXIT_CODE.match(text) if failed else None
    spilled = isinstance(raw, dict) and (bool(raw.get("persistedOutputPath")) or raw.get("truncated") is True)
    call_id = block.get("tool_use_id")
    return ObservationResult(
        source_call_id=call_id if isinstance(call_id, str) and call_id else None,
        content=content,
        extra=ResultExtra(
            bashgym=ResultInfo(
                is_error=failed,
                exit_code=int(exit_code[1]) if exit_code else None,
                raw=raw,
                ts=entry.ts,
                uuid=entry.uuid,
                line_no=entry.line_no if first else None,
                truncated=spilled or text.startswith(SPILLED),
            )
        ),
    )


def parts(content: Any) -> str | list[dict[str, Any]] | None:
    """Text, or parts with images lifted out; bare text among parts becomes a text part."""
    if not isinstance(content, list):
        return content if isinstance(content, str) else None
    found = [part if isinstance(part, dict) else {"type": "text", "text": str(part)} for part in content]
    return [blobs.lift_part(part) for part in found]


def annotate(call: CallInfo, entry: Entry, answer: ObservationResult) -> None:
    """What the result tells about its call: how long it took and who forbade it."""
    value = entry.value
    if call.denied is None and (answer.extra.bashgym.is_error or "toolDenialKind" in value):
        call.denied = denied(entry, answer)
    decision = value.get("permissionDecision")
    if isinstance(decision, dict):
        said = decision.get("decision")
        call.permission = DECISIONS.get(said, call.permission) if isinstance(said, str) else call.permission
        source = decision.get("source")
        call.permission_by = source if isinstance(source, str) else call.permission_by
    raw = value.get("toolUseResult")
    if type(raw) is dict:
        spent = (raw.get("durationMs"), raw.get("totalDurationMs"))
        call.duration_ms = next((took for took in spent if type(took) is int), call.duration_ms)


def denied(entry: Entry, answer: ObservationResult) -> Denied | None:
    """Who forbade the call; from the client's fields, and from its texts where it had no fields yet."""
    kind = entry.text("toolDenialKind")
    decision = entry.value.get("permissionDecision")
    reason = str(decision.get("reasonType")) if isinstance(decision, dict) else ""
    text = plain(answer.content)
    if kind == "user-rejected":
        return "user"
    if kind is not None:
        if "lassifier" in reason or "lassifier" in kind:
            return "classifier"
        return "hook" if reason == "hook" or BY_HOOK.match(text) else "rule"
    if not answer.extra.bashgym.is_error:
        return None
    if BY_USER.match(text):
        return "user"
    if BY_HOOK.match(text):
        return "hook"
    return "rule" if BY_RULE.match(text) else None
