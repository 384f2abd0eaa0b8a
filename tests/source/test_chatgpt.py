"""ChatGPT exports: the one real conversation at hand, and every kind of node from the schema."""

import json
import sys
import tracemalloc
import zipfile
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bashgym import registry
from bashgym.errors import InputError
from bashgym.kinds import Source
from bashgym.trace import from_builtins, plain, to_builtins

sys.path.insert(0, str(Path(__file__).parent))
from exports_fixture import RATINGS, TIME, Tree, everything


def source(path, **settings):
    cls = registry.load("source", "chatgpt")
    return cls(cls.Config(path=str(path), **settings))


def read(path):
    plugin = source(path)
    return [trace for ref in plugin.list() for trace in plugin.read(ref)]


def saved(tmp_path, *chats, **files):
    (tmp_path / "conversations.json").write_text(json.dumps(chats))
    for name, value in files.items():
        (tmp_path / f"{name}.json").write_text(json.dumps(value))
    return tmp_path


def claims(trace):
    """Every record's number that something in the trace stands for."""
    for step in trace.steps:
        yield from step.info.line_nos
        for result in step.observation.results if step.observation else []:
            if result.extra.bashgym.line_no is not None:
                yield result.extra.bashgym.line_no
    for one in trace.info.events + trace.info.malformed:
        if one.line_no is not None:
            yield one.line_no


def whole(trace, nodes):
    """The trace keeps ATIF's rules and holds each of so many nodes once."""
    assert from_builtins(json.loads(json.dumps(to_builtins(trace)))) == trace
    assert Counter(claims(trace)) == Counter(range(1, nodes + 1))
    assert trace.info.source.files[0].lines == nodes
    assert [step.step_id for step in trace.steps] == list(range(1, len(trace.steps) + 1))
    for step in trace.steps:
        assert step.source == "agent" or not step.tool_calls
        ids = {call.tool_call_id for call in step.tool_calls or []}
        assert {result.source_call_id for result in (step.observation.results if step.observation else [])} <= ids | {
            None
        }
    active = {step.step_id for step in trace.steps if step.info.active}
    assert {n for branch in trace.info.branches if branch.active for n in branch.step_ids} == active
    assert {n for branch in trace.info.branches for n in branch.step_ids} == {step.step_id for step in trace.steps}


# The real one --------------------------------------------------------------------------------------------------------


def test_the_real_conversation(samples):
    path = samples / "chatgpt-export" / "conversations.json"
    (value,) = json.loads(path.read_text())
    plugin = source(path)
    (ref,) = plugin.list()
    assert isinstance(plugin, Source)
    assert (ref.id, ref.row, ref.source) == (value["conversation_id"], 0, "chatgpt")
    (trace,) = plugin.read(ref)
    messages = [node["message"] for node in value["mapping"].values() if node["message"]]
    whole(trace, len(value["mapping"]))
    assert len(trace.info.events) == 1 + 3  # the header; the root, and two hidden messages of the system
    said = [m for m in messages if m["author"]["role"] == "user"]
    assert [step.text for step in trace.steps if step.source == "user"] == [m["content"]["parts"][0] for m in said]
    calls = [m["content"]["text"] for m in messages if m["recipient"] == "python"]
    assert [call.arguments["input"] for step in trace.steps for call in step.tool_calls or []] == calls
    outputs = [m["content"]["text"] for m in messages if m["author"]["role"] == "tool"]
    results = [result for step in trace.steps if step.observation for result in step.observation.results]
    assert [plain(result.content) for result in results] == outputs
    texts = [
        m["content"]["parts"][0] for m in messages if m["author"]["role"] == "assistant" and m["recipient"] == "all"
    ]
    assert [step.text for step in trace.steps if step.source == "agent" and step.text] == texts
    statuses = [m["metadata"]["aggregate_result"]["status"] for m in messages if m["author"]["role"] == "tool"]
    assert trace.info.outcome.tool_errors == sum(status != "success" for status in statuses) == 1
    assert trace.agent.model_name == "gpt-4-code-interpreter"
    assert trace.steps[0].timestamp == "2023-09-21T19:57:53.969Z"
    assert (trace.info.outcome.ended, len(trace.info.branches)) == ("completed", 1)


# From the schema -----------------------------------------------------------------------------------------------------


@pytest.fixture
def trace(tmp_path):
    plugin = source(saved(tmp_path, everything(), message_feedback=RATINGS))
    ref = next(ref for ref in plugin.list() if ref.id == "chat-1")
    return next(plugin.read(ref))


def at(trace, node):
    return next(step for step in trace.steps if f"m-{node}" in step.info.uuids)


def test_every_node_is_in_one_place(trace):
    whole(trace, len(everything()["mapping"]))
    hidden = [event.type for event in trace.info.events]
    assert hidden == ["conversation", "node", "hidden node", "hidden node", "feedback", "feedback"]


