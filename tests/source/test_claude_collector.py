"""The claude-collector source: what it wrote of real sessions makes the same steps as the sessions themselves.

The files are written here as version 0.1.0 writes them (seen in its code): every line but three kinds, one session
after the other, as it came. Pairs of the README's shape were built from the README, no real file was at hand."""

import json
from pathlib import Path

import pytest

from bashgym import registry
from bashgym.errors import InputError
from bashgym.kinds import Source
from bashgym.trace import from_builtins, to_builtins

LEFT_OUT = {"summary", "file-history-snapshot", "queue-operation"}


def source(path, name="claude_collector"):
    cls = registry.load("source", name)
    return cls(cls.Config(path=str(path)))


def read(path, name="claude_collector"):
    plugin = source(path, name)
    return [(ref, list(plugin.read(ref))) for ref in plugin.list()]


def collected(folder: Path, target: Path) -> int:
    """One file out of all session files of `folder`, as claude-collector makes it; the number of its lines."""
    kept = []
    for path in sorted(folder.rglob("*.jsonl")):
        for line in path.read_text(errors="ignore").splitlines():
            try:
                value = json.loads(line)
            except ValueError:
                continue
            if value.get("type", "") not in LEFT_OUT:
                kept.append(json.dumps(value))
    target.write_text("\n".join(kept) + "\n")
    return len(kept)


def test_it_keeps_the_contract(tmp_path):
    assert isinstance(source(""), Source)
    with pytest.raises(InputError, match=r"^source.claude_collector.path: no file is named"):
        source("").list()
    with pytest.raises(InputError, match=r"no .jsonl file at"):
        source(tmp_path).list()


@pytest.mark.parametrize("folder", ["claude-code-spotter", "claude-code-viewer", "rig-claude-code/2.1.200-b21200"])
def test_collected_sessions_are_what_they_were(samples, tmp_path, folder):
    lines = collected(samples / folder, tmp_path / "claude_full.jsonl")
    found = read(tmp_path / "claude_full.jsonl")
    for ref, traces in found:
        assert {trace.session_id for trace in traces} == {ref.id}
        assert all(trace.info.source.kind == "claude_collector" for trace in traces)
        assert all(from_builtins(to_builtins(trace)) == trace for trace in traces)
    assert sum(source.lines for _, traces in found for t in traces for source in t.info.source.files) == lines
    collected_words = {words(trace) for _, traces in found for trace in traces if trace.steps}
    for _, traces in read(samples / folder, "claude_code"):
        for trace in traces:
            if trace.steps and not trace.info.lineage.relation:
                assert words(trace) in collected_words


def words(trace):
    """What was said, called and answered, in order, and what it cost."""
    calls = [(call.function_name, json.dumps(call.arguments)) for step in trace.steps for call in step.tool_calls or ()]
    return tuple((step.source, step.text) for step in trace.steps), tuple(calls), trace.info.totals.output_tokens


def line(session, number, role="user", **more):
    message = {"role": role, "content": f"word {number}"}
    return json.dumps({"type": role, "uuid": f"u{number}", "sessionId": session, "message": message, **more})


def test_sessions_are_told_apart_however_they_are_mixed(tmp_path):
    rows = [line("a", 1), line("b", 2), '{"type": "ai-title"}', "{torn", line("a", 3)]
    path = tmp_path / "claude_full.jsonl"
    path.write_text("\n".join(rows))
    (first, (a,)), (second, (b,)) = read(path)
    assert (first.id, second.id) == ("a", "b")
    assert [step.info.line_nos for step in a.steps] == [[1], [5]]
    assert [step.info.line_nos for step in b.steps] == [[2]]
    assert [event.line_no for event in b.info.events] == [3] and [bad.line_no for bad in b.info.malformed] == [4]


def test_pairs_of_the_readmes_shape_are_read_too(tmp_path):
    pair = {
        "messages": [{"role": "user", "content": "how"}, {"role": "assistant", "content": "so"}, 7],
        "metadata": {
            "timestamp": "2025-11-13T00:00:00Z",
            "tokens": {"input_tokens": 100, "output_tokens": 200, "cache_creation_input_tokens": 5000},
        },
    }
    path = tmp_path / "pairs.jsonl"
    path.write_text("\n".join([json.dumps(pair), "{torn", json.dumps(pair)]))
    (ref, (first,)), (_, (torn,)), (_, (last,)) = read(path)
    assert ref.id == "pairs:1" and [step.text for step in first.steps] == ["how", "so"] == [s.text for s in last.steps]
    totals = first.info.totals
    assert (totals.input_tokens, totals.output_tokens, totals.cache_creation_input_tokens) == (100, 200, 5000)
    assert first.info.malformed[0].raw == "7" and torn.info.malformed[0].raw == "{torn"


def test_a_file_that_changed_since_it_was_listed_says_so(tmp_path):
    path = tmp_path / "claude_full.jsonl"
    path.write_text(line("a", 1))
    plugin = source(path)
    (ref,) = plugin.list()
    path.write_text(line("b", 1))
    with pytest.raises(InputError, match="changed since it was listed"):
        list(plugin.read(ref))
