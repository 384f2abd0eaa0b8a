"""The source plugin, and every real session of Claude Code that is at hand, checked against independent counts."""

import hashlib
import json
import shutil
from collections import Counter, defaultdict
from pathlib import Path

import pytest
import yaml

from bashgym import paths, prices, registry
from bashgym.errors import InputError, RecipeError
from bashgym.kinds import Source
from bashgym.trace import from_builtins, plain, to_builtins

SAMPLES = Path(__file__).parents[2].parent / "shared" / "samples"
REAL = sorted(
    path
    for pattern in ("claude-code-*", "rig-claude-code/*", "agent-sessions", "ccusage")
    for path in SAMPLES.glob(pattern)
    if path.is_dir()
)
needs_samples = pytest.mark.skipif(not REAL, reason="the sample sessions are not beside the repository")


def source(path=""):
    cls = registry.load("source", "claude_code")
    return cls(cls.Config(path=str(path)))


def read(path):
    """Reference and traces of every session of a folder."""
    plugin = source(path)
    return [(ref, list(plugin.read(ref))) for ref in plugin.list()]


def test_it_keeps_the_contract_and_its_presets():
    plugin = source()
    assert isinstance(plugin, Source)
    for name in ("claude_code", "examples"):
        preset = paths.shipped("conf") / "source" / f"{name}.yaml"
        assert preset.read_text().splitlines()[0] == f"# @package source.{name}"
        values = yaml.safe_load(preset.read_text())
        assert values.pop("plugin") == "claude_code"
        assert set(values) == set(plugin.Config.model_fields)
        plugin.Config(**values)


def test_an_unknown_key_is_refused():
    with pytest.raises(RecipeError, match=r"source.claude_code.paht: no such key; did you mean 'path'"):
        registry.build(registry.find("source", "claude_code"), {"paht": "x"}, "source.claude_code")


def test_without_a_path_it_reads_claude_codes_own_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", str(tmp_path))
    with pytest.raises(
        InputError, match=rf"^source.claude_code.path: {tmp_path}/projects is not there; .*CLAUDE_CONFIG_DIR"
    ):
        source().list()
    folder = tmp_path / "projects" / "-w-proj"
    folder.mkdir(parents=True)
    line = {"type": "user", "uuid": "u", "sessionId": "s", "message": {"role": "user", "content": "hi"}}
    (folder / "chat.jsonl").write_text(json.dumps(line) + "\n")
    plugin = source()
    (ref,) = plugin.list()
    (trace,) = plugin.read(ref)
    assert (ref.id, trace.session_id, trace.steps[0].text) == ("-w-proj/chat",) * 2 + ("hi",)


def test_a_missing_folder_and_a_missing_file_say_what_to_do(tmp_path):
    with pytest.raises(InputError, match=r"/nowhere is not there; name a folder .*source.claude_code.path=FOLDER"):
        source(tmp_path / "nowhere").list()
    (tmp_path / "a.jsonl").write_text('{"type": "summary", "leafUuid": "x"}\n')
    plugin = source(tmp_path)
    (ref,) = plugin.list()
    Path(ref.path).unlink()
    with pytest.raises(InputError, match="was it moved since it was listed"):
        list(plugin.read(ref))


# Every real session --------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module", params=REAL, ids=lambda path: "/".join(path.parts[-2:]))
def folder(request, tmp_path_factory):
    """A folder of real sessions; of folders shared with other agents only Claude's files."""
    if request.param.name not in ("agent-sessions", "ccusage"):
        return request.param
    place = tmp_path_factory.mktemp("claude")
    for path in request.param.glob("claude__*"):
        shutil.copy(path, place)
    return place


@pytest.fixture(scope="module")
def sessions(folder):
    return read(folder)


def lines_of(ref):
    """(file, number, value or None) of every line that is not blank, by the standard library alone."""
    for name in (ref.path, *ref.files):
        if Path(name).name.startswith("agent-acompact"):
            continue
        for number, line in enumerate(Path(name).read_bytes().split(b"\n"), 1):
            if line.strip():
                try:
                    yield name, number, json.loads(line)
                except ValueError:
                    yield name, number, None


