"""Whatever happens to the bytes of a session, it is read without a crash and no line is lost."""

import json
import random
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bashgym import jsonl
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
    forbidden = {"decision": "reject", "source": "user_reject", "reasonType": "hook"}
    told = {"toolUseResult": {"agentId": "a", "durationMs": 1}, "permissionDecision": forbidden, "mcpMeta": {}}
    scribe.result("t1", "Exit code 1", failed=True, **told, toolDenialKind="permission-rule", parentUuid="u4")
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


# Ten thousand lines ---------------------------------------------------------------------------------------------------

WRONG = [None, True, 0, -1, 2**70, 1.5, float("nan"), "", "x", "\ud800", [], [[]], {}, {"type": []}, [{"type": "text"}]]


def test_each_value_of_a_wrong_type(write, tmp_path):
    """Every value of every line, one at a time, by something that can be no key and by something that is no object."""
    scribe = whole(write, tmp_path)
    sound = list(scribe.lines)
    for number, line in enumerate(sound):
        for *way, last in [path for path in paths(json.loads(line)) if path]:
            for odd in ({"a": []}, [{}], 7):
                value = json.loads(line)
                place = value
                for key in way:
                    place = place[key]
                place[last] = odd
                scribe.lines = [*sound[:number], json.dumps(value).encode(), *sound[number + 1 :]]
                scribe.traces()


def cut(line, rng):
    return line[: rng.randrange(1, len(line))]


def flipped(line, rng):
    raw = bytearray(line)
    for _ in range(rng.randint(1, 8)):
        raw[rng.randrange(len(raw))] ^= 1 << rng.randrange(8)
    return bytes(raw).replace(b"\n", b" ")


def place(line, rng, value):
    """The line with another value somewhere in it."""
    tree = json.loads(line)
    *way, last = rng.choice([path for path in paths(tree) if path])
    node = tree
    for key in way:
        node = node[key]
    node[last] = value
    return json.dumps(tree).encode()


def deep(line, rng):
    depth = rng.choice([150, 201, 600, 1100, 5000])
    opening, closing = rng.choice([("[", "]"), ('{"a":', "}")])
    marked = place(line, rng, "@@")
    return marked.replace(b'"@@"', (opening * depth + "0" + closing * depth).encode())


def huge(line, rng):
    value = rng.choice(["a" * 60_000, "word " * 10_000, [0] * 5_000, {str(n): n for n in range(1_000)}, 10**4000])
    return place(line, rng, value) if rng.random() < 0.9 else line.replace(b"{", b'{"n":' + b"9" * 6_000 + b",", 1)


def wrong(line, rng):
    for _ in range(rng.randint(1, 3)):
        line = place(line, rng, rng.choice(WRONG))
    return line


def swapped(line, rng):
    """Two values of the line have changed places."""
    tree = json.loads(line)
    keys = rng.sample(list(tree), 2)
    tree[keys[0]], tree[keys[1]] = tree[keys[1]], tree[keys[0]]
    return json.dumps(tree).encode()


@pytest.mark.parametrize("mutate", [cut, flipped, deep, huge, wrong, swapped], ids=lambda one: one.__name__)
def test_ten_thousand_damaged_lines(write, tmp_path, samples, mutate):
    """No crash, none silently gone: lines of our own and of real sessions, in files of 200 with whole ones between."""
    rng = random.Random(mutate.__name__)
    sound = whole(write, tmp_path).lines + sample_lines(samples, rng)
    lines, malformed, damaged = 0, 0, 200 if mutate is huge else 2_000
    for number in range(damaged // 100):
        scribe = write.Scribe(tmp_path / str(number))
        for _ in range(100):
            line = rng.choice(sound)
            scribe.raw(line)
            scribe.raw(mutate(line, rng))
        traces = scribe.traces()  # every line is in one place
        for trace in traces:
            malformed += len(trace.info.malformed)
            again = from_builtins(json.loads(jsonl.dumps(to_builtins(trace))))
            assert len(again.steps) == len(trace.steps)
        lines += 200
    assert lines == 2 * damaged and malformed < lines / 2 + damaged // 10
    assert malformed or mutate in (wrong, swapped)


def sample_lines(samples, rng):
    """Lines of real sessions of many versions, none longer than 20 KB."""
    found = []
    for path in sorted([*samples.glob("claude-code-*/*.jsonl"), *samples.glob("rig-claude-code/*/*.jsonl")]):
        if path.name not in ("hook-stdin.jsonl", "stream-json-stdout.jsonl"):
            lines = [line for line in path.read_bytes().splitlines() if 2 < len(line) < 20_000 and sound_line(line)]
            found += rng.sample(lines, min(20, len(lines)))
    return found


def sound_line(line):
    try:
        value = json.loads(line)
    except ValueError:
        return False
    return isinstance(value, dict) and len(value) > 1
