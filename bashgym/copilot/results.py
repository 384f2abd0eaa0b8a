"""What the end of a tool's execution says of how the call went."""

import re
from typing import Any, Literal, NamedTuple

from bashgym.reading.values import record, text, whole

EXIT = re.compile(r"exit(?:ed)?(?: with)?(?: exit)? code:? (-?\d+)>?\s*\Z")
BY_USER = re.compile(r"user (?:rejected|denied|declined)|(?:rejected|denied|declined) by (?:the )?user", re.IGNORECASE)
BY_RULE = re.compile(r"denied by (?:\w+ )?(?:rules?|policy)|permission denied and could not request", re.IGNORECASE)
BY_HOOK = re.compile(r"(?:denied|blocked) by (?:\w+ )?hook", re.IGNORECASE)
HEAD = 1000  # characters: what forbids a call is short
KINDS = {
    "denied-interactively-by-user": "user",
    "denied-by-rules": "rule",
    "denied-by-content-exclusion-policy": "rule",
    "denied-no-approval-rule-and-could-not-request-from-user": "rule",
    "denied-by-permission-request-hook": "hook",
}
Denied = Literal["user", "rule", "hook"]


class Ran(NamedTuple):
    """How a call went."""

    text: str
    is_error: bool
    exit_code: int | None
    denied: Denied | None
    duration_ms: int | None


def ran(data: dict[str, Any], permission: str | None) -> Ran:
    """The facts of a `tool.execution_complete`; `permission` is how a request to allow the call was answered."""
    error = text(data, "error", "message")
    words = text(data, "result", "content") or error or ""
    found = EXIT.search(words[-200:])
    code = int(found[1]) if found else None
    wrong = data.get("success") is False
    denied = forbidden(words[:HEAD], text(data, "error", "code"), permission) if wrong or permission else None
    failed = wrong or bool(code) or denied is not None
    measures = record(data, "toolTelemetry", "metrics")
    spent = next((n for key in ("durationMs", "duration_ms") if (n := whole(measures, key)) is not None), None)
    return Ran(words, failed, code, denied, spent)


def forbidden(words: str, code: str | None, permission: str | None) -> Denied | None:
    """Who forbade the call."""
    known = KINDS.get(permission or "")
    if known is not None:
        return known  # type: ignore[return-value]
    if code in ("rejected", "denied") or BY_USER.search(words):
        return "user" if not BY_RULE.search(words) else "rule"
    if BY_HOOK.search(words):
        return "hook"
    return "rule" if BY_RULE.search(words) else None
