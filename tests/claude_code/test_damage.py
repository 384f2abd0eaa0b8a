"""Whatever happens to the bytes of a session, it is read without a crash and no line is lost."""

import json
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bashgym.trace import from_builtins, to_builtins

LOOK = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
ODD = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


def whole(write, folder):
    """A session with a bit of everything."""
    scribe = write.Scribe(Path(folder))
    scribe.line(type="api-request-shape", shape={"tools": [{"name": "Bash", "input_schema": {}}]}, uuid=None)
    scribe.user("go", origin={"kind": "human"})
    usage = {"input_tokens": 1, "output_tokens": 2, "cache_read_input_tokens": 3, "service_tier": "standard"}
    scribe.reply({"type": "thinking", "thinking": "hm", "signature": "s"}, usage=usage, stop="tool_use")
    scribe.reply(write.call("t1", "Task", prompt="look"), usage=usage, requestSessionId="other")
    scribe.user("look", isSidechain=True, parentUuid=None)
    scribe.reply(write.text("seen"), id="m2", isSidechain=True)
    scribe.result("t1", "Exit code 1", failed=True, toolUseResult={"agentId": "a", "durationMs": 1}, parentUuid="u4")
    scribe.line(type="progress", data={"agentId": "a"}, parentToolUseID="t1")
    scribe.line(type="attachment", attachment={"type": "queued_command", "prompt": "and"})
    scribe.line(type="system", subtype="compact_boundary", compactMetadata={"trigger": "auto"}, logicalParentUuid="u9")
    scribe.user([write.text("sum")], isCompactSummary=True)
    image = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "aGVsbG8="}}
    scribe.user([{"type": "tool_result", "tool_use_id": "lost", "content": [image]}, image])
    scribe.line(type="worktree-state", worktreeSession={"worktreePath": "/x"}, uuid=None)
    return scribe


def check(scribe):
    """Every line accounted for (in `traces`), a valid trace, and ATIF's rules."""
    for trace in scribe.traces():
        again = from_builtins(to_builtins(trace))
        assert [step.step_id for step in again.steps] == list(range(1, len(trace.steps) + 1))
        for step in again.steps:
            ids = {call.tool_call_id for call in step.tool_calls or ()}
            assert not ids or step.source == "agent"
            assert {
                result.source_call_id for result in (step.observation.results if step.observation else ())
            } <= ids | {None}
            assert step.source != "agent" or step.info.message_id
        covered = [n for w in again.info.context_windows for n in range(w.first_step, w.last_step + 1)]
        assert covered == [step.step_id for step in again.steps]


@LOOK
@given(data=st.data())
def test_bytes_change(write, data):
    with tempfile.TemporaryDirectory() as folder:
        scribe = whole(write, folder)
        content = bytearray(b"\n".join(scribe.lines))
        for _ in range(data.draw(st.integers(1, 6))):
            start = data.draw(st.integers(0, len(content)))
            end = min(len(content), start + data.draw(st.integers(0, 40)))
            content[start:end] = data.draw(st.binary(max_size=6) | st.sampled_from([b"\n", b'"', b"}", b"[[", b"null"]))
        scribe.lines = [bytes(content)]
        check(scribe)


def paths(value, path=()):
    """Every place inside a JSON value."""
    yield path
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in pairs:
        yield from paths(item, (*path, key))


@LOOK
@given(data=st.data())
def test_values_change(write, data):
    """A valid line whose values are of other types."""
    with tempfile.TemporaryDirectory() as folder:
        scribe = whole(write, folder)
        for _ in range(data.draw(st.integers(1, 5))):
            number = data.draw(st.integers(0, len(scribe.lines) - 1))
            value = json.loads(scribe.lines[number])
            *way, last = data.draw(st.sampled_from([path for path in paths(value) if path]))
            place = value
            for key in way:
                place = place[key]
            place[last] = data.draw(ODD)
            scribe.lines[number] = json.dumps(value).encode()
        check(scribe)


@LOOK
@given(data=st.data())
def test_lines_move(write, data):
    """Lines lost, repeated and out of order."""
    with tempfile.TemporaryDirectory() as folder:
        scribe = whole(write, folder)
        scribe.lines = data.draw(st.lists(st.sampled_from(scribe.lines), max_size=25))
        check(scribe)
