"""Chats of Gemini CLI: real files record by record, what no sample holds built by hand, and lines that are damaged."""

import hashlib
import json
import shutil

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from bashgym import paths
from bashgym.errors import InputError
from bashgym.kinds import Source
from tests.source.agent_lines import SAMPLES, claims, holds, lines_of, mutated, one, read, source

RIG = SAMPLES / "rig-gemini" / "0.61.0" / "session-2026-11-21T05-39-68afb793.jsonl"
OLD = sorted((SAMPLES / "gemini-entire").glob("*.json"))
MIDDLE = SAMPLES / "agent-sessions" / "gemini__jsonl_v040.jsonl"
ROOT = "/home/sam/proj"
HASH = hashlib.sha256(ROOT.encode()).hexdigest()


# Chats built from the schema: no real file of these kinds was at hand -------------------------------------------------


def header(session="s1", **more):
    return {"sessionId": session, "projectHash": HASH, "startTime": "2026-03-01T10:00:00Z", "kind": "main", **more}


def user(name, *parts):
    content = [{"text": part} if isinstance(part, str) else part for part in parts]
    return {"id": name, "timestamp": "2026-03-01T10:00:01Z", "type": "user", "content": content}


def reply(name, words="", calls=(), **more):
    tokens = {"input": 100, "output": 7, "cached": 40, "thoughts": 3, "tool": 2, "total": 112}
    value = {"id": name, "timestamp": "2026-03-01T10:00:02Z", "type": "gemini", "content": words, "model": "gemini-x"}
    return {**value, "tokens": tokens, **({"toolCalls": list(calls)} if calls else {}), **more}


def answer(call_id, response):
    return {"functionResponse": {"id": call_id, "name": "x", "response": response}}


def call(call_id, name="run_shell_command", response=None, status="success", **more):
    result = [answer(call_id, response)] if response else None
    return {"id": call_id, "name": name, "args": {"command": "x"}, "result": result, "status": status, **more}


def write(folder, lines, name="session-a.jsonl"):
    path = folder / "tmp" / "proj" / "chats" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(one) + "\n" for one in lines))
    return path


# The plugin -----------------------------------------------------------------------------------------------------------


def test_it_keeps_the_contract_and_its_preset():
    plugin = source("gemini")
    assert isinstance(plugin, Source) and plugin.agent == "Gemini CLI"
    preset = paths.shipped("conf") / "source" / "gemini.yaml"
    assert preset.read_text().splitlines()[0] == "# @package source.gemini"
    values = yaml.safe_load(preset.read_text())
    assert values.pop("plugin") == "gemini" and set(values) == set(plugin.Config.model_fields)


def test_without_a_path_it_reads_gemini_clis_own_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("GEMINI_CLI_HOME", str(tmp_path))
    with pytest.raises(InputError, match=rf"^source.gemini.path: {tmp_path}/.gemini/tmp is not there; run Gemini CLI"):
        source("gemini").list()
    write(tmp_path / ".gemini", [header(), user("u", "hi")])
    assert [(ref.id, traces[0].steps[0].text) for ref, traces in read("gemini", "")] == [("s1", "hi")]


@pytest.mark.parametrize("known_by", ["project root", "hash alone", "a path it speaks of"])
def test_an_excluded_folder_is_left_out_though_a_chat_does_not_name_it(tmp_path, own_home, known_by):
    path = write(tmp_path, [header(), user("u", "hi")])
    (own_home / "exclude").write_text(f"{ROOT}\n")
    if known_by == "project root":
        (path.parent.parent / ".project_root").write_text(ROOT)
    if known_by == "a path it speaks of":
        write(tmp_path, [header(), user("u", f"see {ROOT}/src/a.py")])
        (own_home / "exclude").write_text("/home/sam\n")
    plugin = source("gemini", tmp_path)
    assert list(plugin.list()) == [] and plugin.left_out.total() == 1


def test_only_chats_are_sessions(samples):
    assert [ref.id for ref in source("gemini", samples / "agent-sessions").list()] == ["gemini_stage0_jsonl"]
    assert len(list(source("gemini", samples / "rig-gemini").list())) == 1


# Real files -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", [RIG, MIDDLE], ids=lambda path: path.name[:14])
def test_every_line_of_a_real_file_is_in_exactly_one_place(path, samples):
    _, (trace,), found = holds("gemini", path)
    assert set(found) == lines_of(path) and set(found.values()) == {1} and not trace.info.malformed