def claims(traces):
    """Every (file, line) that a step, a result, an event or a malformed line stands for."""
    for trace in traces:
        names = [file.path for file in trace.info.source.files]
        for step in trace.steps:
            for result in step.observation.results if step.observation else []:
                if result.extra.bashgym.line_no is not None:
                    yield names[0], result.extra.bashgym.line_no
            for number in step.info.line_nos:
                yield names[0], number
        for one in trace.info.events + trace.info.malformed:
            if one.line_no is not None:
                yield names[one.file], one.line_no


def spoken(ref, traces):
    """Message lines that were not malformed, each uuid with the same message once: (role, line, value)."""
    bad = {(t.info.source.files[one.file].path, one.line_no) for t in traces for one in t.info.malformed}
    seen = set()
    for name, number, value in lines_of(ref):
        if not isinstance(value, dict) or (name, number) in bad or not isinstance(value.get("message"), dict):
            continue
        role = value.get("type", value["message"].get("role"))
        key = (value.get("uuid"), json.dumps(value["message"], sort_keys=True))
        if role not in ("user", "assistant") or (key[0] and key in seen):
            continue
        if str(value.get("agentId")).startswith("acompact"):
            continue
        seen.add(key)
        yield role, number, value


def reply_groups(ref, traces):
    """The lines of each reply by (message id, request id); a line that lost its request id joins its message."""
    lines = [
        (value["message"].get("id") or value.get("uuid") or f"line-{number}", value)
        for role, number, value in spoken(ref, traces)
        if role == "assistant"
    ]
    requests = {message: value["requestId"] for message, value in reversed(lines) if value.get("requestId")}
    groups = defaultdict(list)
    for message, value in lines:
        groups[message, value.get("requestId") or requests.get(message)].append(value)
    return groups


@needs_samples
def test_every_line_is_in_exactly_one_place(folder, sessions):
    listed = {name for ref, _ in sessions for name in (ref.path, *ref.files)}
    on_disk = {str(path) for path in folder.rglob("*.jsonl")}
    assert on_disk - listed <= {
        str(path) for path in folder.rglob("*") if path.stem in ("hook-stdin", "stream-json-stdout")
    }
    for ref, traces in sessions:
        assert traces
        assert Counter(claims(traces)) == Counter((name, number) for name, number, _ in lines_of(ref))
        excluded = sum(
            len(Path(name).read_bytes().splitlines())
            for name in ref.files
            if Path(name).name.startswith("agent-acompact")
        )
        held = sum(file.lines for trace in traces for file in trace.info.source.files)
        assert held == sum(1 for _ in lines_of(ref)) + excluded


@needs_samples
def test_malformed_lines_are_those_that_cannot_be_read_or_break_their_promise(sessions):
    for ref, traces in sessions:
        torn = {(name, number) for name, number, value in lines_of(ref) if not isinstance(value, dict)}
        bad = {(t.info.source.files[one.file].path, one.line_no) for t in traces for one in t.info.malformed}
        assert torn <= bad
        if Path(ref.path).name != "edge_cases.jsonl":  # written to be wrong
            assert torn == bad


FIELDS = ("input_tokens", "output_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")


def largest(usages):
    """Field by field, as a repeated usage grows."""
    return Counter({field: max(usage.get(field) or 0 for usage in usages) for field in FIELDS})


def usage_of(step):
    tiers = step.metrics.extra.bashgym
    return {**{field: getattr(tiers, field, 0) for field in FIELDS}, "output_tokens": step.metrics.completion_tokens}


@needs_samples
def test_tokens_agree_with_an_independent_count(sessions):
    """Over all sessions of a folder each reply once, whichever forks and resumes hold it, too."""
    lines, steps = defaultdict(list), defaultdict(list)
    for ref, traces in sessions:
        for key, group in reply_groups(ref, traces).items():
            # a line that names no message is a reply of its own
            known = any(value["message"].get("id") for value in group)
            lines[key if known else (ref.id, key)] += group
        for step in (step for trace in traces for step in trace.steps if step.source == "agent"):
            key = (step.info.message_id, step.info.request_id)
            known = key in lines and any(value["message"].get("id") for value in lines[key])
            steps[key if known else (ref.id, key)].append(step)
    assert set(lines) == set(steps)
    for key, group in lines.items():
        counted = largest([usage_of(step) for step in steps[key] if step.metrics] or [{}])
        assert +counted == +largest([value["message"].get("usage") or {} for value in group])


