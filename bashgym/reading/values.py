"""Values of the wrong type are no values: how a source asks for what a line of another program should hold."""

import datetime
from typing import Any

from bashgym import jsonl
from bashgym.reading import blobs

LARGEST = 1 << 53  # what JavaScript, which most agents are written in, counts exactly


def at(value: Any, *keys: str) -> Any:
    """What lies under `keys`, one within the other; None where there is no such thing."""
    for key in keys:
        if not isinstance(value, dict):
            return None
        value = value.get(key)
    return value


def text(value: Any, *keys: str) -> str | None:
    """The text under `keys` where there is some."""
    found = at(value, *keys)
    return found if isinstance(found, str) and found else None


def whole(value: Any, *keys: str) -> int | None:
    """The whole number under `keys`, a float without a fraction included."""
    found = at(value, *keys)
    if isinstance(found, float) and found.is_integer():
        found = int(found)
    return found if type(found) is int and abs(found) < LARGEST else None


def count(value: Any, *keys: str) -> int:
    """The count under `keys`; 0 where there is none."""
    return max(whole(value, *keys) or 0, 0)


def record(value: Any, *keys: str) -> dict[str, Any]:
    """The object under `keys`, else an empty one."""
    found = at(value, *keys)
    return found if isinstance(found, dict) else {}


def records(value: Any, *keys: str) -> list[dict[str, Any]]:
    """The objects in the list under `keys`; what else it holds is left out."""
    found = at(value, *keys)
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def arguments(given: Any) -> Any:
    """Arguments as an object where they are one, as a JSON string too."""
    if not isinstance(given, str):
        return given
    try:
        value = jsonl.parse(given.encode("utf-8", "surrogatepass"))
        blobs.lift_long(value, lift=False)
    except ValueError:
        return given
    return value if isinstance(value, dict) else given


def iso(seconds: Any) -> str | None:
    """ISO 8601 in UTC with milliseconds for seconds since 1970; None for what is no such time."""
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)):
        return None
    try:
        moment = datetime.datetime.fromtimestamp(seconds, datetime.UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def iso_or_text(value: Any) -> str | None:
    """`iso`; text, which is a time already, as it is."""
    return value or None if isinstance(value, str) else iso(value)


def iso_ms(milliseconds: Any) -> str | None:
    """`iso` of milliseconds since 1970."""
    if isinstance(milliseconds, bool) or not isinstance(milliseconds, (int, float)):
        return None
    return iso(milliseconds / 1000) if abs(milliseconds) < LARGEST else None
