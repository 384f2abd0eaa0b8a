"""ADP trajectories: by the rules of its classes, and read again by our source."""

import json

from bashgym import registry


def test_every_call_and_its_result_name_each_other(session, render):
    twice = type(session)(
        id="x", session="s", window=0, messages=[*session.messages[:5], *session.messages[2:5]], tools=session.tools
    )
    for example in (session, twice):
        ((row,), _) = render("adp", example)
        acted = [one["tool_call_id"] for one in row.data["content"] if one["class_"] == "api_action"]
        seen = [
            one["tool_call_id"]
            for one in row.data["content"]
            if "tool_call_id" in one and one["class_"] != "api_action"
        ]
        assert sorted(acted) == sorted(seen) and len(set(acted)) == len(acted)
        assert set(row.data) == {"schema_version", "id", "content", "details"}
        assert {one["source"] for one in row.data["content"] if "source" in one} <= {"user", "agent", "environment"}


def test_our_source_reads_them_again(session, render, tmp_path):
    ((row,), _) = render("adp", session)
    (tmp_path / "one.json").write_text(json.dumps([row.data]))
    source = registry.load("source", "adp")
    reader = source(source.Config(path=str(tmp_path)))
    ((trace,),) = [list(reader.read(ref)) for ref in reader.list()]
    calls = [(call.function_name, call.arguments) for step in trace.steps for call in step.tool_calls or []]
    assert [name for name, _ in calls] == ["Read", "Bash", "Bash"] and calls[2][1] == {"command": "pytest"}
    assert not trace.info.malformed and not trace.info.events
    replies = [step for step in trace.steps if step.source == "agent"]
    assert [len(step.results()) for step in replies] == [2, 1, 0, 0] and replies[0].reasoning_content == "where?"


def test_datasets(session, render, reloaded):
    (row,) = reloaded(render("adp", session)[0])
    assert row["content"][2]["kwargs"] == {"path": "a.py", "n": 3}
