"""Tool definitions in OpenAI's shape, inferred from how tools were called.

Transcripts of most agents keep calls but no definitions, and a row must declare every tool it calls. What is
inferred says so; names, arguments, their JSON types and which are always present are facts of the history."""

import json
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from bashgym.trace import Trace

JSON_TYPES = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array", dict: "object"}

DESCRIPTION = 160  # characters of a description that are kept where room is short: about its first sentence
WORDS = frozenset({"description", "title", "$schema", "$comment"})  # of a schema, that say nothing to be checked

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


def transcribed(found: Iterable[Any] | None) -> list[dict[str, Any]]:
    """Definitions that a transcript holds, those in OpenAI's shape, once a name, by name."""
    named: dict[str, dict[str, Any]] = {}
    for tool in found or ():
        function = tool.get("function") if isinstance(tool, dict) else None
        if isinstance(function, dict) and isinstance(function.get("name"), str):
            named.setdefault(function["name"], {"type": "function", "function": function})
    return [named[name] for name in sorted(named)]


def fitted(tools: list[dict[str, Any]], called: Collection[str], room: int) -> list[dict[str, Any]]:
    """The definitions in `room` characters of JSON, as far as that goes: descriptions shortened, then those of
    arguments left out, then tools that are not `called`. What is called stays, with its arguments and their types."""
    for length in (None, DESCRIPTION, 0):
        made = [slim(tool, length) for tool in tools]
        sizes = [len(json.dumps(tool, ensure_ascii=False)) for tool in made]
        if sum(sizes) <= room:
            return made
    kept, left = set(called), room - sum(n for tool, n in zip(made, sizes, strict=True) if name_of(tool) in called)
    for tool, n in zip(made, sizes, strict=True):
        if name_of(tool) not in called and n <= left:
            kept.add(name_of(tool))
            left -= n
    return [tool for tool in made if name_of(tool) in kept]


def name_of(tool: Mapping[str, Any]) -> str:
    return str(tool["function"]["name"])


def slim(tool: dict[str, Any], length: int | None) -> dict[str, Any]:
    """A definition whose descriptions have at most `length` characters (None: as they are); with 0 its
    arguments have none."""
    if length is None:
        return tool
    function = dict(tool["function"])
    function["parameters"] = bare(function.get("parameters") or {}, length)
    if isinstance(function.get("description"), str):
        first = function["description"].strip().split("\n", 1)[0]
        function["description"] = first[: length or DESCRIPTION]
    return {**tool, "function": function}


def bare(schema: Any, length: int) -> Any:
    """A JSON schema with its descriptions cut; a property that is named `description` stays."""
    if isinstance(schema, list):
        return [bare(one, length) for one in schema]
    if not isinstance(schema, dict):
        return schema
    made: dict[str, Any] = {}
    for key, value in schema.items():
        if key == "properties" and isinstance(value, dict):
            made[key] = {name: bare(one, length) for name, one in value.items()}
        elif key in WORDS and isinstance(value, str):
            if length and key == "description":
                made[key] = value.strip().split("\n", 1)[0][:length]
        else:
            made[key] = bare(value, length)
    return made


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
