"""Sessions of Codex CLI: real rollouts line by line, what no sample holds built by hand, and lines that are damaged."""

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

THREAD = "019b0000-0000-7000-8000-00000000000a"
CHILD = "019b0000-1000-7000-8000-00000000000b"
RIG = SAMPLES / "rig-codex" / "0.169.0"
BOTH = [*RIG.glob("rollout-*.jsonl"), *(SAMPLES / "agent-sessions").glob("codex__*.jsonl")]


# Rollouts built from the schema: no real file of these kinds was at hand ---------------------------------------------


def line(kind, payload, at=0, **more):
    return {"timestamp": f"2026-03-01T10:00:{at:02d}.000Z", "type": kind, "payload": payload, **more}


def item(kind, at=0, **payload):
    return line("response_item", {"type": kind, **payload}, at)


def event(kind, at=0, **payload):
    return line("event_msg", {"type": kind, **payload}, at)


def says(role, words, at=0):
    label = "output_text" if role == "assistant" else "input_text"
    return item("message", at, role=role, content=[{"type": label, "text": words}])


def meta(thread=THREAD, **more):
    return line("session_meta", {"id": thread, "cwd": "/home/sam/proj", "cli_version": "0.104.0", **more})


def tokens(total, last, at=0):
    def usage(n):
        return {"input_tokens": n, "cached_input_tokens": n // 2, "output_tokens": 10, "reasoning_output_tokens": 4}

    return event("token_count", at, info={"total_token_usage": usage(total), "last_token_usage": usage(last)})


def call(call_id, at=0, name="shell_command", **arguments):
    return item("function_call", at, name=name, call_id=call_id, arguments=json.dumps(arguments))


def output(call_id, words, at=0):
    return item("function_call_output", at, call_id=call_id, output=words)


def write(folder, lines, thread=THREAD, name=None):
    path = folder / (name or f"rollout-2026-03-01T10-00-00-{thread}.jsonl")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(one) + "\n" for one in lines))
    return path


# The plugin -----------------------------------------------------------------------------------------------------------


def test_it_keeps_the_contract_and_its_preset():
    plugin = source("codex")
    assert isinstance(plugin, Source) and plugin.agent == "Codex CLI"
    preset = paths.shipped("conf") / "source" / "codex.yaml"
    assert preset.read_text().splitlines()[0] == "# @package source.codex"
    values = yaml.safe_load(preset.read_text())
    assert values.pop("plugin") == "codex" and set(values) == set(plugin.Config.model_fields)


def test_without_a_path_it_reads_codexs_own_folders(tmp_path, monkeypatch):
    monkeypatch.setenv("CODEX_HOME", str(tmp_path))
    with pytest.raises(InputError, match=rf"^source.codex.path: {tmp_path}/sessions is not there; .*CODEX_HOME"):
        source("codex").list()
    write(tmp_path / "sessions" / "2026" / "03" / "01", [meta(), says("user", "hi")])
    write(tmp_path / "archived_sessions", [meta(CHILD), says("user", "old")], CHILD)
    found = {ref.id: [step.text for trace in traces for step in trace.steps] for ref, traces in read("codex", "")}
    assert found == {THREAD: ["hi"], CHILD: ["old"]}


def test_what_is_excluded_or_forgotten_is_left_out_and_counted(tmp_path, own_home):
    write(tmp_path, [meta(), says("user", "hi")])
    (own_home / "exclude").write_text("/home/sam\n")
    plugin = source("codex", tmp_path)
    assert list(plugin.list()) == [] and plugin.left_out.total() == 1


def test_only_rollouts_are_sessions(samples, tmp_path):
    names = {ref.path.rsplit("/", 1)[-1] for ref in source("codex", samples / "agent-sessions").list()}
    assert names == {"codex__large.jsonl", "codex__small.jsonl"}
    assert [ref.id for ref in source("codex", RIG).list()] == ["01a1fc9d-36d8-7792-9af5-58ed3eae7d4c"]


