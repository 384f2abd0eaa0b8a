"""The call that should have been made in place of one that was corrected, where it can be told for certain."""

from collections.abc import Sequence
from typing import Any

from bashgym.mining.places import Message
from bashgym.signals.calls import EDIT_TOOLS, WRITE_TOOLS, Called, path_of


def redone(first: Called, later: Sequence[Called]) -> Called | None:
    """The first later change of the same file that took effect."""
    path = path_of(first)
    editing = EDIT_TOOLS | WRITE_TOOLS
    return next((one for one in later if one.tool in editing and one.took_effect and path_of(one) == path), None)


def arguments(first: Called, later: Called) -> dict[str, Any] | None:
    """What `first` should have been called with so that the file is as it was after `later`: a Write's whole content;
    an edit within the text the first one left, put together with it; an edit of the same place that was put back or
    never made. None where it cannot be told."""
    if later.tool in WRITE_TOOLS and first.tool in WRITE_TOOLS:
        return later.call.arguments
    old, new = texts(first)
    before, after = texts(later)
    if None in (new, before, after) or not before:
        return None
    if not first.took_effect or (old is not None and before == old):
        return later.call.arguments
    if str(new).count(str(before)) == 1:
        name = "content" if first.tool in WRITE_TOOLS else "new_string"
        if name in first.call.arguments:
            return {**first.call.arguments, name: str(new).replace(str(before), str(after), 1)}
    return None


def texts(called: Called) -> tuple[str | None, str | None]:
    """What an edit takes away and what it leaves; a Write takes nothing known."""
    found = called.call.arguments
    new = found.get("content") if called.tool in WRITE_TOOLS else found.get("new_string")
    old = found.get("old_string")
    return (old if isinstance(old, str) else None), (new if isinstance(new, str) else None)


def with_arguments(message: Message, arguments: dict[str, Any]) -> Message:
    """A reply of one call with other arguments."""
    (call,) = message["tool_calls"]
    return {**message, "tool_calls": [{**call, "function": {**call["function"], "arguments": arguments}}]}