def test_a_reply_of_several_nodes_is_one_step(trace):
    step = at(trace, "thoughts")
    assert step is at(trace, "recap") is at(trace, "text") is at(trace, "call")
    assert step.info.blocks == ["thinking", "thinking", "text", "tool_use"]
    assert step.reasoning_content == "Adding\n2 and 2\n\nThought for 2s"
    assert (step.message, step.model_name, step.info.stop_reason) == ("Let me compute.", "o3", "tool_use")
    (call,) = step.tool_calls
    assert (call.function_name, call.arguments) == ("python", {"input": "2+2"})
    (result,) = step.observation.results
    assert (result.content, result.extra.bashgym.is_error) == ("NameError", True)
    assert result.extra.bashgym.raw["metadata"]["aggregate_result"]["run_id"] == "r"


def test_a_hidden_call_is_a_call_and_messages_of_one_tool_are_one_result(trace):
    step = at(trace, "search")
    assert step.tool_calls[0].arguments == {"query": "sum"}
    (result,) = step.observation.results
    assert plain(result.content).endswith("4") or "4" in json.dumps(result.content)
    assert "late" in json.dumps(result.content) and "https://x.example" in json.dumps(result.content)
    assert result.extra.bashgym.is_error


def test_edits_and_second_answers_are_branches(trace):
    left = {step.text for step in trace.steps if not step.info.active}
    assert left == {"Five.", "Never mind."}
    assert {branch.leaf: branch.active for branch in trace.info.branches} == {
        "m-worse": False,
        "m-edited": False,
        "m-cat": True,
    }
    assert trace.info.outcome.ended == "completed"


def test_pictures_are_references_and_speech_is_words(trace):
    image, look, speech = at(trace, "picture").message
    assert (image["type"], image["asset_pointer"]) == ("image", "file-service://file-1")
    assert (look, speech) == ({"type": "text", "text": "Look:"}, {"type": "text", "text": "and this?"})


def test_thumbs_are_events_and_a_word_in_the_step(tmp_path, trace):
    assert at(trace, "better").info.foreign["feedback"] == "up"
    assert at(trace, "worse").info.foreign["feedback"] == "down"
    plugin = source(tmp_path)
    refs = {ref.id: ref for ref in plugin.list()}
    assert set(refs) == {"chat-1", "message_feedback.json"}
    (rest,) = plugin.read(refs["message_feedback.json"])
    assert [event.raw["id"] for event in rest.info.events] == ["m-gone"]
    saved(tmp_path, everything(), message_feedback=RATINGS[1:])
    changed = {ref.id: ref.sha256 for ref in source(tmp_path).list()}
    assert changed["chat-1"] != refs["chat-1"].sha256


def test_account_ids_are_left_out(trace):
    assert "user-canary" not in json.dumps(to_builtins(trace))


@pytest.mark.parametrize(
    ("message", "stop", "ended"),
    [
        ({"end_turn": True}, "end_turn", "completed"),
        ({"end_turn": None}, "unfinished", "unknown"),
        ({"end_turn": True, "status": "in_progress"}, "in_progress", "unknown"),
        ({"end_turn": True, "metadata": {"finish_details": {"type": "interrupted"}}}, "interrupted", "unknown"),
        ({"end_turn": True, "metadata": {"finish_details": {"type": "max_tokens"}}}, "max_tokens", "unknown"),
        ({"recipient": "python", "end_turn": False}, "tool_use", "unknown"),
    ],
)
def test_only_an_end_that_the_model_chose_is_completed(tmp_path, message, stop, ended):
    tree = Tree()
    last = tree.add(tree.add("root", "user", "hi"), "assistant", "hello", **message)
    (trace,) = read(saved(tmp_path, tree.done(last)))
    assert (trace.steps[-1].info.stop_reason, trace.info.outcome.ended) == (stop, ended)