# Real files -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", BOTH, ids=lambda path: path.name[:14])
def test_every_line_of_a_real_file_is_in_exactly_one_place(path):
    _, (trace,), found = holds("codex", path)
    assert set(found) == lines_of(path) and set(found.values()) == {1}
    assert not trace.info.malformed and trace.info.source.files[0].lines == len(found)


@pytest.fixture
def rig(samples):
    return one("codex", RIG)


def test_the_rigs_steps(rig):
    told = [(step.source, step.info.kind, step.text) for step in rig.steps if step.info.kind != "system"]
    assert told == [
        ("user", "meta", "[vendor text removed, 379 chars]"),
        ("user", "human", "Please do the demo"),
        ("agent", "agent", "Looking around."),
        ("agent", "agent", ""),
        ("agent", "agent", ""),
        ("agent", "agent", "All done."),
    ]
    assert [step.text for step in rig.steps if step.info.kind == "system"] == [
        "[vendor text removed, 20751 chars]",
        "[vendor text removed, 2137 chars]\n[vendor text removed, 362 chars]",
    ]
    assert rig.steps[4].reasoning_content == "**Listing files**"
    assert {step.model_name for step in rig.steps if step.source == "agent"} == {"gpt-5-codex"}
    assert rig.steps[0].info.foreign["session_meta"]["git"]["branch"] == "main"


def test_the_rigs_calls_and_their_results(rig):
    calls = [(c.function_name, c.arguments, s.results()[c.tool_call_id]) for s in rig.steps for c in s.tool_calls or []]
    assert [(name, given) for name, given, _ in calls] == [
        ("exec_command", {"cmd": "ls -a"}),
        ("exec_command", {"cmd": "echo oops >&2; exit 3"}),
        ("apply_patch", {"input": "*** Begin Patch\n*** Add File: hello.py\n+print(1)\n*** End Patch\n"}),
    ]
    infos = [result.extra.bashgym for *_, result in calls]
    assert [(info.exit_code, info.is_error) for info in infos] == [(0, False), (3, True), (None, True)]
    assert infos[1].raw["aggregated_output"] == "oops\n"
    assert calls[2][2].content == "unsupported custom tool call: apply_patch"


def test_the_rigs_tokens_are_those_of_its_own_total(rig):
    totals = rig.info.totals
    # the thread's own account: 4000 in, 1600 of them cached, 200 out
    assert (totals.input_tokens, totals.cache_read_input_tokens, totals.output_tokens) == (2400, 1600, 200)
    assert [step.metrics.prompt_tokens for step in rig.steps if step.metrics] == [1000] * 4
    assert rig.steps[4].metrics.extra.bashgym.reasoning_tokens == 20
    assert rig.steps[4].info.request_id == "resp_c055b027e8"


def test_the_rigs_facts(rig):
    assert (rig.agent.name, rig.agent.version, rig.agent.model_name) == ("codex", "0.169.0", "gpt-5-codex")
    project = rig.info.project
    assert (project.cwd, project.git_branch) == ("/home/sam/code/proj/ocx", "main")
    assert project.git_commit == "2f997c841d7c3a2cd156e07b5e752e6f466e5105"
    assert rig.info.outcome.ended == "completed" and rig.info.outcome.tool_errors == 2


def test_a_rollout_cut_anywhere_is_not_completed(samples, tmp_path):
    lines = next(RIG.glob("rollout-*")).read_bytes().split(b"\n")[:-1]
    for end in range(1, len(lines)):
        path = tmp_path / f"{end}" / "rollout-x.jsonl"
        path.parent.mkdir()
        path.write_bytes(b"\n".join(lines[:end]) + b"\n" + lines[end][:30])
        trace = one("codex", path)
        assert trace.info.outcome.ended == "unknown", end
        assert [bad.reason for bad in trace.info.malformed] == ["unfinished last line"]


