"""What a worker makes of an example before a format sees it: its tools, and what is not learnt."""

from collections import Counter
from typing import Any

from bashgym import tools
from bashgym.records import Example, Row
from bashgym.stages.rendering import declared, masked, taught_elsewhere


def reply(name: str, arguments: Any) -> dict[str, Any]:
    return {
        "role": "assistant",
        "content": "",
        "tool_calls": [{"id": "c", "function": {"name": name, "arguments": arguments}}],
    }


def example(*messages: dict[str, Any], **more: Any) -> Example:
    return Example(**{"id": "s#0", "session": "s", "window": 0, "messages": list(messages), "tools": [], **more})


COMMON = tools.definitions({"Bash": {"calls": 2, "arguments": {"command": {"string": 2}}}}, 9)
WHOLE = {
    "type": "function",
    "function": {"name": "Bash", "description": "runs", "parameters": {"required": ["command"]}},
}


def names(made: Example) -> list[str]:
    return [tool["function"]["name"] for tool in made.tools]


def test_tools_of_the_transcript_come_first_and_inferred_ones_are_marked():
    inferred = declared(example(reply("Bash", {"command": "ls"}), reply("Rare", {"x": 1})), COMMON)
    assert names(inferred) == ["Bash", "Rare"] and inferred.meta["tools"] == "inferred"
    told = declared(example(reply("Bash", {"command": "ls"}), tools=[WHOLE]), COMMON)
    assert told.tools == [WHOLE] and told.meta["tools"] == "transcript"
    mixed = declared(example(tools=[WHOLE], rejected=[reply("Rare", {"x": 1})]), COMMON)
    assert names(mixed) == ["Bash", "Rare"] and mixed.meta["tools"] == "transcript, some inferred"


def test_malformed_calls_and_copies_are_shown_and_not_learnt():
    made = declared(example(reply("Bash", {}), reply("Bash", {"command": "ls"}), keys=["a", "b"], tools=[WHOLE]), [])
    dropped: Counter[str] = Counter()
    assert [one.get("train", True) for one in masked(made, set(), dropped).messages] == [False, True]
    assert dropped == {"reply not learnt: empty tool arguments": 1}
    assert [one.get("train", True) for one in masked(made, {"b"}, Counter()).messages] == [False, False]


def test_rows_that_teach_nothing():
    learnt, read = {"role": "assistant", "train": True}, {"role": "assistant", "train": False}
    row = Row(id="r", data={"messages": [learnt]}, keys=["a"])
    assert taught_elsewhere(row, set()) is None
    assert taught_elsewhere(row, {"a"}) == "every reply is a copy of another session's"
    assert taught_elsewhere(Row(id="r", data={"messages": [learnt]}), {"a"}) is None  # a synthesizer's, without keys
    assert taught_elsewhere(Row(id="r", data={"messages": [read]}), set()) == "nothing left to learn"
    assert taught_elsewhere(Row(id="r", data={"prompt": "p"}), set()) is None