def test_many_chats_in_many_files_zipped_or_not(tmp_path):
    chats = [everything() | {"conversation_id": f"chat-{n}", "id": f"chat-{n}"} for n in range(6)]
    folder = tmp_path / "export"
    folder.mkdir()
    for n in range(3):
        (folder / f"conversations-00{n}.json").write_text(json.dumps(chats[2 * n : 2 * n + 2]))
    (folder / "message_feedback.json").write_text(json.dumps(RATINGS))
    (folder / "export_manifest.json").write_text("{}")
    with zipfile.ZipFile(tmp_path / "x.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for path in folder.iterdir():
            archive.write(path, path.name)
    loose, zipped = read(folder), read(tmp_path / "x.zip")
    assert [t.session_id for t in loose] == [t.session_id for t in zipped]
    assert [t.steps for t in loose] == [t.steps for t in zipped]
    hashes = [[ref.sha256 for ref in source(path).list()] for path in (folder, tmp_path / "x.zip")]
    assert hashes[0] == hashes[1] and len(set(hashes[0])) == 7


def test_trees_that_cannot_be(tmp_path):
    tree = Tree()
    a = tree.add("nowhere", "user", "no parent", key="a")
    tree.add("c", "assistant", "circle", key="b")
    tree.add("b", "user", "circle too", key="c")
    tree.add(a, "tool", "nobody called", key="d")
    tree.mapping["e"] = "not a node"
    tree.mapping["f"] = {"message": ["no", "object"]}
    tree.mapping["g"] = {"message": {"author": None, "content": None, "create_time": 1e300}, "parent": "g"}
    (trace,) = read(saved(tmp_path, tree.done("nowhere")))
    whole(trace, 8)
    assert len(trace.info.malformed) == 2
    assert {step.text for step in trace.steps} == {"no parent", "circle", "circle too", ""}


def test_what_is_no_conversation_is_kept_aside(tmp_path):
    text = f'[{{"title": "x"}}, {{"mapping": [], "id": "m"}}, 3, {json.dumps(everything())}]'
    (tmp_path / "conversations.json").write_text(text)
    traces = read(tmp_path)
    assert [trace.session_id for trace in traces] == ["conversations.json#1", "m", "conversations.json#3", "chat-1"]
    assert [len(trace.info.malformed) for trace in traces] == [1, 1, 1, 0]
    assert traces[0].info.malformed[0].raw == '{"title": "x"}'


def test_errors_say_what_to_do(tmp_path):
    with pytest.raises(InputError, match=r"^source.chatgpt.path: no export is named; ask ChatGPT"):
        source("").list()
    saved(tmp_path, message_feedback={"not": "a list"})
    with pytest.raises(InputError, match=r"message_feedback.json: no list of ratings"):
        list(source(tmp_path).list())
    plugin = source(saved(tmp_path, everything(), message_feedback=[]))
    (ref,) = plugin.list()
    saved(tmp_path)
    with pytest.raises(InputError, match="chat chat-1 is no longer in it"):
        list(source(tmp_path).read(ref))


def test_forgotten_chats_stay_out(tmp_path, own_home):
    import hashlib

    (own_home / "forgotten").write_text(hashlib.sha256(b"chat-1").hexdigest() + "\n")
    plugin = source(saved(tmp_path, everything()))
    assert list(plugin.list()) == []
    assert plugin.left_out.total() == 1


def test_memory_does_not_grow_with_the_export(tmp_path):
    """Sixty megabytes of chats: listing them and reading one takes a tenth of that."""
    chat = everything()
    chat["mapping"]["ask"]["message"]["content"]["parts"] = ["word " * 40_000]
    chats = (json.dumps(chat | {"id": f"c-{n}", "conversation_id": f"c-{n}"}) for n in range(300))
    (tmp_path / "conversations.json").write_text("[" + ",".join(chats) + "]")
    tracemalloc.start()
    plugin = source(tmp_path)
    refs = list(plugin.list())
    (trace,) = plugin.read(refs[150])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (len(refs), trace.session_id) == (300, "c-150")
    assert sum(ref.size for ref in refs) > 60_000_000 > 10 * peak


CHAT = json.dumps([everything(), everything() | {"conversation_id": "chat-2"}]).encode()


@given(
    st.lists(st.tuples(st.integers(0, len(CHAT) - 1), st.integers(0, 255)), min_size=1, max_size=5), st.integers(0, 40)
)
def test_damaged_bytes_end_in_traces_that_hold_every_node(tmp_path_factory, changes, cut):
    data = bytearray(CHAT)
    for position, byte in changes:
        data[position] = byte
    path = tmp_path_factory.mktemp("chats") / "conversations.json"
    path.write_bytes(data[: len(data) - (cut if cut > 30 else 0)])
    for trace in read(path):
        assert from_builtins(to_builtins(trace)) == trace
        lines = trace.info.source.files[0].lines
        if trace.info.malformed and not trace.steps:
            continue
        assert Counter(claims(trace)) == Counter(range(1, lines + 1))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


KEYS = "message parent author content metadata recipient weight create_time parts status end_turn id content_type text"


@given(st.sampled_from(sorted(everything()["mapping"])), st.sampled_from(KEYS.split()), JSON)
def test_wrong_types_anywhere_do_no_harm(tmp_path_factory, node, key, value):
    chat = everything()
    holder = chat["mapping"][node]
    message = holder["message"] or {}
    for place in (holder, message, message.get("content") or {}):
        if key in place:
            place[key] = value
    (trace,) = read(saved(tmp_path_factory.mktemp("chats"), chat, message_feedback=[{"rating": value, "id": value}]))[
        :1
    ]
    assert Counter(claims(trace)) == Counter(range(1, len(chat["mapping"]) + 1))
    assert from_builtins(to_builtins(trace)) == trace


def test_times_are_utc(trace):
    assert trace.info.events[0].ts == "2025-10-09T08:53:20.250Z"
    assert TIME == 1_760_000_000.25
