"""Claude.ai exports, built from the schema: no real file was at hand."""

import json
import sys
import zipfile
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bashgym import registry
from bashgym.errors import InputError
from bashgym.kinds import Source
from bashgym.trace import from_builtins, to_builtins

sys.path.insert(0, str(Path(__file__).parent))
from exports_fixture import claude_chat


def source(path):
    cls = registry.load("source", "claude_ai")
    return cls(cls.Config(path=str(path)))


def read(path):
    plugin = source(path)
    return [trace for ref in plugin.list() for trace in plugin.read(ref)]


def saved(tmp_path, *chats):
    path = tmp_path / "conversations.json"
    path.write_text(json.dumps(chats))
    return path


def claims(trace):
    for step in trace.steps:
        yield from step.info.line_nos
    for one in trace.info.events + trace.info.malformed:
        if one.line_no is not None:
            yield one.line_no


@pytest.fixture
def trace(tmp_path):
    (trace,) = read(saved(tmp_path, claude_chat()))
    return trace


def test_it_keeps_the_contract(tmp_path, trace):
    plugin = source(saved(tmp_path, claude_chat()))
    assert isinstance(plugin, Source)
    (ref,) = plugin.list()
    assert (ref.id, ref.row) == ("chat-a", 0)
    assert from_builtins(json.loads(json.dumps(to_builtins(trace)))) == trace
    assert sorted(claims(trace)) == [1, 2, 3, 4]
    assert trace.agent.model_name is None
    assert all(step.metrics is None for step in trace.steps)
    assert not trace.info.usage_reliable
    assert trace.info.outcome.ended == "completed"
    assert "account-canary" not in json.dumps(to_builtins(trace))


def test_words_attachments_and_files(trace):
    text, attached, file = trace.steps[0].message
    assert (text["text"], attached) == ("Read this.", {"type": "text", "text": "hello"})
    assert file == {"type": "file", "file_name": "cat.png"}
    assert trace.steps[0].info.foreign["attachments"] == [{"file_name": "a.txt", "file_size": 5, "file_type": "txt"}]


def test_what_follows_a_result_is_another_step(trace):
    _, first, second, thanks, welcome = trace.steps
    assert (first.reasoning_content, first.message) == ("A file.", "Running it.")
    assert first.info.blocks == ["thinking", "text", "tool_use", "tool_use"]
    assert [call.arguments for call in first.tool_calls] == [{"code": "1"}, {"code": "2"}]
    assert first.tool_calls[0].extra.bashgym.mcp_server == "Analysis"
    results = [(r.source_call_id, r.content, r.extra.bashgym.is_error) for r in first.observation.results]
    assert results == [("t1", "one", False), (first.tool_calls[1].tool_call_id, "boom", True)]
    assert second.message == [{"type": "text", "text": "It failed."}, {"type": "token_budget"}]
    assert first.info.uuids == second.info.uuids == ["a1"]
    assert first.info.message_id != second.info.message_id
    assert (thanks.message, welcome.message) == ("Thanks.", "You are welcome.")
    assert trace.info.outcome.tool_errors == 1


def test_what_a_block_says_beside_its_words_is_kept(trace):
    kept = trace.steps[1].info.foreign["blocks"]
    assert [sorted(set(one) - {"block"}) for one in kept] == [
        ["cut_off", "summaries"],
        ["citations"],
        ["integration_name"],
    ]


def test_parents_make_branches(tmp_path):
    said = [("u1", None, "human"), ("a1", "u1", "assistant"), ("a2", "u1", "assistant"), ("u2", "a1", "human")]
    messages = [{"uuid": u, "parent_message_uuid": p, "sender": s, "text": f"say {u}"} for u, p, s in said]
    chat = claude_chat(chat_messages=messages, current_leaf_message_uuid="a2")
    (trace,) = read(saved(tmp_path, chat))
    assert [step.info.active for step in trace.steps] == [True, False, True, False]
    assert {branch.leaf: branch.step_ids for branch in trace.info.branches} == {"u2": [1, 2, 4], "a2": [1, 3]}
    assert trace.info.outcome.ended == "completed"


def test_zips_and_damage(tmp_path):
    with zipfile.ZipFile(tmp_path / "x.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("conversations.json", json.dumps([claude_chat()]))
        archive.writestr("users.json", "[]")
    (trace,) = read(tmp_path / "x.zip")
    assert trace.info.source.files[0].path == f"{tmp_path}/x.zip/conversations.json"
    broken = f'[{{"uuid": "b", "name": "no messages"}}, "text", {json.dumps(claude_chat())}'
    (tmp_path / "conversations.json").write_text(broken)
    traces = read(tmp_path / "conversations.json")
    assert [len(one.info.malformed) for one in traces] == [1, 1, 0]
    with pytest.raises(InputError, match=r"no export is named; ask Claude\.ai"):
        source("").list()


def test_an_unanswered_call_is_no_end(tmp_path):
    chat = claude_chat()
    chat["chat_messages"] = chat["chat_messages"][:2]
    chat["chat_messages"][1]["content"] = chat["chat_messages"][1]["content"][:4]
    (trace,) = read(saved(tmp_path, chat))
    assert trace.info.outcome.ended == "unknown"


CHAT = json.dumps([claude_chat(), claude_chat(uuid="chat-b")]).encode()


@given(st.lists(st.tuples(st.integers(0, len(CHAT) - 1), st.integers(0, 255)), min_size=1, max_size=5))
def test_damaged_bytes_end_in_traces_that_hold_every_message(tmp_path_factory, changes):
    data = bytearray(CHAT)
    for position, byte in changes:
        data[position] = byte
    path = tmp_path_factory.mktemp("chats") / "conversations.json"
    path.write_bytes(data)
    for trace in read(path):
        assert from_builtins(to_builtins(trace)) == trace
        if trace.steps:
            assert Counter(claims(trace)) == Counter(range(1, trace.info.source.files[0].lines + 1))
        else:
            assert trace.info.malformed


JSON = (
    st.none() | st.booleans() | st.integers() | st.text(max_size=4) | st.lists(st.integers(), max_size=2) | st.just({})
)


KEYS = "uuid text sender content attachments files type input name id tool_use_id thinking created_at citations"


@given(st.integers(0, 3), st.integers(0, 7), st.sampled_from(KEYS.split()), JSON)
def test_wrong_types_anywhere_do_no_harm(tmp_path_factory, message, block, key, value):
    chat = claude_chat()
    place = chat["chat_messages"][message]
    blocks = place.get("content") or []
    for one in (place, blocks[block % len(blocks)] if blocks else place):
        if key in one:
            one[key] = value
    (trace,) = read(saved(tmp_path_factory.mktemp("chats"), chat))
    assert Counter(claims(trace)) == Counter([1, 2, 3, 4])
    assert from_builtins(to_builtins(trace)) == trace
