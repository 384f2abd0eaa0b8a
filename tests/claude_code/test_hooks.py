"""What hooks saw, folded into the traces: by hand, and with the payloads that real clients gave to real hooks."""

import json
import shutil
from collections import Counter
from pathlib import Path

import pytest

from bashgym import jsonl, paths
from bashgym.claude_code import files, session
from bashgym.trace import from_builtins, to_builtins

RIG = "rig-claude-code"


class Spool:
    """A spool file as our hook writes it: one line an event."""

    def __init__(self, name):
        self.path = paths.spool() / "claude_code" / f"{name}.jsonl"
        self.path.parent.mkdir(parents=True)
        self.path.touch()

    def event(self, kind, second=0, **told):
        event = {"session_id": self.path.stem, "hook_event_name": kind, **told}
        jsonl.append(self.path, {"ts": f"2026-01-01T00:01:{second:02d}.000Z", "event": event})


@pytest.fixture
def spool(write):
    return Spool(write.SESSION)


def test_durations_failures_questions_and_denials(scribe, write, spool):
    scribe.user("go")
    scribe.reply(*(write.call(f"t{number}", command=f"c{number}") for number in range(5)))
    scribe.result("t0")
    scribe.result("t1", "Exit code 1")
    tools = [{"tool_name": "Bash", "tool_input": {"command": f"c{number}"}} for number in range(5)]
    for number, tool in enumerate(tools):
        spool.event("PreToolUse", **tool, tool_use_id=f"t{number}")
    spool.event("PermissionRequest", **tools[0])
    spool.event("PostToolUse", **tools[0], tool_use_id="t0", tool_response={"stdout": "ok"}, duration_ms=1234)
    spool.event("PostToolUseFailure", **tools[1], tool_use_id="t1", error="Exit code 1", duration_ms=7)
    spool.event("PostToolUseFailure", **tools[2], tool_use_id="t2", error="stopped", is_interrupt=True)
    spool.event("PermissionDenied", **tools[3], tool_use_id="t3", reason="not allowed in auto mode")
    trace = scribe.trace()
    calls = [call.extra.bashgym for call in trace.steps[1].tool_calls]
    assert [call.duration_ms for call in calls] == [1234, 7, None, None, None]
    assert [(call.asked, call.permission, call.permission_by) for call in calls[:2]] == [
        (True, "allowed", "user"),
        (False, None, None),
    ]
    assert [(call.error, call.interrupted) for call in calls] == [
        (None, False),
        ("Exit code 1", False),
        ("stopped", True),
        (None, False),
        (None, False),
    ]
    assert (calls[3].denied, calls[3].permission, calls[3].reason) == (
        "classifier",
        "denied",
        "not allowed in auto mode",
    )
    assert trace.info.outcome.tool_errors == 2  # one of them was never answered in the file
    assert trace.steps[1].observation.results[1].extra.bashgym.is_error
    assert trace.info.source.captured_by == "hook"
    assert Counter(event.type for event in trace.info.events) == {
        "hook:PreToolUse": 5,
        "hook:PermissionRequest": 1,
        "hook:PostToolUse": 1,
        "hook:PostToolUseFailure": 2,
        "hook:PermissionDenied": 1,
    }
    assert from_builtins(to_builtins(trace)) == trace


def test_a_hook_that_is_registered_twice_changes_nothing(scribe, write, spool):
    scribe.reply(write.call("t1"))
    for _ in range(2):
        spool.event("PostToolUseFailure", tool_use_id="t1", error="no", duration_ms=5)
    trace = scribe.trace()
    assert (trace.info.outcome.tool_errors, len(trace.info.events)) == (1, 2)


def test_broken_spool_lines_are_malformed_and_odd_ones_events(scribe, spool):
    scribe.user("go")
    odd = [b'{"ts": 7, "event": [1]}', b'{"ts": "2026", "event": {"hook_event_name": 5, "tool_use_id": {}}}', b"{}"]
    spool.path.write_bytes(b"\n".join([b'{"ts": "2026-01', b"[]", *odd, b'{"event": {"hook_ev']))
    trace = scribe.trace()
    assert [(bad.file, bad.line_no, bad.reason.partition(":")[0]) for bad in trace.info.malformed] == [
        (1, 1, "not JSON"),
        (1, 2, "not an object"),
        (1, 6, "unfinished last line"),
    ]
    assert [event.type for event in trace.info.events] == ["hook:unknown"] * 3


def test_switches_of_the_model_and_the_reason_of_the_end(scribe, write, spool):
    scribe.user("go")
    scribe.reply(write.text("done"), stop="end_turn")
    spool.event("PreModelSwitch", from_model="a", to_model="b", source="command")
    spool.event("PostModelSwitch", 1, from_model="a", to_model="b", source="command")
    spool.event("Stop", 2)
    spool.event("SessionEnd", 3, reason="logout")
    info = scribe.trace().info
    (switch,) = info.model_switches
    assert (switch.ts, switch.from_model, switch.to_model, switch.source) == (
        "2026-01-01T00:01:01.000Z",
        "a",
        "b",
        "command",
    )
    assert (info.outcome.end_reason, info.outcome.ended) == ("logout", "completed")