# What no sample holds -----------------------------------------------------------------------------------------------


def test_parallel_calls_are_one_reply_however_their_outputs_lie(tmp_path):
    lines = [
        meta(),
        says("user", "go"),
        call("call_1", command="ls"),
        output("call_1", "Exit code: 0\nWall time: 1.5 seconds\nOutput:\na"),
        call("call_2", command="false"),
        output("call_2", "Exit code: 1\nWall time: 0.2 seconds\nOutput:\n"),
        tokens(100, 100),
        says("assistant", "done"),
        tokens(300, 200),
        tokens(300, 200),
    ]
    trace = one("codex", write(tmp_path, lines))
    both, last = (step for step in trace.steps if step.source == "agent")
    assert [c.tool_call_id for c in both.tool_calls] == ["call_1", "call_2"] and both.metrics.prompt_tokens == 100
    assert [c.extra.bashgym.duration_ms for c in both.tool_calls] == [1500, 200]
    assert [r.extra.bashgym.exit_code for r in both.observation.results] == [0, 1]
    assert last.metrics.prompt_tokens == 200
    assert (trace.info.totals.input_tokens, trace.info.totals.cache_read_input_tokens) == (150, 150)
    assert trace.info.outcome.ended == "completed"


def test_files_of_2025_are_bare_items_below_a_header(tmp_path):
    header = {"id": THREAD, "timestamp": "2025-06-01T10:00:00Z", "instructions": None, "git": {"commit_hash": "c0ffee"}}
    lines = [
        header,
        {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "go"}]},
        {"type": "local_shell_call", "call_id": "c", "status": "completed", "action": {"command": ["ls"]}},
        {
            "type": "function_call_output",
            "call_id": "c",
            "output": '{"output":"a\\n","metadata":{"exit_code":2,"duration_seconds":0.25}}',
        },
        {"record_type": "state"},
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "done"}]},
    ]
    path = write(tmp_path, lines)
    trace = one("codex", path)
    assert set(claims(trace)) == lines_of(path)
    assert [step.text for step in trace.steps] == ["go", "", "done"]
    (result,) = trace.steps[1].observation.results
    assert (result.extra.bashgym.exit_code, trace.steps[1].tool_calls[0].extra.bashgym.duration_ms) == (2, 250)
    assert trace.info.project.git_commit == "c0ffee"
    assert trace.info.outcome.ended == "unknown"  # nothing in such a file says that the reply was whole


