"""Times as agents write them: seconds since 1970 as a float, or text."""

from datetime import UTC, datetime
from typing import Any


def iso(value: Any) -> str | None:
    """ISO 8601, UTC, in milliseconds; text is kept as given; None for what is no time."""
    if isinstance(value, str):
        return value or None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return datetime.fromtimestamp(value, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    except (ValueError, OverflowError, OSError):
        return None
