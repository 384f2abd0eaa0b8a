"""Sessions as OpenTelemetry spans: OpenTelemetry's own protobuf reads them, and nothing is counted twice or lost."""

import base64
import copy
import json
from pathlib import Path

import pytest
from google.protobuf import json_format
from opentelemetry.proto.trace.v1.trace_pb2 import TracesData

from bashgym import jsonl, registry
from bashgym.exporting import otlp
from bashgym.trace import (
    Agent,
    CallExtra,
    CallInfo,
    Lineage,
    Observation,
    ObservationResult,
    ResultExtra,
    ResultInfo,
    SourceInfo,
    Step,
    StepExtra,
    StepInfo,
    ToolCall,
    Trace,
    TraceExtra,
    TraceInfo,
)

SAMPLES = Path(__file__).parents[2].parent / "shared" / "samples"
CLAUDE = sorted(
    path
    for pattern in ("claude-code-*", "rig-claude-code/*", "agent-sessions", "ccusage")
    for path in SAMPLES.glob(pattern)
    if path.is_dir()
)
IDS = ("traceId", "spanId", "parentSpanId")


def parsed(line: bytes) -> TracesData:
    """A line of the file as protobuf. OTLP's JSON has ids in hexadecimal where protobuf's has base64."""
    value = json.loads(line)
    for span in spans(value):
        for key in IDS:
            if key in span:
                span[key] = base64.b64encode(bytes.fromhex(span[key])).decode()
    return json_format.Parse(json.dumps(value), TracesData())


def spans(request):
    return [span for held in request["resourceSpans"] for scope in held["scopeSpans"] for span in scope["spans"]]


def values(span):
    return {one["key"]: next(iter(one["value"].values())) for one in span["attributes"]}


def checked(traces):
    """The spans of traces, checked to be one tree of known spans."""
    line = jsonl.dumps(otlp.request(traces))
    data = parsed(line)
    found = spans(json.loads(line))
    assert len(data.resource_spans[0].scope_spans[0].spans) == len(found)
    ids = [span["spanId"] for span in found]
    assert len(set(ids)) == len(ids) and {len(one) for one in ids} == {16}
    assert {span["traceId"] for span in found} == {found[0]["traceId"]} and len(found[0]["traceId"]) == 32
    roots = [span for span in found if "parentSpanId" not in span]
    assert roots == found[:1] and all(span["parentSpanId"] in ids for span in found[1:])
    for span in found:
        assert int(span["startTimeUnixNano"]) <= int(span["endTimeUnixNano"])
    return found


@pytest.mark.skipif(not CLAUDE, reason="the sample sessions are not beside the repository")
@pytest.mark.parametrize("folder", CLAUDE, ids=lambda path: path.relative_to(SAMPLES).as_posix())
def test_every_claude_code_sample_is_a_tree_of_spans_with_its_tokens(folder):
    cls = registry.load("source", "claude_code")
    plugin = cls(cls.Config(path=str(folder)))
    for ref in plugin.list():
        traces = list(plugin.read(ref))
        found = checked(traces)
        own = [
            step for trace in traces for step in trace.steps if step.source == "agent" and not step.is_copied_context
        ]
        named = [span["name"].split(" ")[0] for span in found]
        assert named.count("invoke_agent") == len(traces)
        assert named.count("chat") == sum(step.info.kind in ("agent", "api_error") for step in own)
        assert named.count("execute_tool") == sum(len(step.tool_calls or ()) for step in own)
        told = [values(span) for span in found if span["name"].startswith("chat ")]
        for key, part in (("input_tokens", "prompt_tokens"), ("output_tokens", "completion_tokens")):
            counted = sum(int(one.get(f"gen_ai.usage.{key}", 0)) for one in told)
            assert counted == sum(getattr(step.metrics, part) or 0 for step in own if step.metrics)
        assert otlp.request(traces) == otlp.request(copy.deepcopy(traces))


def trace(*steps, lineage=None, **more):
    info = TraceInfo(source=SourceInfo(kind="test"), lineage=lineage or Lineage())
    return Trace(session_id="s", agent=Agent(name="a", model_name="claude-x"), steps=list(steps),
                 extra=TraceExtra(bashgym=info), **more)  # fmt: skip


