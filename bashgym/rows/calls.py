"""Tool calls that must not be learnt: what a model that saw them would get wrong ever after."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import orjson

EDITS = (("old_string", "new_string"), ("old_str", "new_str"))


def parameters(tools: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """name -> JSON schema of the arguments, over definitions in OpenAI's shape."""
    return {tool["function"]["name"]: tool["function"].get("parameters") or {} for tool in tools}


def malformed(message: Mapping[str, Any], schemas: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """What is wrong with the arguments of a message's calls, a few words each."""
    for call in message.get("tool_calls") or []:
        function = call["function"]
        schema = schemas.get(function["name"], {})
        if doubly_encoded(function["arguments"], schema):
            yield "tool arguments encoded twice"
        elif empty(function["arguments"], schema):
            yield "empty tool arguments"


def doubly_encoded(arguments: Any, schema: Mapping[str, Any]) -> bool:
    """Whether JSON lies in JSON: the arguments as a string, or all of them once more within one of them.

    A file's content may well be JSON: an argument that holds an object counts only where that object has the argument
    itself among its keys, no key that the tool has not, and where the call says nothing else."""
    if not isinstance(arguments, dict):
        return True
    known = set(schema.get("properties") or arguments)
    said = [(name, value) for name, value in arguments.items() if value not in ("", None)]
    if len(said) != 1 or not isinstance(said[0][1], str):
        return False
    name, text = said[0]
    inner = parsed(text)
    return isinstance(inner, dict) and name in inner and set(inner) <= known


def parsed(text: str) -> Any:
    """`text` as JSON; None where it is none."""
    if not text.lstrip().startswith("{"):
        return None
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return None


def empty(arguments: Mapping[str, Any], schema: Mapping[str, Any]) -> bool:
    """Whether the call says nothing although its tool asks for something, or is an edit of nothing into nothing."""
    if any(arguments.get(old) == "" and arguments.get(new) == "" for old, new in EDITS):
        return True
    required = schema.get("required") or []
    return (
        bool(required)
        and all(arguments.get(name) in ("", None) for name in required)
        and not any(value not in ("", None) for value in arguments.values())
    )
