"""What every reader of an agent's lines must hold, whatever the lines say."""

import json
from collections import Counter
from pathlib import Path

from hypothesis import strategies as st

from bashgym import jsonl, registry
from bashgym.trace import from_builtins, to_builtins

SAMPLES = Path(__file__).parents[2].parent / "shared" / "samples"


def source(name, path=""):
    cls = registry.load("source", name)
    return cls(cls.Config(path=str(path)))


def read(name, path):
    """Reference and traces of every session in a folder or file."""
    plugin = source(name, path)
    return [(ref, list(plugin.read(ref))) for ref in plugin.list()]


def one(name, path):
    """The first trace of the only session."""
    ((_, traces),) = read(name, path)
    return traces[0]


def claims(trace):
    """How often each line is in a step, a result, an event or among the malformed."""
    found = Counter()
    for step in trace.steps:
        found.update(step.info.line_nos)
        for result in step.observation.results if step.observation else []:
            found.update([result.extra.bashgym.line_no] if result.extra.bashgym.line_no is not None else [])
    found.update(one.line_no for one in trace.info.events + trace.info.malformed if one.line_no is not None)
    return found


def lines_of(path):
    """Numbers of the lines that are not blank."""
    return {number for number, line in enumerate(Path(path).read_bytes().split(b"\n"), 1) if line.strip()}


def holds(name, path):
    """Reads a file that may hold anything: each line is in exactly one place, the trace can be written and read."""
    ((ref, traces),) = read(name, path)
    total = Counter()
    for trace in traces:
        value = to_builtins(trace)
        assert from_builtins(value) == trace
        assert jsonl.dumps(value)
        assert trace.info.outcome.ended in ("completed", "interrupted", "error", "unknown")
        total += claims(trace)
        ids = [call.tool_call_id for step in trace.steps for call in step.tool_calls or []]
        assert len(ids) == len(set(ids))
        assert [step.step_id for step in trace.steps] == list(range(1, len(trace.steps) + 1))
        for step in trace.steps:
            made = {call.tool_call_id for call in step.tool_calls or []}
            for result in step.observation.results if step.observation else []:
                assert result.source_call_id is None or result.source_call_id in made
    return ref, traces, total


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


def paths_in(value, path=()):
    """Where something lies in a JSON value."""
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield from paths_in(inner, (*path, key))


def replaced(value, path, new):
    """A copy of `value` with `new` at `path`; deleted where `new` is Ellipsis."""
    copy = json.loads(json.dumps(value))
    node = copy
    for key in path[:-1]:
        node = node[key]
    if new is ...:
        del node[path[-1]]
    else:
        node[path[-1]] = new
    return copy


def mutated(data, lines):
    """The lines after up to five accidents: a value of another type, a key gone, a line cut, flipped, doubled, lost."""
    lines = list(lines)
    for _ in range(data.draw(st.integers(1, 5))):
        at = data.draw(st.integers(0, len(lines) - 1))
        how = data.draw(st.sampled_from(["value", "value", "value", "gone", "cut", "flip", "double", "lose", "deep"]))
        line = lines[at]
        if how in ("value", "gone"):
            try:
                value = json.loads(line)
            except (ValueError, RecursionError):
                continue
            places = [path for path in paths_in(value) if path]
            if places:
                new = ... if how == "gone" else data.draw(JSON)
                lines[at] = json.dumps(replaced(value, data.draw(st.sampled_from(places)), new)).encode()
        elif how == "cut":
            lines[at] = line[: data.draw(st.integers(0, len(line)))]
        elif how == "flip" and line:
            place = data.draw(st.integers(0, len(line) - 1))
            lines[at] = line[:place] + bytes([line[place] ^ (1 << data.draw(st.integers(0, 7)))]) + line[place + 1 :]
        elif how == "double":
            lines.insert(data.draw(st.integers(0, len(lines))), line)
        elif how == "lose" and len(lines) > 1:
            del lines[at]
        elif how == "deep":
            lines[at] = b'{"type":"event_msg","payload":' + b"[" * 5000 + b"]" * 5000 + b"}"
    return lines