@needs_samples
def test_totals_are_the_sums_of_what_is_no_copy(sessions):
    for _, traces in sessions:
        for trace in traces:
            own = [step for step in trace.steps if not step.is_copied_context]
            found, totals = Counter(), trace.info.totals
            for step in own:
                found.update(usage_of(step) if step.metrics else {})
            assert all(getattr(totals, field) == found[field] for field in FIELDS)
            assert totals.replies == sum(step.info.kind == "agent" for step in own)
            for metrics in (step.metrics for step in own if step.metrics):
                tiers = metrics.extra.bashgym
                assert metrics.prompt_tokens == (
                    tiers.input_tokens + tiers.cache_creation_input_tokens + tiers.cache_read_input_tokens
                )


def blocks_of(value):
    content = value["message"].get("content") or []
    return [{"type": "text", "text": content}] if isinstance(content, str) else content


def unique(group):
    """The blocks of a reply without the copies that an old resume makes."""
    found = []
    for value in group:
        before = list(found)
        found += [
            (value.get("apiBlockIndex"), block)
            for block in blocks_of(value)
            if (value.get("apiBlockIndex"), block) not in before
        ]
    return [block for _, block in found]


@needs_samples
def test_every_block_of_a_reply_is_in_its_step(sessions):
    for ref, traces in sessions:
        steps = [step for trace in traces for step in trace.steps if step.source == "agent"]
        groups = reply_groups(ref, traces)
        assert len(steps) == len(groups)
        found = {(step.info.message_id, step.info.request_id): step for step in steps}
        for key, group in groups.items():
            step, blocks = found[key], unique(group)
            assert step.info.blocks == [block["type"] for block in blocks]
            texts = [block["text"] for block in blocks if block["type"] == "text"]
            assert plain(step.message) == "\n".join(texts)
            thoughts = [block["thinking"] for block in blocks if block["type"] == "thinking"]
            assert (step.reasoning_content or "") == "\n\n".join(thoughts)
            calls = [(block["name"], block.get("input")) for block in blocks if block["type"] == "tool_use"]
            assert [(call.function_name, call.arguments) for call in step.tool_calls or []] == calls
            ids = [block.get("id") for block in blocks if block["type"] == "tool_use"]
            assert all(one in (None, call.tool_call_id) for one, call in zip(ids, step.tool_calls or [], strict=True))


@needs_samples
def test_every_block_of_the_user_is_in_one_step(sessions):
    for ref, traces in sessions:
        results, words = Counter(), Counter()
        for role, _, value in spoken(ref, traces):
            if role == "user":
                for block in blocks_of(value):
                    if block["type"] == "tool_result":
                        content = block.get("content")
                        results[block.get("tool_use_id"), content if isinstance(content, str) else plain(content)] += 1
                    elif block["type"] == "text":
                        words[block["text"]] += 1
        kept_results, kept_words = Counter(), Counter()
        for step in (step for trace in traces for step in trace.steps):
            for result in step.observation.results if step.observation else []:
                call = result.source_call_id or step.info.foreign.get("tool_use_id")
                kept_results[call, plain(result.content)] += 1
            if step.source == "user" and step.info.origin != "queued":
                parts = [{"type": "text", "text": step.message}] if isinstance(step.message, str) else step.message
                kept_words.update(part["text"] for part in parts if part["type"] == "text")
        assert kept_results == results
        assert kept_words == words


