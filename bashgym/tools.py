"""Tool definitions in OpenAI's shape, inferred from how tools were called.

Transcripts of most agents keep calls but no definitions, and a row must declare every tool it calls. What is
inferred says so; names, arguments, their JSON types and which are always present are facts of the history."""

from collections.abc import Iterable, Mapping
from typing import Any

from bashgym.trace import Trace

JSON_TYPES = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array", dict: "object"}

Usage = dict[str, dict[str, Any]]


def usage(trace: Trace) -> Usage:
    """How the tools of one trace were called."""
    calls = (call for step in trace.steps for call in step.tool_calls or [])
    return counted((call.function_name, call.arguments) for call in calls)


def counted(calls: Iterable[tuple[str, Mapping[str, Any]]]) -> Usage:
    """tool -> {calls, arguments: {name: {json type: times}}} over calls of (name, arguments)."""
    found: Usage = {}
    for called, arguments in calls:
        tool = found.setdefault(called, {"calls": 0, "arguments": {}})
        tool["calls"] += 1
        for name, value in arguments.items():
            types = tool["arguments"].setdefault(name, {})
            kind = JSON_TYPES.get(type(value), "null")
            types[kind] = types.get(kind, 0) + 1
    return found


def merge(usages: Iterable[Usage]) -> Usage:
    """One usage out of many; the order of `usages` does not matter."""
    total: Usage = {}
    for one in usages:
        for name, tool in one.items():
            into = total.setdefault(name, {"calls": 0, "arguments": {}})
            into["calls"] += tool["calls"]
            for argument, types in tool["arguments"].items():
                counts = into["arguments"].setdefault(argument, {})
                for kind, times in types.items():
                    counts[kind] = counts.get(kind, 0) + times
    return total


def definitions(used: Usage, at_most: int) -> list[dict[str, Any]]:
    """Definitions of the `at_most` most called tools, by name."""
    names = sorted(sorted(used, key=lambda name: (-used[name]["calls"], name))[:at_most])
    return [definition(name, used[name]) for name in names]


def definition(name: str, tool: Mapping[str, Any]) -> dict[str, Any]:
    """One tool; an argument is required when every call had it."""
    properties, required = {}, []
    for argument in sorted(tool["arguments"]):
        types = tool["arguments"][argument]
        kinds = sorted(types)
        properties[argument] = {"type": kinds[0] if len(kinds) == 1 else kinds}
        if sum(types.values()) == tool["calls"]:
            required.append(argument)
    parameters: dict[str, Any] = {"type": "object", "properties": properties}
    if required:
        parameters["required"] = required
    return {"type": "function", "function": {"name": name, "parameters": parameters}}
