"""Sessions of GitHub Copilot CLI: samples event by event, what no sample holds built by hand, and damaged lines."""

import json
import shutil

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from bashgym import paths, prices
from bashgym.errors import InputError
from bashgym.kinds import Source
from tests.source.agent_lines import SAMPLES, claims, holds, lines_of, mutated, one, read, source

FILES = sorted((SAMPLES / "agent-sessions").glob("copilot__*.jsonl"))


# Sessions built from the schema: no real file of these kinds was at hand ----------------------------------------------


class Events:
    """Events in their order, chained as Copilot chains them."""

    def __init__(self, **context):
        self.lines = []
        self.add("session.start", sessionId="s1", copilotVersion="1.0.77", selectedModel="gpt-x", context=context)

    def add(self, kind, agent=None, **data):
        number = len(self.lines)
        more = {"agentId": agent} if agent else {}
        parent = f"e{number - 1}" if number else None
        value = {"type": kind, "data": data, "id": f"e{number}", "timestamp": f"t{number}", "parentId": parent}
        self.lines.append({**value, **more})
        return self

    def says(self, words="", calls=(), agent=None, **data):
        requests = [{"toolCallId": name, "name": tool, "arguments": given} for name, tool, given in calls]
        name = f"m{len(self.lines)}"
        data = {"messageId": name, "content": words, "toolRequests": requests, "outputTokens": 10, **data}
        return self.add("assistant.message", agent, **data)

    def ends(self, call, content="", success=True, agent=None, **data):
        return self.add(
            "tool.execution_complete", agent, toolCallId=call, success=success, result={"content": content}, **data
        )

    def write(self, folder):
        path = folder / "session-state" / "s1" / "events.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(json.dumps(line) + "\n" for line in self.lines))
        return path


# The plugin -----------------------------------------------------------------------------------------------------------


def test_it_keeps_the_contract_and_its_preset():
    plugin = source("copilot")
    assert isinstance(plugin, Source) and plugin.agent == "GitHub Copilot CLI"
    preset = paths.shipped("conf") / "source" / "copilot.yaml"
    assert preset.read_text().splitlines()[0] == "# @package source.copilot"
    values = yaml.safe_load(preset.read_text())
    assert values.pop("plugin") == "copilot" and set(values) == set(plugin.Config.model_fields)


def test_without_a_path_it_reads_copilots_own_folders(tmp_path, monkeypatch):
    monkeypatch.setenv("COPILOT_HOME", str(tmp_path))
    with pytest.raises(InputError, match=rf"^source.copilot.path: {tmp_path}/session-state is not there; .*COPILOT"):
        source("copilot").list()
    Events().add("user.message", content="hi").write(tmp_path)
    old = tmp_path / "history-session-state" / "session_s0_1.json"
    old.parent.mkdir()
    old.write_text(json.dumps({"sessionId": "s0", "chatMessages": [{"role": "user", "content": "old"}]}))
    assert {ref.id: traces[0].steps[0].text for ref, traces in read("copilot", "")} == {"s1": "hi", "s0": "old"}


def test_what_is_excluded_or_forgotten_is_left_out_and_counted(tmp_path, own_home):
    Events(cwd="/home/sam/client").add("user.message", content="hi").write(tmp_path)
    (own_home / "exclude").write_text("/home/sam\n")
    plugin = source("copilot", tmp_path)
    assert list(plugin.list()) == [] and plugin.left_out.total() == 1


def test_only_sessions_of_copilot_are_listed(samples):
    names = {ref.id for ref in source("copilot", samples / "agent-sessions").list()}
    assert names == {"copilot_stage0_large", "copilot_stage0_small"}


# Samples --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_line_of_a_sample_is_in_exactly_one_place(path):
    _, traces, found = holds("copilot", path)
    assert set(found) == lines_of(path) and set(found.values()) == {1}
    assert sum(trace.info.source.files[0].lines for trace in traces) == len(found)


def test_the_samples_words_calls_and_results(samples):
    trace = one("copilot", samples / "agent-sessions" / "copilot__large.jsonl")
    assert [(step.source, step.text) for step in trace.steps] == [
        ("system", "System notice"), ("user", "Step 1"), ("agent", "Ok"), ("user", "Step 2"), ("agent", ""),
        ("agent", "Captured multiline output."), ("user", "Step 3"), ("agent", "Ok"),
    ]  # fmt: skip
    calls = [(step, one) for step in trace.steps for one in step.tool_calls or []]
    assert [(call.function_name, call.arguments) for _, call in calls] == [
        ("bash", {"command": "printf 'line1\\nline2\\nline3\\n'"}),
        ("bash", {"command": "echo hi"}),  # started, though no message asked for it
    ]
    assert calls[0][0].results()["call_1"].content == "line1\nline2\nline3\n"
    assert calls[1][0].results() == {} and trace.info.outcome.ended == "unknown"
    small = one("copilot", samples / "agent-sessions" / "copilot__small.jsonl")
    assert [step.text for step in small.steps[2:5]] == ["List the files", "Listing the files.", "Done"]
    assert small.steps[3].tool_calls[0].extra.bashgym.duration_ms == 4
    assert small.info.totals.output_tokens == 15 and not small.info.usage_reliable
    assert (small.agent.version, small.steps[3].model_name) == ("1.0.77", "gpt-5-mini")
    assert small.info.outcome.interrupts == 1 and small.info.outcome.api_errors == 1