@needs_samples
def test_traces_keep_atifs_rules_and_survive_the_way_to_json_and_back(sessions):
    for ref, traces in sessions:
        names = [trace.trajectory_id for trace in traces]
        assert names[0] is None and len(set(names)) == len(names)
        for trace in traces:
            assert trace.session_id == ref.id
            assert from_builtins(to_builtins(trace)) == trace
            assert [step.step_id for step in trace.steps] == list(range(1, len(trace.steps) + 1))
            for step in trace.steps:
                assert step.source == "agent" or not (step.tool_calls or step.metrics or step.reasoning_content)
                ids = {call.tool_call_id for call in step.tool_calls or []}
                for result in step.observation.results if step.observation else []:
                    assert result.source_call_id is None or result.source_call_id in ids
                assert step.source != "agent" or step.info.message_id
            windows = [n for w in trace.info.context_windows for n in range(w.first_step, w.last_step + 1)]
            assert windows == [step.step_id for step in trace.steps]
            ends = [branch for branch in trace.info.branches if branch.active]
            assert len(ends) == bool(trace.steps)
            if ends:
                assert ends[0].step_ids == [step.step_id for step in trace.steps if step.info.active]


@needs_samples
def test_a_listing_is_the_same_each_time(folder, sessions):
    again = list(source(folder).list())
    assert again == [ref for ref, _ in sessions]
    assert len({ref.id for ref in again}) == len(again)


# What is known of single sessions ------------------------------------------------------------------------------------

RIG = SAMPLES / "rig-claude-code"
ENTIRE = SAMPLES / "claude-code-entire"


def by_id(folder):
    return {ref.id: traces for ref, traces in read(folder)}


def link(main, child):
    """The call that started `child`, which its result names, too."""
    call_id = child.info.lineage.parent_call_id
    (call,) = [call for step in main.steps for call in step.tool_calls or [] if call.tool_call_id == call_id]
    (result,) = [found for step in main.steps if (found := step.results().get(call_id))]
    assert result.subagent_trajectory_ref == [{"trajectory_id": child.trajectory_id, "session_id": main.session_id}]
    assert (child.info.lineage.parent_trace, child.info.lineage.depth) == (main.session_id, 1)
    return call


@needs_samples
@pytest.mark.parametrize("name", ["1.0.128-a10128", "2.0.14-a2014", "2.0.60-a2060", "2.0.76-a2076", "2.1.10-b2110"])
def test_the_called_agent_is_tied_in_every_version(name):
    main, *children = max(by_id(RIG / name).values(), key=lambda traces: len(traces[0].steps))
    called = [child for child in children if child.info.lineage.parent_call_id]
    (child,) = called
    call = link(main, child)
    assert (call.function_name, call.arguments["prompt"]) == ("Task", "SCENARIO:sub please explore")
    assert child.steps[-1].text == "Sub-agent report: one file found."
    assert main.info.outcome.ended == "completed"
    assert main.info.outcome.tool_errors == 3
    assert all(step.info.active for trace in (main, child) for step in trace.steps)


@needs_samples
def test_1_0_128_resumed_in_its_own_file_and_left_a_file_of_summaries():
    found = by_id(RIG / "1.0.128-a10128")
    main, _ = found["2354e0d1-691e-49a7-b593-9285eab33ab2"]
    assert [step.text for step in main.steps if step.info.kind == "human"] == [
        "SCENARIO:basic run the demo",
        "SCENARIO:short resumed",
    ]
    (summaries,) = found["c988e831-3059-4e9e-b2f3-5675f156c641"]
    assert (summaries.steps, [event.type for event in summaries.info.events]) == ([], ["summary", "summary"])


@needs_samples
def test_2_0_76_agents_belong_by_the_session_in_their_lines():
    found = by_id(RIG / "2.0.76-a2076")
    _, *children = found.pop("815e309e-a94c-4ed2-9915-e02f329a65b3")
    assert {child.trajectory_id for child in children} == {"a8cc074", "ab22b05", "acc44b5"}
    assert {child.steps[0].text for child in children} == {"SCENARIO:sub please explore", "Warmup"}
    assert set(found) == {"agent-a35d879", "agent-af61a7d"}
    assert {trace.info.lineage.parent_trace[-8:] for (trace,) in found.values()} == {"1a75a66f"}


