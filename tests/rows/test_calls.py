"""Calls that must not be learnt (D7 of the predecessor: arguments encoded twice, edits that lost their text)."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bashgym.rows.calls import malformed

EDIT = {
    "type": "object",
    "properties": {name: {"type": "string"} for name in ("file_path", "old_string", "new_string")},
    "required": ["file_path", "old_string", "new_string"],
}
WRITE = {"properties": {"file_path": {}, "content": {}}, "required": ["file_path", "content"]}
BASH = {"properties": {"command": {}, "timeout": {}}, "required": ["command"]}
SCHEMAS = {"Edit": EDIT, "Write": WRITE, "Bash": BASH, "List": {"properties": {}}}


def faults(name: str, arguments: Any) -> list[str]:
    call = {"id": "c", "function": {"name": name, "arguments": arguments}}
    return list(malformed({"role": "assistant", "tool_calls": [call]}, SCHEMAS))


TRUE = {"file_path": "a.py", "old_string": "x", "new_string": "y"}


@pytest.mark.parametrize(
    ("name", "arguments", "fault"),
    [
        ("Edit", {"file_path": json.dumps(TRUE)}, "tool arguments encoded twice"),
        ("Edit", {"file_path": json.dumps(TRUE), "old_string": "", "new_string": ""}, "tool arguments encoded twice"),
        ("Bash", json.dumps({"command": "ls"}), "tool arguments encoded twice"),
        ("Bash", {"command": json.dumps({"command": "ls"})}, "tool arguments encoded twice"),
        ("Edit", {"file_path": "a.py", "old_string": "", "new_string": ""}, "empty tool arguments"),
        ("Bash", {}, "empty tool arguments"),
        ("Bash", {"command": ""}, "empty tool arguments"),
    ],
)
def test_malformed(name: str, arguments: Any, fault: str):
    assert faults(name, arguments) == [fault]


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("Edit", TRUE),
        ("Edit", {**TRUE, "new_string": ""}),  # a deletion
        ("Edit", {**TRUE, "old_string": ""}),  # a new file
        ("Write", {"file_path": "a.json", "content": '{"content": "x", "file_path": "y"}'}),  # a file that is JSON
        ("Write", {"file_path": "a.py", "content": ""}),  # an empty file
        ("Bash", {"command": '{ echo "command"; }'}),
        ("Bash", {"command": "echo '{\"command\": 1}'"}),
        ("List", {}),
        ("Unknown", {"x": '{"y": 1}'}),
    ],
)
def test_sound(name: str, arguments: dict[str, Any]):
    assert faults(name, arguments) == []


@given(st.dictionaries(st.sampled_from(["command", "timeout"]), st.text(min_size=1), min_size=1))
def test_whatever_is_encoded_once_more_is_found(arguments: dict[str, str]):
    name = next(iter(arguments))
    assert faults("Bash", {name: json.dumps(arguments)})
    assert faults("Bash", json.dumps(arguments))
