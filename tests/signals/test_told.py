"""Signals of an outcome: each with its source and how sure it is, without a judge."""

from bashgym.claude_code import files, session
from bashgym.signals import told
from bashgym.trace import (
    Agent,
    CallExtra,
    CallInfo,
    ModelSwitch,
    Outcome,
    SourceInfo,
    Step,
    ToolCall,
    Trace,
    TraceExtra,
    TraceInfo,
)


def call(name, **info):
    return ToolCall(tool_call_id=name, function_name=name, extra=CallExtra(bashgym=CallInfo(**info)))


def test_what_the_agent_and_hooks_noted_is_told():
    calls = [
        call("Bash", denied="rule"),
        call("Write", denied="user"),
        call("Edit", interrupted=True),
        call("Fetch", denied="classifier"),
    ]
    outcome = Outcome(pr_urls=["https://example.org/o/r/pull/1"], end_reason="logout", ended="completed")
    info = TraceInfo(
        source=SourceInfo(kind="claude_code"),
        outcome=outcome,
        model_switches=[ModelSwitch(from_model="a", to_model="b")],
    )
    steps = [Step(step_id=1, source="agent", tool_calls=calls)]
    trace = Trace(session_id="s", agent=Agent(name="x"), steps=steps, extra=TraceExtra(bashgym=info))
    found = {(one.name, one.value): (one.source, one.confidence) for one in told.of(trace)}
    assert (
        found.items()
        >= {
            ("pull_request", "https://example.org/o/r/pull/1"): ("git", 1.0),
            ("denied", "rule"): ("permission", 1.0),
            ("denied", "classifier"): ("permission", 1.0),
            ("call_interrupted", "Edit"): ("hook", 1.0),
            ("model_switch", "a -> b"): ("hook", 1.0),
            ("end_reason", "logout"): ("hook", 1.0),
            ("rejection", True): ("user", 1.0),
            ("ended", "completed"): ("trace", 1.0),
        }.items()
    )
    assert ("denied", "user") not in found


def test_signals_of_real_sessions(samples):
    seen = set()
    for ref in files.sessions(samples / "claude-code-entire"):
        for trace in session.read(ref):
            for one in told.of(trace):
                assert 0 <= one.confidence <= 1 and one.source
                assert one.step_id is None or 1 <= one.step_id <= len(trace.steps)
                seen.add(one.name)
    assert seen >= {
        "test_run", "last_tests", "tool_error", "tool_error_recovered", "commit", "rejection", "interrupt",
        "api_errors", "pull_request", "ended", "last_words",
    }  # fmt: skip