@needs_samples
def test_2_1_329_background_agents_compaction_tools_and_a_denied_call():
    found = by_id(RIG / "2.1.329-a329")
    main, child = found["83ce4851-b91f-4df1-8593-b1b056c50584"]
    assert link(main, child).function_name == "Agent"
    assert child.agent.extra == {"agent_type": "general-purpose", "description": "Explore repo"}
    (notice,) = [step for step in main.steps if step.info.kind == "task_notification"]
    assert "Sub-agent report: one file found." in notice.text
    tools = {tool["function"]["name"]: tool["function"] for tool in main.agent.tool_definitions}
    assert tools["Bash"]["parameters"]["properties"]["command"]["type"] == "string"
    assert [(window.reason, window.summary_step) for window in main.info.context_windows] == [
        ("start", None),
        ("compact_manual", 14),
    ]
    denied = {call.extra.bashgym.denied for step in main.steps for call in step.tool_calls or []}
    assert denied == {None, "rule"}
    assert main.info.usage_reliable and main.steps[2].metrics.completion_tokens == 77
    codes = [r.extra.bashgym.exit_code for step in main.steps for r in step.results().values()]
    assert [code for code in codes if code is not None] == [3]


@needs_samples
def test_2_1_329_fork_copies_replies_under_the_same_ids():
    found = by_id(RIG / "2.1.329-a329")
    (fork,) = found["c9ed7226-546e-4f9f-9b21-135e1fff466f"]
    original, _ = found["83ce4851-b91f-4df1-8593-b1b056c50584"]
    assert (fork.info.lineage.relation, fork.info.lineage.parent_trace) == ("fork", original.session_id)
    ids = {step.info.message_id for step in original.steps if step.source == "agent"}
    copied = [step for step in fork.steps if step.source == "agent" and step.is_copied_context]
    own = [step for step in fork.steps if step.source == "agent" and not step.is_copied_context]
    assert {step.info.message_id for step in copied} <= ids
    assert [step.text for step in own] == ["Short answer."]
    assert own[0].info.message_id not in ids


@needs_samples
def test_2_1_329_a_session_and_its_fork_cost_what_the_client_says():
    """The client's own count of each session against our price table; requests that leave no line are named."""
    table = prices.load()
    found = by_id(RIG / "2.1.329-plug") | by_id(RIG / "2.1.329-a329")
    plug = found["a4a42d80-3086-4824-b646-0ec547acdb06"]
    ours = sum(prices.bill(trace.steps, table).usd for trace in plug)
    assert ours == pytest.approx(plug[0].info.totals.cost_usd)
    original = found["83ce4851-b91f-4df1-8593-b1b056c50584"]
    ours = sum(prices.bill(trace.steps, table).usd for trace in original)
    summary = 0.007344  # the call that wrote the summary of the compaction: counted by the client, in no file
    assert ours + summary == pytest.approx(original[0].info.totals.cost_usd)
    (fork,) = found["c9ed7226-546e-4f9f-9b21-135e1fff466f"]
    assert (fork.info.totals.replies, fork.info.totals.copied_replies) == (1, 9)
    kept = {(step.info.message_id, step.info.request_id) for step in original[0].steps if step.source == "agent"}
    both = [step for trace in (original[0], fork) for step in trace.steps if step.source == "agent"]
    once = {(step.info.message_id, step.info.request_id) for step in both}
    assert original[0].info.totals.replies + fork.info.totals.replies == len(once) == len(kept) + 1


@needs_samples
def test_2_1_329_the_system_prompt_is_the_first_step_and_its_line_an_event():
    found = by_id(RIG / "2.1.329-a329")
    for name, origin, head in (
        ("83ce4851-b91f-4df1-8593-b1b056c50584", "api-request-shape", "You are a Claude agent, built on"),
        ("c9ed7226-546e-4f9f-9b21-135e1fff466f", "api-request-shape", "You are a Claude agent, built on"),
    ):
        for trace in found[name]:
            first, *rest = trace.steps
            assert (first.source, first.info.kind, first.info.origin) == ("system", "system", origin)
            assert first.text.startswith(head) and first.info.line_nos == [] and first.info.active
            assert all(step.info.kind != "system" for step in rest)
            shape = next(event for event in trace.info.events if event.type == "api-request-shape")
            assert plain(first.message) == plain(shape.raw["shape"]["system"])
            assert trace.agent.tool_definitions
            assert all(step.step_id in branch.step_ids for branch in trace.info.branches for step in [first])
    old = by_id(RIG / "2.1.200-b21200")
    assert not any(step.info.kind == "system" for traces in old.values() for trace in traces for step in trace.steps)


