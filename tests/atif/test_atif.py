"""ATIF out and in: whatever a trace holds, Harbor accepts the document, and the trace comes back as it was."""

import importlib.util
import json
import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from bashgym import jsonl, registry
from bashgym.atif import reading, writing
from bashgym.trace import (
    Agent,
    Event,
    Lineage,
    Metrics,
    Observation,
    ObservationResult,
    SourceInfo,
    Step,
    ToolCall,
    Trace,
    TraceExtra,
    TraceInfo,
    to_builtins,
)

HERE = Path(__file__).parent
SPEC = importlib.util.spec_from_file_location("atif_traces", HERE / "traces.py")
anything = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(anything)
SAMPLES = HERE.parents[1].parent / "shared" / "samples"
CLAUDE = sorted(
    path
    for pattern in ("claude-code-*", "rig-claude-code/*", "agent-sessions", "ccusage")
    for path in SAMPLES.glob(pattern)
    if path.is_dir()
)


def there_and_back(traces):
    """The document's bytes, parsed, and the traces read from them."""
    document = json.loads(jsonl.dumps(writing.document(traces)))
    return document, reading.traces(document, SourceInfo(kind="atif"), "unused")


def trace(*steps, **more):
    info = more.pop("info", None) or TraceInfo(source=SourceInfo(kind="test"))
    return Trace(**{"session_id": "s", "agent": Agent(name="a"), **more}, steps=list(steps), extra=TraceExtra(info))


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(anything.TRACES)
def test_any_trace_is_strict_atif_and_comes_back_equal(harbor, traces):
    document, back = there_and_back(traces)
    assert [to_builtins(one) for one in back] == [to_builtins(one) for one in traces]
    harbor.Trajectory.model_validate(document)


def test_words_that_are_no_unicode_and_values_nested_deeply_come_back(harbor):
    deep: list = []
    for _ in range(150):
        deep = [deep]
    odd = trace(Step(step_id=1, source="user", message="half a pair: \ud83d"))
    odd.info.events.append(Event(type="odd", raw={"deep": deep, "text": "\udcff"}))
    document = jsonl.parse(jsonl.dumps(writing.document([odd])))
    assert reading.traces(document, SourceInfo(kind="atif"), "") == [odd]


@pytest.mark.skipif(not CLAUDE, reason="the sample sessions are not beside the repository")
@pytest.mark.parametrize("folder", CLAUDE, ids=lambda path: path.relative_to(SAMPLES).as_posix())
def test_every_claude_code_sample_is_strict_atif_and_comes_back_equal(harbor, folder):
    cls = registry.load("source", "claude_code")
    plugin = cls(cls.Config(path=str(folder)))
    refs = list(plugin.list())
    assert refs or folder.name == "agent-sessions"
    for ref in refs:
        traces = list(plugin.read(ref))
        document, back = there_and_back(traces)
        assert back == traces
        harbor.Trajectory.model_validate(document)
        assert len(embedded(document)) == len(traces) - 1


OTHERS = {
    "codex": "rig-codex/0.169.0",
    "gemini": "rig-gemini/0.61.0",
    "copilot": "agent-sessions/copilot__small.jsonl",
    "chatgpt": "chatgpt-export/conversations.json",
    "mcp": "rig-mcp",
    "atif": "polylogue/nemo_relay_atif_v1.7_real_redacted.json",
}


@pytest.mark.parametrize(("name", "path"), OTHERS.items(), ids=list(OTHERS))
def test_the_samples_of_other_agents_are_strict_atif_and_come_back_equal(samples, harbor, tmp_path, name, path):
    place = samples / path
    if name == "copilot":
        shutil.copy(place, tmp_path / "events.jsonl")
        place = tmp_path
    cls = registry.load("source", name)
    plugin = cls(cls.Config(path=str(place)))
    refs = list(plugin.list())
    assert refs
    for ref in refs:
        traces = list(plugin.read(ref))
        document, back = there_and_back(traces)
        assert back == traces
        harbor.Trajectory.model_validate(document)


def embedded(document):
    found = list(document.get("subagent_trajectories") or ())
    return found + [one for sub in found for one in embedded(sub)]


def test_sub_agents_are_embedded_where_they_were_started_and_referred_to():
    asked = Step(
        step_id=1,
        source="agent",
        tool_calls=[ToolCall(tool_call_id="t1", function_name="Task", arguments={"prompt": "look"})],
        observation=Observation(results=[ObservationResult(source_call_id="t1", content="seen")]),
    )
    inner = Step(
        step_id=1,
        source="agent",
        tool_calls=[ToolCall(tool_call_id="t2", function_name="Task")],
        observation=Observation(results=[ObservationResult(source_call_id="t2")]),
    )

    def below(name, parent, call_id, *steps):
        lineage = Lineage(parent_trace=parent, parent_call_id=call_id, relation="subagent", depth=1)
        info = TraceInfo(source=SourceInfo(kind="test"), lineage=lineage)
        return trace(*steps, trajectory_id=name, info=info)

    traces = [trace(asked), below("deepest", "s/child", "t2"), below("child", "s", "t1", inner)]
    document, back = there_and_back(traces)
    (child,) = document["subagent_trajectories"]
    (deepest,) = child["subagent_trajectories"]
    assert (child["trajectory_id"], deepest["trajectory_id"]) == ("child", "deepest")
    (result,) = document["steps"][0]["observation"]["results"]
    assert result["subagent_trajectory_ref"] == [{"trajectory_id": "child", "session_id": "s"}]
    (result,) = child["steps"][0]["observation"]["results"]
    assert result["subagent_trajectory_ref"] == [{"trajectory_id": "deepest", "session_id": "s"}]
    assert back == traces


def test_images_are_references_to_files_and_other_parts_are_text_that_holds_them():
    picture = {"type": "image", "media_type": "image/png", "sha256": "ab" * 32, "bytes": 9000}
    paper = {"type": "document", "media_type": "application/pdf", "sha256": "cd" * 32, "bytes": 5}
    one = trace(Step(step_id=1, source="user", message=[{"type": "text", "text": "see"}, picture, paper]))
    document, back = there_and_back([one])
    text, image, other = document["steps"][0]["message"]
    assert text == {"type": "text", "text": "see"}
    assert image == {"type": "image", "source": {"media_type": "image/png", "path": f"blobs/{'ab' * 32}.png"}}
    assert other["type"] == "text" and json.loads(other["text"]) == paper
    assert back == [one]


def test_totals_are_summed_and_a_cost_only_where_every_reply_has_one():
    replies = [
        Step(step_id=n, source="agent", metrics=Metrics(prompt_tokens=10, completion_tokens=n, cost_usd=0.5))
        for n in (1, 2)
    ]
    sums = writing.document([trace(*replies)])["final_metrics"]
    assert sums == {
        "total_prompt_tokens": 20,
        "total_completion_tokens": 3,
        "total_cached_tokens": 0,
        "total_cost_usd": 1.0,
        "total_steps": 2,
    }
    replies[0].metrics.cost_usd = None
    assert "total_cost_usd" not in writing.document([trace(*replies)])["final_metrics"]


def test_a_document_of_ours_that_was_damaged_is_read_as_anothers():
    document, _ = there_and_back([trace(Step(step_id=1, source="user", message="hi"))])
    document["extra"]["bashgym"]["totals"] = "many"
    (back,) = reading.traces(document, SourceInfo(kind="atif"), "x")
    assert back.info.source.kind == "atif" and back.steps[0].text == "hi"
    assert back.info.foreign["bashgym"]["totals"] == "many"
