"""The Messages API's shape, by its rules: turns alternate, every call is answered in the next turn."""

import itertools


def test_rules_of_the_api(session, pair, task, render):
    for example in (session, pair, task):
        ((row,), drops) = render("anthropic", example)
        turns = row.data["messages"]
        assert not drops and [one["role"] for one in turns] == [("user", "assistant")[n % 2] for n in range(len(turns))]
        for turn, after in itertools.pairwise(turns):
            called = [block["id"] for block in turn["content"] if block["type"] == "tool_use"]
            answered = [block["tool_use_id"] for block in after["content"] if block["type"] == "tool_result"]
            assert called == answered
        assert all(block.get("text", "x") for turn in turns for block in turn["content"])


def test_blocks_and_tools(session, render, reloaded):
    rows, _ = render("anthropic", session)
    assert rows[0].data["system"] == "Working directory: /w"
    assert [block["type"] for block in rows[0].data["messages"][1]["content"]] == [
        "thinking",
        "text",
        *["tool_use"] * 2,
    ]
    assert rows[0].data["tools"][0]["input_schema"] == session.tools[0]["function"]["parameters"]
    dropped, _ = render("anthropic", session, reasoning="drop")
    assert "thinking" not in str(dropped[0].data["messages"][1])
    (row,) = reloaded(rows)
    assert row["messages"][1]["content"][2]["input"] == {"path": "a.py", "n": 3}