# What no sample holds -------------------------------------------------------------------------------------------------


def test_a_reply_in_pieces_with_parallel_calls(tmp_path):
    events = Events(cwd="/home/sam/proj", branch="main", headCommit="c0ffee").add("user.message", content="go")
    events.add("assistant.reasoning", content="hm", reasoningId="r")
    events.says("Look", [("a", "bash", {"command": "ls"})], messageId="m", chunkIndex=0, chunkCount=2)
    events.says("ing.", [("b", "bash", '{"command": "false"}')], messageId="m", chunkIndex=1, chunkCount=2)
    events.add("tool.execution_start", toolCallId="a", toolName="bash", mcpServerName="box")
    events.ends("b", "boom\n<exited with exit code 3>").ends("a", "x\n<exited with exit code 0>")
    events.says("done").add("assistant.turn_end", turnId="1")
    path = events.write(tmp_path)
    _, (trace,), found = holds("copilot", path)
    step = trace.steps[1]
    assert (step.text, step.reasoning_content, step.metrics.completion_tokens) == ("Looking.", "hm", 10)
    assert [call.arguments for call in step.tool_calls] == [{"command": "ls"}, {"command": "false"}]
    infos = {name: result.extra.bashgym for name, result in step.results().items()}
    assert {name: (info.exit_code, info.is_error) for name, info in infos.items()} == {"a": (0, False), "b": (3, True)}
    assert step.tool_calls[0].extra.bashgym.mcp_server == "box"
    assert set(found) == lines_of(path) and set(found.values()) == {1}
    project = trace.info.project
    assert (project.cwd, project.git_branch, project.git_commit) == ("/home/sam/proj", "main", "c0ffee")
    assert trace.info.outcome.ended == "completed" and trace.info.totals.replies == 2


def test_a_session_cut_anywhere_is_not_completed(tmp_path):
    events = Events().add("user.message", content="go").says("Looking.", [("a", "bash", {})]).ends("a", "x")
    whole = events.says("done").add("assistant.turn_end", turnId="1").lines
    for end in range(1, len(whole)):
        events.lines = whole[:end]
        assert one("copilot", events.write(tmp_path)).info.outcome.ended == "unknown", end


def test_tokens_are_those_of_the_shutdown(tmp_path):
    def shutdown(events, scale):
        usage = {"inputTokens": 100, "outputTokens": 25, "cacheReadTokens": 60, "cacheWriteTokens": 10}
        models = {"gpt-x": {"usage": {key: n * scale for key, n in usage.items()}}, "gpt-y": {"requests": 1}}
        return events.add("session.shutdown", modelMetrics=models, shutdownType="routine")

    events = Events().add("user.message", content="go").says("done")
    trace = one("copilot", events.write(tmp_path))
    assert not trace.info.usage_reliable
    assert prices.cost(trace.steps[1].metrics, "gpt-5", prices.load()) is None  # what went in is not known
    shutdown(events, 1).add("session.resume", context={}).says("more")
    assert not one("copilot", events.write(tmp_path)).info.usage_reliable
    trace = one("copilot", shutdown(events, 2).write(tmp_path))
    totals = trace.info.totals
    assert (totals.input_tokens, totals.cache_read_input_tokens, totals.cache_creation_input_tokens) == (60, 120, 20)
    assert (totals.output_tokens, totals.replies, trace.info.usage_reliable) == (50, 2, True)


def test_refusals_by_the_user_by_a_rule_and_by_a_hook(tmp_path):
    events = Events().says("", [("a", "bash", {}), ("b", "bash", {}), ("c", "bash", {})])
    events.add("permission.requested", requestId="q", permissionRequest={"toolCallId": "a", "kind": "shell"})
    events.add("permission.completed", requestId="q", result={"kind": "denied-interactively-by-user"})
    events.ends("a", success=False).ends("b", success=False, error={"message": "denied by policy"})
    events.ends("c", "blocked by hook", success=False)
    trace = one("copilot", events.write(tmp_path))
    assert [call.extra.bashgym.denied for call in trace.steps[0].tool_calls] == ["user", "rule", "hook"]
    assert (trace.info.outcome.rejections, trace.info.outcome.tool_errors) == (1, 2)