def test_the_rigs_steps_and_calls(samples):
    trace = one("gemini", RIG)
    assert [(step.info.kind, step.text, step.info.line_nos) for step in trace.steps] == [
        ("meta", "[vendor text removed, 609 chars]", [2]),
        ("human", "Please do the demo", [3]),
        ("agent", "Looking.", [5, 7]),
        ("agent", "", [10, 12]),
        ("agent", "", [15, 17]),
        ("agent", "All done.", [20]),
    ]
    assert trace.steps[2].reasoning_content == "**Thinking about listing**\nI think"
    called = [
        (c.function_name, c.arguments, s.results()[c.tool_call_id]) for s in trace.steps for c in s.tool_calls or []
    ]
    assert [(name, given) for name, given, _ in called] == [
        ("list_directory", {"dir_path": "."}),
        ("read_file", {"file_path": "nope.py"}),
        ("write_file", {"file_path": "hello.py", "content": "print(1)\n"}),
    ]
    results = [result for *_, result in called]
    assert results[1].content == "File not found: /home/sam/code/proj/oge/nope.py"
    assert [result.extra.bashgym.is_error for result in results] == [False, True, False]
    assert [result.extra.bashgym.line_no for result in results] == [8, 13, 18]
    assert results[2].extra.bashgym.raw["diffStat"]["model_added_lines"] == 1


def test_tokens_of_real_files_are_their_own_totals(samples):
    for path in [RIG, MIDDLE, *OLD]:
        written = json.loads(path.read_text()) if path in OLD else None
        lines = written["messages"] if written else [json.loads(line) for line in path.read_text().splitlines()]
        own = {line["id"]: line["tokens"]["total"] for line in lines if "tokens" in line}
        totals = one("gemini", path).info.totals
        assert totals.input_tokens + totals.cache_read_input_tokens + totals.output_tokens == sum(own.values())
    rig = one("gemini", RIG)
    assert rig.info.totals.cache_read_input_tokens == 400
    assert rig.steps[2].metrics.extra.bashgym.reasoning_tokens == 10


@pytest.mark.parametrize("path", OLD, ids=lambda path: path.name[16:20])
def test_json_files_of_2025_are_records(path):
    _, (trace,), found = holds("gemini", path)
    written = json.loads(path.read_text())
    count = len(written["messages"]) + 1
    assert dict(found) == dict.fromkeys(range(1, count + 1), 1) and trace.info.source.files[0].lines == count
    assert [step.info.uuids[0] for step in trace.steps] == [message["id"] for message in written["messages"]]
    assert trace.info.project.cwd == "/Users/peytonmontei/Documents/entire/devenv/entireio/cli"  # found by its hash


def test_a_shell_command_without_an_exit_code_succeeded(samples):
    (result,) = one("gemini", MIDDLE).steps[1].observation.results
    assert (result.extra.bashgym.exit_code, result.extra.bashgym.is_error) == (0, False)


def test_a_chat_cut_anywhere_is_not_completed(samples, tmp_path):
    lines = RIG.read_bytes().split(b"\n")[:-1]
    for end in range(1, len(lines)):
        path = tmp_path / f"session-{end}.jsonl"
        path.write_bytes(b"\n".join(lines[:end]) + b"\n" + lines[end][:20])
        trace = one("gemini", path)
        assert trace.info.outcome.ended == "unknown" and len(trace.info.malformed) == 1, end


# What no sample holds -----------------------------------------------------------------------------------------------


def test_a_chat_that_the_client_has_summed_up_was_over(tmp_path):
    lines = [header(), user("u", "go"), reply("g", "done")]
    assert one("gemini", write(tmp_path, lines)).info.outcome.ended == "unknown"
    lines.append({"$set": {"summary": "Greeting"}})
    assert one("gemini", write(tmp_path, lines)).info.outcome.ended == "completed"


def test_failures_refusals_and_exit_codes(tmp_path):
    calls = [
        call("a", response={"output": "Output: boom\nExit Code: 3\nProcess Group PGID: 7"}),
        call("b", response={"error": "[Operation Cancelled] Reason: User did not allow tool call"}, status="cancelled"),
        call("c", response={"error": "Tool execution denied by policy."}, status="error"),
        call("d", status="executing"),
        call("e", "x", {"output": "ok"}, displayName="search (docs MCP Server)", agentId="sub"),
    ]
    trace = one("gemini", write(tmp_path, [header(), user("u", "go"), reply("g", "", calls)]))
    step = trace.steps[1]
    infos = {name: result.extra.bashgym for name, result in step.results().items()}
    assert {name: (info.exit_code, info.is_error) for name, info in infos.items()} == {
        "a": (3, True), "b": (None, True), "c": (None, True), "e": (None, False)
    }  # fmt: skip
    assert [c.extra.bashgym.denied for c in step.tool_calls] == [None, "user", "rule", None, None]
    assert step.tool_calls[4].extra.bashgym.mcp_server == "docs"
    assert (trace.info.outcome.rejections, trace.info.outcome.tool_errors) == (1, 2)


