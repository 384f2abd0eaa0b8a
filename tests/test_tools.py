"""Definitions of tools: from transcripts, inferred, and made to fit."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from bashgym import tools

LONG = "word " * 400


def tool(name: str) -> dict[str, Any]:
    inner = {"type": "string", "description": LONG, "title": "T"}
    schema = {"$schema": "s", "properties": {"description": inner, "path": inner}, "required": ["path"]}
    return {"type": "function", "function": {"name": name, "description": f"First line.\n{LONG}", "parameters": schema}}


def test_a_transcripts_definitions_are_taken_as_they_are():
    found = tools.transcribed([tool("B"), tool("A"), {"name": "odd"}, "odd", tool("A")])
    assert [one["function"]["name"] for one in found] == ["A", "B"] and found[0] == tool("A")
    assert tools.transcribed(None) == []


def test_descriptions_go_before_tools_and_arguments_stay():
    many = [tool(name) for name in "ABCD"]
    assert tools.fitted(many, {"A"}, 10**6) == many
    fewer = tools.fitted(many, {"A"}, 4000)
    assert len(fewer) == 4 and fewer[0]["function"]["description"] == "First line."
    assert 0 < len(fewer[0]["function"]["parameters"]["properties"]["path"]["description"]) <= tools.DESCRIPTION
    bare = tools.fitted(many, {"D"}, 500)
    assert "D" in [one["function"]["name"] for one in bare] and len(bare) < 4
    for one in bare:
        schema = one["function"]["parameters"]
        assert set(schema["properties"]) == {"description", "path"} and schema["required"] == ["path"]
        assert schema["properties"]["path"] == {"type": "string"}


@given(st.sets(st.sampled_from("ABCDEF")), st.integers(0, 20_000))
def test_what_is_called_is_never_left_out(called: set[str], room: int):
    kept = tools.fitted([tool(name) for name in "ABCDEF"], called, room)
    names = {one["function"]["name"] for one in kept}
    assert called <= names
    if sum(len(json.dumps(one)) for one in kept) > room:
        assert names == called