def test_the_first_releases_wrote_one_json_file(tmp_path):
    whole = {
        "session": {"id": THREAD, "timestamp": "2025-04-20T10:00:00Z", "instructions": ""},
        "items": [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": "go"}]}, "odd"],
    }
    path = tmp_path / "rollout-2025-04-20-x.json"
    path.write_text(json.dumps(whole, indent=2))
    ((ref, (trace,)),) = read("codex", tmp_path)
    assert (ref.id, [step.text for step in trace.steps]) == (THREAD, ["go"])
    assert dict(claims(trace)) == {1: 1, 2: 1, 3: 1} and trace.info.source.files[0].lines == 3


def test_injected_messages_are_no_persons(tmp_path):
    texts = {
        "<environment_context>\n<cwd>/x</cwd>": "meta",
        "# AGENTS.md instructions for /x": "meta",
        "<user_instructions>be nice": "meta",
        "<user_shell_command>ls": "bash",
        "<subagent_notification>{}": "task_notification",
        "<div> is broken, fix it": "human",
    }
    trace = one("codex", write(tmp_path, [meta(), *(says("user", text) for text in texts)]))
    assert {step.text: step.info.kind for step in trace.steps} == texts


def test_an_interrupt_is_one_step(tmp_path):
    lines = [
        meta(),
        event("task_started"),
        says("user", "go"),
        call("call_1", command="sleep 100"),
        output("call_1", "aborted by user after 3.0s"),
        says("user", "<turn_aborted>\nThe user interrupted"),
        event("turn_aborted", reason="interrupted"),
    ]
    trace = one("codex", write(tmp_path, lines))
    assert [step.info.kind for step in trace.steps] == ["human", "agent", "interrupt"]
    assert trace.info.outcome.interrupts == 1 and trace.info.outcome.ended == "interrupted"
    assert trace.steps[1].observation.results[0].extra.bashgym.is_error


def test_what_the_user_or_a_rule_forbade(tmp_path):
    lines = [
        meta(),
        call("call_1", command="rm -rf /"),
        output("call_1", "exec command rejected by user"),
        call("call_2", command="curl x"),
        output("call_2", "command rejected by approval policy"),
        tokens(1, 1),
    ]
    trace = one("codex", write(tmp_path, lines))
    (step,) = trace.steps
    assert [c.extra.bashgym.denied for c in step.tool_calls] == ["user", "rule"]
    assert (trace.info.outcome.rejections, trace.info.outcome.tool_errors) == (1, 1)


def test_compaction_begins_a_window_with_its_summary(tmp_path):
    lines = [
        meta(),
        says("user", "go"),
        says("assistant", "working"),
        tokens(100, 100),
        tokens(150, 50),  # the call that made the summary
        line("compacted", {"message": "so far: x", "replacement_history": [{"type": "message"}]}),
        event("context_compacted"),
        says("user", "on"),
        says("assistant", "done"),
        tokens(200, 50),
        line("compacted", {"message": "", "replacement_history": []}),
    ]
    trace = one("codex", write(tmp_path, lines))
    windows = [(w.first_step, w.last_step, w.summary_step) for w in trace.info.context_windows]
    assert windows == [(1, 3, None), (4, 6, 4)]
    assert trace.steps[3].info.kind == "compact_summary" and trace.steps[3].text == "so far: x"
    assert trace.steps[2].info.kind == "synthetic" and trace.steps[2].metrics.prompt_tokens == 50
    assert trace.info.totals.input_tokens + trace.info.totals.cache_read_input_tokens == 200


def test_mcp_calls_say_their_server_and_images_are_lifted(tmp_path):
    picture = "data:image/png;base64," + "QUJD" * 2000
    lines = [
        meta(),
        item("function_call", name="read", namespace="mcp__files__", call_id="call_1", arguments="{}"),
        event(
            "mcp_tool_call_end",
            call_id="call_1",
            invocation={"server": "files", "tool": "read", "arguments": {}},
            duration={"secs": 1, "nanos": 5_000_000},
            result={"Ok": {"content": [], "isError": True}},
        ),
        item("function_call_output", call_id="call_1", output=[{"type": "input_image", "image_url": picture}]),
    ]
    trace = one("codex", write(tmp_path, lines))
    (step,) = trace.steps
    info = step.tool_calls[0].extra.bashgym
    assert (info.mcp_server, info.duration_ms) == ("files", 1005)
    (result,) = step.observation.results
    assert result.extra.bashgym.is_error and result.content[0]["media_type"] == "image/png"
    assert result.content[0]["bytes"] == 6000 and "QUJDQUJD" not in str(result.content)
    assert sorted(claims(trace)) == [1, 2, 3, 4]


def test_turns_that_were_taken_back_are_inactive(tmp_path):
    lines = [meta(), says("user", "a"), says("assistant", "b"), says("user", "c"), says("assistant", "d")]
    trace = one("codex", write(tmp_path, [*lines, event("thread_rolled_back", num_turns=1), says("user", "e")]))
    assert [step.text for step in trace.steps if step.info.active] == ["a", "b", "e"]


def test_sub_agents_are_tied_to_the_call_that_spawned_them(tmp_path):
    spawn = {"subagent": {"thread_spawn": {"parent_thread_id": THREAD, "depth": 1, "agent_role": "worker"}}}
    parent = [meta(), says("user", "go"), call("call_9", name="spawn_agent", message="look"),
              output("call_9", json.dumps({"agent_id": CHILD})), says("assistant", "done")]  # fmt: skip
    write(tmp_path, parent)
    write(tmp_path, [meta(CHILD, source=spawn), says("user", "look"), says("assistant", "seen")], CHILD)
    ((ref, (main, child)),) = read("codex", tmp_path)
    assert len(ref.files) == 1 and (main.session_id, main.trajectory_id) == (THREAD, None)
    assert (child.session_id, child.trajectory_id) == (THREAD, CHILD)
    lineage = child.info.lineage
    assert (lineage.relation, lineage.parent_trace, lineage.parent_call_id) == ("subagent", THREAD, "call_9")
    assert lineage.depth == 1 and child.steps[0].info.origin == "parent"
    (result,) = main.steps[1].observation.results
    assert result.subagent_trajectory_ref == [{"trajectory_id": CHILD, "session_id": THREAD}]


def test_rollouts_that_name_each_other_as_parents_are_both_read(tmp_path):
    for own, other in ((THREAD, CHILD), (CHILD, THREAD)):
        spawn = {"subagent": {"thread_spawn": {"parent_thread_id": other}}}
        write(tmp_path, [meta(own, source=spawn), says("user", own)], own)
    assert {step.text for _, traces in read("codex", tmp_path) for t in traces for step in t.steps} == {THREAD, CHILD}


def test_what_a_fork_took_over_counts_once(tmp_path):
    old, new = "019a0000-0000-7000-8000-000000000001", "019b5000-0000-7000-8000-000000000002"
    lines = [
        meta("019b0000-0000-7000-8000-0000000000ff", forked_from_id=THREAD),
        meta(),
        line("turn_context", {"turn_id": old, "model": "gpt"}),
        {**says("assistant", "before"), "payload": {**says("assistant", "before")["payload"], "id": "msg_1"}},
        tokens(100, 100),
        event("task_complete", turn_id=old),
        line("turn_context", {"turn_id": new, "model": "gpt"}),
        says("assistant", "after"),
        tokens(160, 60),
    ]
    trace = one("codex", write(tmp_path, lines))
    assert [(step.text, step.is_copied_context) for step in trace.steps] == [("before", True), ("after", False)]
    assert trace.info.totals.input_tokens + trace.info.totals.cache_read_input_tokens == 60
    assert trace.steps[0].info.message_id == "msg_1"
    assert (trace.info.lineage.relation, trace.info.lineage.parent_trace) == ("fork", THREAD)


def test_resumed_files_hold_several_headers(tmp_path):
    trace = one("codex", write(tmp_path, [meta(), says("user", "a"), meta(cwd="/elsewhere"), says("user", "b")]))
    assert trace.info.project.cwd == "/home/sam/proj"
    assert [found.type for found in trace.info.events] == ["session_meta", "session_meta"]


def test_replies_without_ids_of_two_sessions_are_told_apart(tmp_path):
    for thread in (THREAD, CHILD):
        write(tmp_path, [meta(thread), says("user", "a"), says("assistant", "ok")], thread)
    ids = [step.info.message_id for _, (trace,) in read("codex", tmp_path) for step in trace.steps]
    assert len(set(ids) - {None}) == 2


# Damage ---------------------------------------------------------------------------------------------------------------


@settings(max_examples=150)
@given(data=st.data())
def test_damaged_lines_are_never_lost_and_never_crash(data, tmp_path_factory):
    if not BOTH:
        pytest.skip("the samples are not beside this checkout")
    origin = data.draw(st.sampled_from(BOTH))
    folder = tmp_path_factory.mktemp("codex")
    path = folder / "rollout-x.jsonl"
    path.write_bytes(b"\n".join(mutated(data, origin.read_bytes().split(b"\n"))))
    try:
        _, _, found = holds("codex", path)
        assert set(found) == lines_of(path) and not any(n > 1 for n in found.values())
    finally:
        shutil.rmtree(folder)
