"""ATIF documents: strict by Harbor's own models, and read again by our source."""

import json

from bashgym import registry


def test_harbors_models_take_them(session, pair, render, harbor):
    for example in (session, pair):
        ((row,), drops) = render("atif", example)
        assert not drops
        harbor.Trajectory.model_validate(row.data)


def test_our_source_reads_them_again(session, render, tmp_path):
    ((row,), _) = render("atif", session)
    plugin = registry.load("format", "atif")
    document = plugin(plugin.Config()).document(row.data)
    (tmp_path / f"one{plugin.suffix}").write_bytes(document)
    source = registry.load("source", "atif")
    reader = source(source.Config(path=str(tmp_path)))
    ((trace,),) = [list(reader.read(ref)) for ref in reader.list()]
    calls = [call for step in trace.steps for call in step.tool_calls or []]
    assert [(call.function_name, call.arguments) for call in calls] == [
        (call["function"]["name"], call["function"]["arguments"])
        for one in session.messages
        for call in one.get("tool_calls", [])
    ]
    assert trace.agent.tool_definitions == session.tools
    assert trace.steps[2].reasoning_content == "where?" and json.loads(document)["extra"]["meta"]["session"] == "s"


def test_datasets(session, render, reloaded):
    (row,) = reloaded(render("atif", session)[0])
    assert row["schema_version"] == "ATIF-v1.8" and len(row["steps"]) == 7
