"""The ATIF source: our exports and documents of other tools, in every shape a file of them may have."""

import copy
import json
import random
from pathlib import Path

import pytest

from bashgym import jsonl, registry
from bashgym.atif import writing
from bashgym.errors import InputError
from bashgym.kinds import Source
from bashgym.trace import from_builtins, to_builtins

REAL = Path("polylogue") / "nemo_relay_atif_v1.7_real_redacted.json"


def source(path):
    cls = registry.load("source", "atif")
    return cls(cls.Config(path=str(path)))


def read(path):
    plugin = source(path)
    return [(ref, list(plugin.read(ref))) for ref in plugin.list()]


def document(**more):
    """A small document of another tool, built from the schema."""
    steps = [
        {"step_id": 1, "source": "user", "message": "list the files", "extra": {"mood": "calm"}},
        {
            "step_id": 2,
            "source": "agent",
            "message": "",
            "llm_call_count": 1,
            "reasoning_effort": 0.5,
            "tool_calls": [
                {"tool_call_id": "c1", "function_name": "ls", "arguments": {"path": "."}, "extra": {"timeout": 5}}
            ],
            "observation": {
                "results": [
                    {
                        "source_call_id": "c1",
                        "content": "no such folder",
                        "subagent_trajectory_ref": [{"trajectory_id": "sub"}],
                        "extra": {"exit_code": 2, "rank": 1},
                    }
                ]
            },
            "metrics": {
                "prompt_tokens": 100,
                "completion_tokens": 7,
                "cached_tokens": 60,
                "logprobs": [-0.5],
                "extra": {"cache_creation_input_tokens": 30, "queue_ms": 3},
            },
        },
        {"step_id": 3, "source": "agent", "message": "dispatched", "llm_call_count": 0},
        {"step_id": 4, "source": "agent", "message": "done", "is_copied_context": None},
    ]
    agent = {"name": "other", "version": "2", "extra": {"kind": "cli"}}
    return {"schema_version": "ATIF-v1.8", "session_id": "s1", "agent": agent, "steps": steps, **more}


def sub(name="sub", **more):
    steps = [{"step_id": 1, "source": "user", "message": "go"}, {"step_id": 2, "source": "agent", "message": "went"}]
    return {
        "schema_version": "ATIF-v1.8",
        "trajectory_id": name,
        "agent": {"name": "sub", "version": "1"},
        "steps": steps,
        **more,
    }


def test_it_keeps_the_contract():
    assert isinstance(source(""), Source)
    with pytest.raises(InputError, match=r"^source.atif.path: no folder is named; set source.atif.path=FOLDER$"):
        source("").list()


def test_a_document_of_another_tool_becomes_a_trace(tmp_path):
    (tmp_path / "one.json").write_text(json.dumps(document(extra={"run": 9}, notes="n")))
    ((ref, (trace,)),) = read(tmp_path)
    assert (ref.id, trace.session_id, trace.info.source.kind) == ("s1", "s1", "atif")
    assert [step.info.kind for step in trace.steps] == ["human", "agent", "synthetic", "agent"]
    asked = trace.steps[1]
    assert asked.tool_calls[0].arguments == {"path": "."}
    assert asked.tool_calls[0].extra.bashgym.foreign == {"timeout": 5}
    result = asked.results()["c1"]
    assert (result.extra.bashgym.is_error, result.extra.bashgym.exit_code) == (True, 2)
    assert trace.steps[0].info.foreign == {"mood": "calm"} and trace.info.foreign == {"run": 9}
    assert asked.metrics.logprobs == [-0.5] and asked.reasoning_effort == 0.5
    totals = trace.info.totals
    assert (totals.input_tokens, totals.cache_read_input_tokens, totals.cache_creation_input_tokens) == (10, 60, 30)
    assert trace.info.outcome.tool_errors == 1
    assert from_builtins(to_builtins(trace)) == trace


@pytest.mark.parametrize("version", [f"ATIF-v1.{minor}" for minor in range(9)])
def test_what_another_tool_wrote_goes_back_where_it_was(tmp_path, version):
    given = document(
        schema_version=version, extra={"run": 9}, subagent_trajectories=[sub(subagent_trajectories=[sub("deep")])]
    )
    path = tmp_path / "one.json"
    path.write_text(json.dumps(given))
    ((_, traces),) = read(path)
    _, first, deep = traces
    assert (first.session_id, first.trajectory_id) == ("s1", "sub")
    lineage = first.info.lineage
    assert (lineage.parent_trace, lineage.parent_call_id, lineage.relation, lineage.depth) == (
        "s1",
        "c1",
        "subagent",
        1,
    )
    assert (deep.info.lineage.parent_trace, deep.info.lineage.depth) == ("s1/sub", 2)
    back = json.loads(jsonl.dumps(writing.document(traces)))
    assert without_ours(back) == without_ours({**given, "schema_version": "ATIF-v1.8"})
    path.write_text(json.dumps(back))
    ((_, again),) = read(path)
    assert again == traces


def without_ours(value):
    """A document without what is ours, and without what says nothing."""
    if isinstance(value, list):
        return [without_ours(one) for one in value]
    if not isinstance(value, dict):
        return value
    kept = {
        key: without_ours(one) for key, one in value.items() if key not in ("bashgym", "final_metrics", "session_id")
    }
    return {key: one for key, one in kept.items() if one not in (None, {})}


