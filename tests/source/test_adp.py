"""The ADP source. The trajectories here were built from the schema, no real file was at hand."""

import json
import random

import pytest

from bashgym import registry
from bashgym.errors import InputError
from bashgym.kinds import Source
from bashgym.trace import from_builtins, to_builtins


def source(path):
    cls = registry.load("source", "adp")
    return cls(cls.Config(path=str(path)))


def read(path):
    plugin = source(path)
    return [(ref, list(plugin.read(ref))) for ref in plugin.list()]


def said(content, source="user", **more):
    return {"class_": "text_observation", "content": content, "source": source, "name": None, **more}


def trajectory(*content, **more):
    return {"schema_version": "1.3.1", "id": "t1", "content": list(content), "details": {"agent": "OpenHands"}, **more}


FULL = trajectory(
    said("fix the test"),
    {"class_": "message_action", "content": "I will look.", "description": None, "reasoning_content": "where is it"},
    {"class_": "api_action", "function": "view", "kwargs": {"path": "a.py"}, "description": "Read"},
    {"class_": "code_action", "language": "bash", "content": "pytest", "description": "Bash", "tool_call_id": "c2"},
    said("1 failed", "environment", tool_call_id="c2", reward=0.5),
    {"class_": "code_action", "language": "python", "content": "1 + 1", "description": "I add them up"},
    said("2", "environment"),
    {"class_": "image_observation", "content": "shots/one.png", "source": "environment", "annotations": None},
    {"class_": "web_observation", "url": "http://x", "axtree": "root", "html": None, "image_observation": None,
     "viewport_size": None},
    {"class_": "odd_thing", "content": 1},
    {"class_": "message_action", "content": "Done."},
)  # fmt: skip


def test_it_keeps_the_contract(tmp_path):
    assert isinstance(source(""), Source)
    with pytest.raises(InputError, match=r"^source.adp.path: no file is named; set source.adp.path=FOLDER$"):
        source("").list()
    with pytest.raises(InputError, match=r"no .json or .jsonl file at"):
        source(tmp_path).list()


def test_a_flat_list_becomes_replies_with_their_calls_and_results(tmp_path):
    (tmp_path / "sample_std.json").write_text(json.dumps([FULL]))
    ((ref, (trace,)),) = read(tmp_path)
    assert (ref.id, trace.session_id, trace.agent.name, trace.info.source.client_version) == (
        "t1",
        "t1",
        "OpenHands",
        "1.3.1",
    )
    user, first, second, picture, page, last = trace.steps
    assert (user.text, user.info.kind) == ("fix the test", "human")
    assert (first.text, first.reasoning_content) == ("I will look.", "where is it")
    view, shell = first.tool_calls
    assert (view.function_name, view.arguments, view.extra.bashgym.foreign) == (
        "view",
        {"path": "a.py"},
        {"description": "Read"},
    )
    assert (shell.function_name, shell.arguments, shell.tool_call_id) == ("bash", {"command": "pytest"}, "c2")
    assert [(result.source_call_id, result.content) for result in first.observation.results] == [("c2", "1 failed")]
    assert first.observation.results[0].extra.bashgym.foreign == {"reward": 0.5}
    assert (second.text, second.tool_calls[0].arguments) == ("I add them up", {"code": "1 + 1"})
    assert second.observation.results[0].content == "2"
    assert picture.observation.results[0].content == [
        {"type": "image", "source": {"media_type": "image/png", "path": "shots/one.png"}}
    ]
    assert page.observation.results[0].content == "http://x\nroot"
    assert (last.text, trace.info.outcome.ended) == ("Done.", "completed")
    assert [(event.type, event.line_no) for event in trace.info.events] == [("odd_thing", 10)]
    assert trace.info.foreign["details"] == {"agent": "OpenHands"}
    assert from_builtins(to_builtins(trace)) == trace


def places(trace):
    """Where each item of the list is: in a step's lines, a result's, an event's, or among the malformed."""
    found = [number for step in trace.steps for number in step.info.line_nos]
    found += [one.extra.bashgym.line_no for step in trace.steps if step.observation for one in step.observation.results]
    return found + [one.line_no for one in (*trace.info.events, *trace.info.malformed)]


def test_every_item_is_in_exactly_one_place(tmp_path):
    (tmp_path / "one.jsonl").write_text(json.dumps(FULL))
    ((_, (trace,)),) = read(tmp_path)
    assert sorted(places(trace)) == list(range(1, len(FULL["content"]) + 1))


@pytest.mark.parametrize("seed", range(60))
def test_damaged_items_never_crash_and_stay_in_exactly_one_place(tmp_path, seed):
    dice = random.Random(seed)
    hurt = json.loads(json.dumps(FULL))
    for _ in range(4):
        at = dice.randrange(len(hurt["content"]))
        item = hurt["content"][at]
        if isinstance(item, dict) and item and dice.random() < 0.8:
            item[dice.choice(list(item))] = dice.choice([None, 1, [], {}, {"a": [1]}, "x", "", True])
        else:
            hurt["content"][at] = dice.choice([None, 1, "x", [], {}])
    (tmp_path / "one.jsonl").write_text(json.dumps(hurt))
    ((_, (trace,)),) = read(tmp_path)
    assert sorted(places(trace)) == list(range(1, len(hurt["content"]) + 1))
    assert from_builtins(to_builtins(trace)) == trace


def test_what_is_no_trajectory_is_kept_aside(tmp_path):
    (tmp_path / "rows.jsonl").write_text("\n".join(['{"id": "x"}', "{torn", json.dumps(FULL)]))
    found = {ref.id: trace for ref, (trace,) in read(tmp_path)}
    assert list(found) == ["x", "rows:2", "t1"]
    assert found["x"].info.malformed[0].raw == '{"id": "x"}' and found["rows:2"].info.malformed[0].raw == "{torn"


def test_what_moved_to_atif_and_other_versions_are_refused(tmp_path):
    path = tmp_path / "sample_atif.json"
    path.write_text(json.dumps([trajectory(schema_version="ATIF-v1.7")]))
    with pytest.raises(InputError, match=r"row 1 is ATIF-v1.7, to which ADP has moved; use source=atif for it"):
        list(source(path).list())
    path.write_text(json.dumps([trajectory(schema_version="2.0.0")]))
    with pytest.raises(InputError, match=r"row 1: ADP schema_version '2.0.0' is not known; 1.x is"):
        list(source(path).list())
