"""What the output of a call says of how it went: exit code, duration, failure, refusal.

Sure facts come from the event of the same call (`exec_command_end`, or `item_completed` since 0.14x); without one,
from the first lines of what the model saw, which Codex writes itself."""

import re
from typing import Any, Literal, NamedTuple

from bashgym import jsonl
from bashgym.reading.values import at, record, text, whole

Denied = Literal["user", "rule", "hook", "classifier"]
EXIT = re.compile(r"^(?:Exit code: |Process exited with code |exit code: )(-?\d+)\s*$", re.MULTILINE)
WALL = re.compile(r"^Wall time: ([\d.]+) seconds", re.MULTILINE)
HEAD = 400  # characters: what Codex writes above the output itself
FAILED = re.compile(
    r"(?:unsupported (?:custom tool )?call\b|apply_patch verification failed|failed to parse function arguments"
    r"|(?:exec_command|write_stdin|shell) failed|execution error\b|aborted\b|tool call error|error: |Error: "
    r"|command timed out|invalid (?:patch|arguments)|collab (?:spawn|tool) failed|unable to )",
    re.IGNORECASE,
)
BY_USER = re.compile(r"rejected by (?:the )?user|user (?:rejected|denied|declined)|denied by (?:the )?user", re.I)
BY_RULE = re.compile(r"(?:rejected|forbidden|blocked) by (?:\w+ )?(?:policy|rule|approval)|approval policy is", re.I)
BY_HOOK = re.compile(r"blocked by (?:\w+ )?hook", re.IGNORECASE)
BY_REVIEW = re.compile(r"(?:rejected|denied) by (?:the )?(?:guardian|auto[- ]review)", re.IGNORECASE)


class Ran(NamedTuple):
    """How a call went."""

    exit_code: int | None
    is_error: bool
    denied: Denied | None
    duration_ms: int | None


def ran(output: str, end: dict[str, Any]) -> Ran:
    """The facts of `output`, what the model saw, and `end`, the event of the same call or empty."""
    told = json_output(output)
    head = output[:HEAD]
    code = whole(end, "exit_code")
    if code is None:
        code = whole(told, "metadata", "exit_code")
    if code is None and (found := EXIT.search(head)):
        code = int(found[1])
    denied = refusal(head, end)
    failed = code != 0 if code is not None else failure(head, end)
    return Ran(code, failed or denied is not None, denied, duration(told, head, end))


def json_output(output: str) -> dict[str, Any]:
    """Outputs of 2025 are JSON: `{"output": text, "metadata": {"exit_code": n, "duration_seconds": s}}`."""
    if not output.startswith('{"'):
        return {}
    try:
        return record({"value": jsonl.parse(output.encode("utf-8", "surrogatepass"))}, "value")
    except ValueError:
        return {}


def refusal(head: str, end: dict[str, Any]) -> Denied | None:
    """Who forbade the call."""
    if BY_USER.search(head) or text(end, "status") == "declined":
        return "user"
    if BY_REVIEW.match(head):
        return "classifier"
    if BY_HOOK.search(head):
        return "hook"
    return "rule" if BY_RULE.search(head) else None


def failure(head: str, end: dict[str, Any]) -> bool:
    """Whether a call that has no exit code failed."""
    result = at(end, "result")
    wrong = isinstance(result, dict) and ("Err" in result or at(result, "Ok", "isError") or result.get("isError"))
    known = [bool(wrong)] if isinstance(result, dict) else []
    if isinstance(end.get("success"), bool):
        known.append(not end["success"])
    if (status := text(end, "status")) is not None:
        known.append(status in ("failed", "declined", "errored"))
    return any(known) if known else FAILED.match(head) is not None


def duration(told: dict[str, Any], head: str, end: dict[str, Any]) -> int | None:
    """Milliseconds the call took."""
    seconds, nanos = whole(end, "duration", "secs"), whole(end, "duration", "nanos")
    if seconds is not None and nanos is not None:
        return seconds * 1000 + round(nanos / 1e6)
    spent = at(told, "metadata", "duration_seconds")
    if isinstance(spent, (int, float)) and 0 <= spent < 1e9:
        return round(spent * 1000)
    found = WALL.search(head)
    return round(float(found[1]) * 1000) if found and found[1].count(".") < 2 and found[1] != "." else None