@pytest.mark.parametrize("told", ["agentId", "parentToolCallId"])
def test_sub_agents_events_are_traces_of_their_own(tmp_path, told):
    by_id = told == "agentId"
    own = {"agent": "agent-7"} if by_id else {"parentToolCallId": "t"}
    events = Events(cwd="/home/sam/proj").add("user.message", content="go")
    events.says("", [("t", "task", {"prompt": "look", "agent_type": "explore"})])
    events.add("subagent.started", agent=own.get("agent"), toolCallId="t", agentName="explore")
    events.says("seen", [("x", "view", {})], **own).ends("x", "text", **own)
    events.add("subagent.completed", agent=own.get("agent"), toolCallId="t", agentName="explore")
    events.ends("t", "seen").says("done")
    path = events.write(tmp_path)
    _, (main, child), found = holds("copilot", path)
    assert set(found) == lines_of(path) and set(found.values()) == {1}
    assert [step.text for step in main.steps] == ["go", "", "done"]
    assert [(step.source, step.text) for step in child.steps] == [("user", "look"), ("agent", "seen")]
    assert child.steps[0].info.origin == "parent" and child.agent.extra["agent_type"] == "explore"
    lineage = child.info.lineage
    assert (lineage.relation, lineage.parent_trace, lineage.parent_call_id) == ("subagent", "s1", "t")
    assert main.steps[1].results()["t"].subagent_trajectory_ref == [{"trajectory_id": "t", "session_id": "s1"}]


def test_compaction_truncation_rewinds_and_commands_of_the_user(tmp_path):
    events = Events().add("user.message", content="a").says("b")
    events.add("session.compaction_complete", success=True, summaryContent="so far: b", trigger="manual")
    events.add("user.message", content="c", transformedContent="c, now", attachments=[]).says("d")
    events.add("session.snapshot_rewind", upToEventId="e4", eventsRemoved=2)
    events.add("tool.user_requested", toolCallId="u", toolName="bash", arguments={"command": "ls"})
    events.add("tool.execution_start", toolCallId="u", toolName="bash").ends("u", "a.txt")
    events.add("system.notification", content="agent is done").add("abort", reason="user_initiated")
    path = events.write(tmp_path)
    _, (trace,), found = holds("copilot", path)
    assert [(step.info.kind, step.text, step.info.active) for step in trace.steps] == [
        ("human", "a", True),
        ("agent", "b", True),
        ("compact_summary", "so far: b", True),
        ("human", "c", False),
        ("agent", "d", False),
        ("bash", "a.txt", True),
        ("task_notification", "agent is done", True),
        ("interrupt", "", True),
    ]
    assert trace.steps[3].info.foreign["transformedContent"] == "c, now"
    windows = [(w.first_step, w.last_step, w.reason, w.summary_step) for w in trace.info.context_windows]
    assert windows == [(1, 2, "start", None), (3, 8, "compact_manual", 3)]
    assert trace.info.outcome.ended == "interrupted" and set(found) == lines_of(path)


def test_the_json_files_of_2025(tmp_path):
    value = {
        "sessionId": "s0",
        "timeline": [{"type": "user", "text": "go"}],
        "chatMessages": [
            {"role": "user", "content": "go"},
            {
                "role": "assistant",
                "content": None,
                "tool_calls": [{"id": "c", "function": {"name": "bash", "arguments": '{"command": "ls"}'}}],
            },
            {"role": "tool", "tool_call_id": "c", "content": "a.txt"},
            "odd",
        ],
    }
    path = tmp_path / "session_s0_1.json"
    path.write_text(json.dumps(value, indent=1))
    _, (trace,), found = holds("copilot", path)
    assert dict(found) == dict.fromkeys(range(1, 6), 1) and trace.session_id == "s0"
    assert trace.steps[1].results()["c"].content == "a.txt" and trace.steps[1].tool_calls[0].arguments == {
        "command": "ls"
    }
    assert trace.info.outcome.ended == "unknown" and not trace.info.usage_reliable
    assert trace.info.events[0].raw["timeline"] == value["timeline"]


# Damage ---------------------------------------------------------------------------------------------------------------


@settings(max_examples=150)
@given(data=st.data())
def test_damaged_lines_are_never_lost_and_never_crash(data, tmp_path_factory):
    if not FILES:
        pytest.skip("the samples are not beside this checkout")
    folder = tmp_path_factory.mktemp("copilot")
    path = folder / "s" / "events.jsonl"
    path.parent.mkdir()
    path.write_bytes(b"\n".join(mutated(data, data.draw(st.sampled_from(FILES)).read_bytes().split(b"\n"))))
    try:
        _, traces, found = holds("copilot", path)
        assert set(found) == lines_of(path) and set(found.values()) <= {1}
        assert all(set(claims(trace).values()) <= {1} for trace in traces)
    finally:
        shutil.rmtree(folder)
