"""The dataclaw source. The exports here were built from the schema, no real file was at hand."""

import base64
import json
import random

import pytest

from bashgym import registry
from bashgym.errors import InputError
from bashgym.kinds import Source
from bashgym.trace import from_builtins, to_builtins

IMAGE = base64.b64encode(bytes(range(256)) * 40).decode()
PICTURE = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": IMAGE}}
FULL = {
    "session_id": "abc-123",
    "project": "shop",
    "source": "claude",
    "model": "claude-opus-4-6",
    "git_branch": "main",
    "start_time": "2026-01-01T10:00:00+00:00",
    "end_time": "2026-01-01T10:30:00+00:00",
    "messages": [
        {"role": "user", "content": "why does it fail", "content_parts": [PICTURE], "timestamp": "2026-01-01T10:00:00"},
        {
            "role": "assistant",
            "content": "Looking.",
            "thinking": "which test",
            "tool_uses": [
                {"tool": "bash", "input": {"command": "pytest"}, "status": "error",
                 "output": {"text": "1 failed", "raw": {"exit_code": 1}}},
                {"tool": "Read", "input": {"file_path": "a.py"}, "output": {"text": "x = 1"}, "status": "success"},
                {"tool": "Read", "input": "b.py"},
            ],
            "timestamp": "2026-01-01T10:01:00",
        },
        {"role": "assistant", "content": "Fixed.", "timestamp": "2026-01-01T10:02:00"},
    ],
    "stats": {"user_messages": 1, "assistant_messages": 2, "tool_uses": 3, "input_tokens": 900, "output_tokens": 10},
}  # fmt: skip


def source(path):
    cls = registry.load("source", "dataclaw")
    return cls(cls.Config(path=str(path)))


def read(path):
    plugin = source(path)
    return [(ref, list(plugin.read(ref))) for ref in plugin.list()]


def test_it_keeps_the_contract(tmp_path):
    assert isinstance(source(""), Source)
    with pytest.raises(InputError, match=r"^source.dataclaw.path: no file is named"):
        source("").list()
    with pytest.raises(InputError, match=r"no .jsonl file at"):
        source(tmp_path).list()


def test_a_line_becomes_a_trace(tmp_path):
    (tmp_path / "conversations.jsonl").write_text(json.dumps(FULL) + "\n")
    ((ref, (trace,)),) = read(tmp_path)
    assert (ref.id, trace.agent.name, trace.agent.model_name) == ("abc-123", "claude-code", "claude-opus-4-6")
    asked, reply, last = trace.steps
    text, image = asked.message
    assert text["text"] == "why does it fail" and (image["bytes"], image["media_type"]) == (10240, "image/png")
    assert IMAGE not in json.dumps(to_builtins(trace))
    assert (reply.text, reply.reasoning_content) == ("Looking.", "which test")
    shell, seen, unanswered = reply.tool_calls
    assert unanswered.arguments == {"input": "b.py"}
    results = reply.results()
    failed = results[shell.tool_call_id].extra.bashgym
    assert (failed.is_error, failed.exit_code, failed.raw) == (True, 1, {"exit_code": 1})
    assert results[seen.tool_call_id].content == "x = 1" and unanswered.tool_call_id not in results
    assert trace.info.usage_reliable is False and trace.info.foreign["stats"] == FULL["stats"]
    assert trace.info.project.git_branch == "main" and trace.info.project.cwd is None
    assert (last.text, trace.info.outcome.ended, trace.info.outcome.tool_errors) == ("Fixed.", "completed", 1)
    assert from_builtins(to_builtins(trace)) == trace


def test_merged_sub_agents_belong_to_their_session(tmp_path):
    lines = [json.dumps(FULL), json.dumps({**FULL, "session_id": "abc-123:subagents"})]
    (tmp_path / "conversations.jsonl").write_text("\n".join(lines))
    (_, (main,)), (ref, (sub,)) = read(tmp_path)
    assert ref.id == "abc-123:subagents"
    assert (sub.session_id, sub.trajectory_id, sub.info.lineage.relation) == ("abc-123", "subagents", "subagent")
    assert main.trajectory_id is None


@pytest.mark.parametrize("seed", range(60))
def test_damage_never_crashes_and_every_message_is_in_exactly_one_place(tmp_path, seed):
    dice = random.Random(seed)
    hurt = json.loads(json.dumps(FULL))
    for _ in range(4):
        node = dice.choice([hurt, *[one for one in hurt["messages"] if isinstance(one, dict)]])
        if node is hurt and dice.random() < 0.5:
            node = (hurt["messages"][1].get("tool_uses") if isinstance(hurt["messages"][1], dict) else None) or hurt
            node = dice.choice(node) if isinstance(node, list) and isinstance(node[0], dict) else hurt
        key = dice.choice([one for one in node if one != "messages"] or ["role"]) if isinstance(node, dict) else None
        if key is not None:
            node[key] = dice.choice([None, 1, [], {}, [1], {"a": [1]}, "x", "", True])
    (tmp_path / "conversations.jsonl").write_text(json.dumps(hurt))
    ((_, (trace,)),) = read(tmp_path)
    places = [number for step in trace.steps for number in step.info.line_nos]
    places += [one.line_no for one in (*trace.info.events, *trace.info.malformed)]
    assert sorted(places) == [1, 2, 3]
    assert from_builtins(to_builtins(trace)) == trace


def test_a_torn_line_is_kept_aside_and_the_others_are_read(tmp_path):
    content = json.dumps(FULL) + "\n" + json.dumps({**FULL, "session_id": "next"})[:200]
    (tmp_path / "conversations.jsonl").write_text(content)
    (_, (first,)), (ref, (torn,)) = read(tmp_path)
    assert len(first.steps) == 3
    assert ref.id == "conversations:2" and torn.info.malformed[0].line_no == 2 and torn.steps == []