def test_the_real_redacted_document_is_read_whole(samples, tmp_path):
    """Where redaction took the origin of a step, the step is no step: all but the last are kept aside, verbatim."""
    given = json.loads((samples / REAL).read_text())
    ((_, (trace,)),) = read(samples / REAL)
    assert len(trace.steps) + len(trace.info.malformed) == len(given["steps"])
    assert [json.loads(bad.raw) for bad in trace.info.malformed] == given["steps"][:5]
    assert all("source is none of" in bad.reason for bad in trace.info.malformed)
    repaired = copy.deepcopy(given)
    for step, origin in zip(repaired["steps"], ("user", "system", "agent", "system", "system", "agent"), strict=True):
        step["source"] = origin
    (tmp_path / "repaired.json").write_text(json.dumps(repaired))
    ((_, (trace,)),) = read(tmp_path)
    assert trace.info.malformed == [] and len(trace.steps) == 6
    assert trace.schema_version == "ATIF-v1.7" and trace.trajectory_id == given["trajectory_id"]
    assert trace.steps[2].metrics.prompt_tokens == 8983
    for step, was in zip(trace.steps, repaired["steps"], strict=True):
        assert step.info.foreign == was["extra"]
    assert trace.steps[5].tool_calls[0].arguments == {"input": "<redacted>"}
    assert len(trace.steps[5].observation.results) == 4


def test_a_version_that_is_not_known_is_refused_in_one_line(tmp_path):
    (tmp_path / "new.json").write_text(json.dumps(document(schema_version="ATIF-v2.0")))
    with pytest.raises(InputError) as caught:
        list(source(tmp_path).list())
    assert (
        str(caught.value) == f"{tmp_path}/new.json: schema_version 'ATIF-v2.0' is not known; ATIF-v1.0 to ATIF-v1.8 are"
    )


def test_many_documents_in_one_file_are_sessions_of_their_own(tmp_path):
    (tmp_path / "array.json").write_text(json.dumps([document(session_id="a"), document(session_id="b")]))
    lines = [json.dumps(document(session_id="a")), "", "{torn", json.dumps([1]), json.dumps(document(session_id="c"))]
    (tmp_path / "lines.jsonl").write_text("\n".join(lines))
    (tmp_path / "package.json").write_text('{"name": "no trajectory"}')
    found = {ref.id: traces for ref, traces in read(tmp_path)}
    assert list(found) == ["a", "b", "a:lines:1", "lines:3", "lines:4", "c"]
    assert found["lines:3"][0].info.malformed[0].reason.startswith("not JSON")
    assert found["lines:4"][0].info.malformed[0].raw == "[1]"
    assert found["c"][0].session_id == "c" and len(found["c"][0].steps) == 4


def test_an_empty_folder_and_a_file_that_changed_say_so(tmp_path):
    with pytest.raises(InputError, match="holds no ATIF document"):
        source(tmp_path).list()
    path = tmp_path / "one.json"
    path.write_text(json.dumps(document()))
    plugin = source(tmp_path)
    (ref,) = plugin.list()
    path.write_text(json.dumps(document(notes="later")))
    with pytest.raises(InputError, match=r"one.json: changed since it was listed; run again"):
        list(plugin.read(ref))


@pytest.mark.parametrize("seed", range(40))
def test_a_damaged_document_never_crashes_and_is_never_silently_gone(tmp_path, seed):
    dice = random.Random(seed)
    content = bytearray(json.dumps(document(subagent_trajectories=[sub()])).encode())
    for _ in range(dice.randint(1, 6)):
        content[dice.randrange(len(content))] = dice.randrange(256)
    if seed % 4 == 0:
        del content[dice.randrange(len(content)) :]
    path = tmp_path / "one.json"
    path.write_bytes(content)
    try:
        found = read(path)
    except InputError as error:
        assert "schema_version" in str(error) and "\n" not in str(error)
        return
    (_, traces) = found[0]
    assert traces
    assert all(trace.steps or trace.info.malformed for trace in traces[:1])
    for trace in traces:
        assert from_builtins(to_builtins(trace)) == trace


@pytest.mark.parametrize("odd", [None, 1, "x", [], {}, [[]], {"source": "agent", "step_id": 1, "tool_calls": {"a": 1}}])
def test_a_step_of_the_wrong_shape_is_kept_aside(tmp_path, odd):
    given = document()
    given["steps"].insert(1, odd)
    (tmp_path / "one.json").write_text(json.dumps(given))
    ((_, (trace,)),) = read(tmp_path)
    assert len(trace.steps) == 4 and [json.loads(bad.raw) for bad in trace.info.malformed] == [odd]
    assert [step.step_id for step in trace.steps] == [1, 2, 3, 4]


def test_a_document_nested_too_deeply_is_kept_aside(tmp_path):
    text = json.dumps(document(extra={"deep": "HERE"})).replace('"HERE"', "[" * 400 + "]" * 400)
    (tmp_path / "one.json").write_text(text)
    ((_, (trace,)),) = read(tmp_path)
    (bad,) = trace.info.malformed
    assert trace.steps == [] and "nested more than" in bad.reason and bad.raw == text