@pytest.mark.parametrize(
    ("last", "second", "agent", "ended"),
    [
        ("UserPromptSubmit", 30, None, "unknown"),
        ("PreToolUse", 30, None, "unknown"),
        ("PreToolUse", 30, "a1", "completed"),  # a sub-agent in the background
        ("Stop", 30, None, "completed"),
        ("Notification", 30, None, "completed"),
    ],
)
def test_a_session_in_which_work_was_seen_last_has_not_ended(scribe, write, spool, last, second, agent, ended):
    scribe.user("go")
    scribe.reply(write.text("done"), stop="end_turn")
    spool.event("Stop", 1)
    spool.event(last, second, **({"agent_id": agent} if agent else {}))
    assert scribe.trace().info.outcome.ended == ended


def test_hooks_that_stopped_long_before_the_session_say_nothing_of_its_end(scribe, write, spool):
    scribe.user("go")
    spool.event("UserPromptSubmit")
    scribe.reply(write.text("done"), stop="end_turn", timestamp="2026-01-02T00:00:00Z")
    assert scribe.trace().info.outcome.ended == "completed"


def test_the_type_of_a_sub_agent(scribe, write, spool):
    scribe.reply(write.call("t1", "Task", prompt="look"))
    agent = write.Scribe(scribe.path.parent, "agent-a1.jsonl")
    agent.common = {**agent.common, "isSidechain": True, "agentId": "a1"}
    agent.user("look")
    agent.path.write_bytes(b"\n".join(agent.lines) + b"\n")
    spool.event("SubagentStart", agent_id="a1", agent_type="Explore")
    spool.event("SubagentStop", agent_id="c9", agent_type="", agent_transcript_path="/nowhere")
    _, child = scribe.traces()
    assert child.agent.extra == {"agent_type": "Explore"}


def played(samples, tmp_path, name):
    """The sessions of one rig with its hooks' payloads as our spool would hold them."""
    folder = tmp_path / name
    shutil.copytree(samples / RIG / name, folder)
    log = folder / "hook-stdin.jsonl"
    for line in log.read_bytes().splitlines():
        payload = json.loads(line)["in"]
        event = json.loads(payload) if isinstance(payload, str) else payload
        path = paths.spool() / "claude_code" / f"{event['session_id']}.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        jsonl.append(path, {"ts": "2026-11-21T05:00:00.000Z", "event": event})
    log.unlink()
    return {ref.id: (ref, session.read(ref)) for ref in files.sessions(folder)}


RIGS = ["1.0.128-a10128", "2.0.14-a2014", "2.0.60-a2060", "2.1.2-a212", "2.1.100-a21100", "2.1.200-b21200"]


@pytest.mark.parametrize("name", [*RIGS, "2.1.329-a329"])
def test_payloads_of_real_clients(samples, tmp_path, write, name):
    found = played(samples, tmp_path, name)
    spooled = {path.stem for path in (paths.spool() / "claude_code").iterdir()}
    enriched = 0
    for ref, traces in found.values():
        write.accounted(ref, traces)
        assert (traces[0].info.source.captured_by == "hook") == (ref.id in spooled)
        events = [event for event in traces[0].info.events if event.type.startswith("hook:")]
        lines = [Path(path).read_bytes().count(b"\n") for path in ref.files if "spool" in path]
        assert len(events) == sum(lines)
        assert all(event.raw["event"]["session_id"] == ref.id for event in events)
        durations = {
            event.raw["event"]["tool_use_id"]: event.raw["event"]["duration_ms"]
            for event in events
            if "duration_ms" in event.raw["event"]
        }
        calls = {call.tool_call_id: call for trace in traces for step in trace.steps for call in step.tool_calls or ()}
        for call_id, duration in durations.items():
            assert calls[call_id].extra.bashgym.duration_ms == duration
            enriched += 1
    assert bool(enriched) == (name in ("2.1.200-b21200", "2.1.329-a329"))  # older clients did not measure


def test_2_1_329_failures_are_told_in_the_hooks_words(samples, tmp_path):
    _, traces = played(samples, tmp_path, "2.1.329-a329")["83ce4851-b91f-4df1-8593-b1b056c50584"]
    told = {
        call.function_name: call.extra.bashgym.error
        for step in traces[0].steps
        for call in step.tool_calls or ()
        if call.extra.bashgym.error
    }
    assert told["Bash"] == "Exit code 3\noops"
    assert told["Read"].startswith("File does not exist.")
    assert traces[0].info.outcome.end_reason == "other"
    assert traces[1].agent.extra["agent_type"] == "general-purpose"