def call(name, ts, end, info=None, **result):
    told = ResultExtra(bashgym=ResultInfo(ts=end, **result))
    made = ToolCall(tool_call_id=name, function_name="Task", extra=CallExtra(bashgym=info or CallInfo()))
    results = [ObservationResult(source_call_id=name, content="done", extra=told)]
    return Step(step_id=2, source="agent", timestamp=ts, tool_calls=[made], observation=Observation(results=results))


def test_a_sub_agent_hangs_below_the_call_that_started_it_and_times_are_those_of_the_steps():
    asked = Step(step_id=1, source="user", message="go", timestamp="2026-01-01T00:00:00Z",
                 extra=StepExtra(bashgym=StepInfo(kind="human")))  # fmt: skip
    main = trace(asked, call("t1", "2026-01-01T00:00:05Z", "2026-01-01T00:01:00Z"))
    below = Lineage(parent_trace="s", parent_call_id="t1", relation="subagent", depth=1)
    inner = trace(call("t2", "2026-01-01T00:00:20Z", "2026-01-01T00:00:30Z"), lineage=below, trajectory_id="x")
    root, chat, tool, agent, inner_chat, inner_tool = checked([main, inner])
    assert [span["name"] for span in (root, chat, tool)] == ["invoke_agent a", "chat claude-x", "execute_tool Task"]
    assert (chat["parentSpanId"], tool["parentSpanId"]) == (root["spanId"], chat["spanId"])
    assert (agent["parentSpanId"], inner_chat["parentSpanId"]) == (tool["spanId"], agent["spanId"])
    assert inner_tool["parentSpanId"] == inner_chat["spanId"]
    assert (chat["kind"], tool["kind"]) == (3, 1)
    second = 1_000_000_000
    start = 1767225600 * second
    assert (int(chat["startTimeUnixNano"]), int(chat["endTimeUnixNano"])) == (start, start + 5 * second)
    assert (int(tool["startTimeUnixNano"]), int(tool["endTimeUnixNano"])) == (start + 5 * second, start + 60 * second)
    assert int(root["endTimeUnixNano"]) == start + 60 * second
    assert values(root)["gen_ai.conversation.id"] == "s" and values(agent)["gen_ai.agent.id"] == "x"
    assert json.loads(values(root)["gen_ai.input.messages"]) == [
        {"role": "user", "parts": [{"type": "text", "content": "go"}]}
    ]
    assert values(chat)["gen_ai.provider.name"] == "anthropic"
    assert values(chat)["bashgym.start_time.evidence"] == "estimated"


def test_failures_are_failures_and_measured_durations_are_taken():
    measured = CallInfo(duration_ms=1500, started_at="2026-01-01T00:00:06Z")
    failed = call("t1", "2026-01-01T00:00:05Z", "2026-01-01T00:01:00Z", measured, is_error=True, exit_code=2)
    _, _, tool = checked([trace(failed)])
    assert tool["status"] == {"code": 2}
    told = values(tool)
    assert (told["error.type"], told["bashgym.exit_code"], told["bashgym.duration.evidence"]) == (
        "tool_error",
        "2",
        "measured",
    )
    assert int(tool["endTimeUnixNano"]) - int(tool["startTimeUnixNano"]) == 1_500_000_000


def test_copied_steps_are_not_counted_again_and_odd_text_stays_readable():
    copied = call("t1", "2026-01-01T00:00:05Z", None)
    copied.is_copied_context = True
    own = call("t1", "no time", None)
    own.message = "half a pair \ud83d"
    below = Lineage(parent_trace="s", parent_call_id="unknown", relation="subagent", depth=1)
    found = checked([trace(copied, own), trace(lineage=below, trajectory_id="x")])
    assert [span["name"].split(" ")[0] for span in found] == ["invoke_agent", "chat", "execute_tool", "invoke_agent"]
    assert found[3]["parentSpanId"] == found[0]["spanId"]
    assert "half a pair" in values(found[1])["gen_ai.output.messages"]


def test_names_of_attributes_are_those_of_the_conventions():
    from opentelemetry.semconv._incubating.attributes import gen_ai_attributes

    known = {value for key, value in vars(gen_ai_attributes).items() if key.startswith("GEN_AI_")}
    found = checked([trace(call("t1", "2026-01-01T00:00:05Z", "2026-01-01T00:01:00Z"))])
    used = {key for span in found for key in values(span) if key.startswith("gen_ai.")}
    assert used and used <= known