def test_a_new_history_is_a_compaction(tmp_path):
    lines = [
        header(),
        user("u1", "go"),
        reply("g1", "working"),
        {"$set": {"messages": [user("x", "<state_snapshot>so far"), reply("g1", "working")], "summary": "s"}},
        user("u2", "on"),
        reply("g2", "done"),
    ]
    path = write(tmp_path, lines)
    trace = one("gemini", path)
    assert [(w.first_step, w.last_step, w.summary_step) for w in trace.info.context_windows] == [
        (1, 2, None),
        (3, 5, 3),
    ]
    assert [step.info.kind for step in trace.steps] == ["human", "agent", "compact_summary", "human", "agent"]
    assert trace.steps[2].info.foreign == {"$set": {"summary": "s"}} and set(claims(trace)) == lines_of(path)


def test_what_was_rewound_is_inactive(tmp_path):
    lines = [header(), user("u1", "a"), reply("g1", "b"), user("u2", "c"), {"$rewindTo": "u2"}, user("u3", "d")]
    trace = one("gemini", write(tmp_path, lines))
    assert [(step.text, step.info.active) for step in trace.steps] == [
        ("a", True),
        ("b", True),
        ("c", False),
        ("d", True),
    ]


def test_errors_interrupts_and_notes(tmp_path):
    def note(name, kind, words):
        return {"id": name, "type": kind, "content": words, "timestamp": "t"}

    lines = [header(), user("u", "go"), note("a", "info", "Update available"), note("b", "error", "[API Error: 429]")]
    trace = one("gemini", write(tmp_path, lines))
    assert trace.info.outcome.ended == "error" and trace.info.outcome.api_errors == 1
    assert [event.type for event in trace.info.events] == ["header", "message/info"]
    trace = one("gemini", write(tmp_path, [*lines, note("c", "info", "Request cancelled.")]))
    assert trace.info.outcome.ended == "interrupted"


def test_answers_without_a_call_and_words_beside_answers_are_kept(tmp_path):
    picture = {"inlineData": {"mimeType": "image/png", "data": "QUJD" * 2000}}
    lines = [header(), user("u", answer("nobody", {"output": "x"})), user("v", "look", picture), user("w", "y")]
    trace = one("gemini", write(tmp_path, lines))
    assert [step.info.kind for step in trace.steps] == ["tool_result", "human", "human"]
    assert trace.steps[1].message[1] == {
        "type": "image",
        "media_type": "image/png",
        "sha256": hashlib.sha256(b"ABC" * 2000).hexdigest(),
        "bytes": 6000,
    }


def test_sub_agents_lie_in_a_folder_of_their_parents_session(tmp_path):
    calls = [call("c9", "delegate", {"output": "seen"}, agentId="sub-1")]
    write(tmp_path, [header("main-1"), user("u", "go"), reply("g", "", calls), reply("h", "done")])
    write(tmp_path, [header("sub-1", kind="subagent"), user("u", "look"), reply("g", "seen")], "main-1/sub-1.jsonl")
    ((ref, (main, child)),) = read("gemini", tmp_path)
    assert (ref.id, len(ref.files), child.session_id, child.trajectory_id) == ("main-1", 1, "main-1", "sub-1")
    lineage = child.info.lineage
    assert (lineage.relation, lineage.parent_trace, lineage.parent_call_id) == ("subagent", "main-1", "c9")
    assert main.steps[1].observation.results[0].subagent_trajectory_ref[0]["trajectory_id"] == "sub-1"


def test_a_json_file_carried_over_into_lines_counts_once(tmp_path):
    path = write(tmp_path, [header(), user("u", "go")])
    path.with_suffix(".json").write_text(json.dumps({**header(), "messages": [user("u", "go")]}))
    assert [ref.path for ref in source("gemini", tmp_path).list()] == [str(path)]


# Damage ---------------------------------------------------------------------------------------------------------------


@settings(max_examples=150)
@given(data=st.data())
def test_damaged_lines_are_never_lost_and_never_crash(data, tmp_path_factory):
    if not RIG.exists():
        pytest.skip("the samples are not beside this checkout")
    folder = tmp_path_factory.mktemp("gemini")
    path = folder / "chats" / "session-x.jsonl"
    path.parent.mkdir()
    path.write_bytes(b"\n".join(mutated(data, data.draw(st.sampled_from([RIG, MIDDLE])).read_bytes().split(b"\n"))))
    try:
        _, _, found = holds("gemini", path)
        assert set(found) == lines_of(path)
    finally:
        shutil.rmtree(folder)


@settings(max_examples=60)
@given(data=st.data())
def test_damaged_json_files_are_never_lost_and_never_crash(data, tmp_path_factory):
    if not OLD:
        pytest.skip("the samples are not beside this checkout")
    folder = tmp_path_factory.mktemp("gemini")
    path = folder / "chats" / "session-x.json"
    path.parent.mkdir()
    path.write_bytes(b"\n".join(mutated(data, [json.dumps(json.loads(OLD[0].read_text())).encode()])))
    try:
        _, (trace,), found = holds("gemini", path)
        records = set(range(1, trace.info.source.files[0].lines + 1))
        assert set(found) in (lines_of(path), records) and max(found.values(), default=1) == 1
    finally:
        shutil.rmtree(folder)