@needs_samples
def test_thinking_is_measured():
    found = by_id(RIG / "2.1.329-a329")["83ce4851-b91f-4df1-8593-b1b056c50584"][0].info.thinking
    assert (found.blocks, found.empty, found.display) == (2, 0, {"updates": 1, "omitted": 1})
    real = {ref.id.split("__")[0]: traces[0].info.thinking for ref, traces in read(ENTIRE)}
    assert (real["v2.0.64"].blocks, real["mcp-linear"].blocks) == (0, 10)
    assert real["mcp-linear"].characters > 1000


@needs_samples
def test_git_state_out_of_the_lines():
    main = by_id(RIG / "2.1.329-a329")["83ce4851-b91f-4df1-8593-b1b056c50584"][0]
    assert (main.info.project.git_commit, main.info.project.git_branch) == ("eed0b91", "main")
    real = {ref.id.split("__")[0]: traces[0].info for ref, traces in read(ENTIRE)}
    hashed = hashlib.sha256(b"github.com/entireio/cli").hexdigest()
    linked = real["very-long-2331-lines"]  # by its pull request; the others by what git printed
    assert linked.outcome.pr_urls == ["https://github.com/entireio/cli/pull/184"]
    assert {real[name].project.repo_remote_hash for name in ("very-long-2331-lines", "agents-queue", "todowrite")} == {
        hashed
    }


@needs_samples
def test_a_hook_may_forbid_and_speak():
    main, _ = by_id(RIG / "2.1.329-plug")["a4a42d80-3086-4824-b646-0ec547acdb06"]
    assert {call.extra.bashgym.denied for step in main.steps for call in step.tool_calls or []} == {None, "hook"}
    assert Counter(step.info.kind for step in main.steps)["hook_feedback"] == 2


@needs_samples
def test_a_real_session_with_its_agents_and_the_writer_of_its_summary(tmp_path):
    """The samples are kept flat; here they lie as Claude Code lays them."""
    for path in (SAMPLES / "claude-code-spotter").glob("ae4a77f8*"):
        place = tmp_path / path.name.replace("__", "/")
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, place)
    ((main, child),) = by_id(tmp_path).values()
    assert link(main, child).function_name == "Task"
    assert [(event.raw["lines"]) for event in main.info.events if event.type == "compaction_agent"] == [2]
    assert main.info.context_windows[1].reason == "compact_manual"


@needs_samples
def test_real_rejections_interrupts_errors_and_images():
    found = {ref.id.split("__")[0]: traces[0] for ref, traces in read(ENTIRE)}
    outcome = found["rejected-interrupted"].info.outcome
    assert (outcome.rejections, outcome.interrupts, outcome.tool_errors) == (1, 1, 1)
    assert found["api-error"].info.outcome.api_errors == 1
    assert [window.reason for window in found["microcompact"].info.context_windows] == [
        "start",
        "micro",
        "compact_auto",
    ]
    images = [
        part
        for step in found["image-in-prompt"].steps
        if isinstance(step.message, list)
        for part in step.message
        if part["type"] == "image"
    ]
    assert [(part["media_type"], set(part)) for part in images] == [
        ("image/png", {"type", "media_type", "sha256", "bytes"})
    ]
    assert found["compact"].steps[0].info.kind == "tool_result"  # its call was before the file began
    assert not any(trace.info.usage_reliable for name, trace in found.items() if name != "v2.0.64")
    assert Counter(step.info.kind for step in found["very-long-2331-lines"].steps)["bash"] == 2
