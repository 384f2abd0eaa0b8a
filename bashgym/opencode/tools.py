"""What the state of a tool part says of how the call went."""

import re
from typing import Any, Literal, NamedTuple

from bashgym.reading.values import at, iso_ms, record, records, text, whole

BY_USER = re.compile(r"user (?:rejected|dismissed|denied|declined)|rejected (?:the )?permission", re.IGNORECASE)
BY_RULE = re.compile(r"rule (?:which|that) prevents|specified a rule|denied by (?:a )?rule", re.IGNORECASE)


class Done(NamedTuple):
    """How a call went; `over` is False while it runs."""

    over: bool
    text: str
    is_error: bool
    exit_code: int | None
    denied: Literal["user", "rule"] | None
    started_at: str | None
    ended_at: str | None
    duration_ms: int | None
    truncated: bool
    files: list[dict[str, Any]]


def done(state: dict[str, Any]) -> Done:
    """A shell command that failed is "completed" all the same: `metadata.exit` knows."""
    status, metadata = text(state, "status"), record(state, "metadata")
    words = state.get("error") if status == "error" else state.get("output")
    code = whole(metadata, "exit")
    failed = status == "error"
    start, end = at(state, "time", "start"), at(state, "time", "end")
    begun, over = whole(start), whole(end)
    return Done(
        over=status in ("completed", "error"),
        text=words if isinstance(words, str) else "",
        is_error=failed or bool(code),
        exit_code=code,
        denied=forbidden(words) if failed and isinstance(words, str) else None,
        started_at=iso_ms(start),
        ended_at=iso_ms(end),
        duration_ms=over - begun if begun is not None and over is not None and over >= begun else None,
        truncated=metadata.get("truncated") is True,
        files=records(state, "attachments"),
    )


def forbidden(words: str) -> Literal["user", "rule"] | None:
    """Who forbade the call."""
    if BY_USER.search(words):
        return "user"
    return "rule" if BY_RULE.search(words) else None
