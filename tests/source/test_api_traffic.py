"""Captured traffic: conversations out of requests that repeat themselves, and no credential anywhere."""

import json
import sys
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bashgym import registry
from bashgym.errors import InputError
from bashgym.kinds import Source
from bashgym.trace import from_builtins, plain, to_builtins
from bashgym.traffic import scrub

sys.path.insert(0, str(Path(__file__).parent))
from traffic_fixture import (
    CANARIES,
    THINKING,
    anthropic_stream,
    as_har,
    ask,
    assistant,
    chat_session,
    message,
    pair,
    responses_session,
    session,
    text,
    use,
    user,
)


def source(path):
    cls = registry.load("source", "api_traffic")
    return cls(cls.Config(path=str(path)))


def read(path):
    plugin = source(path)
    return [trace for ref in plugin.list() for trace in plugin.read(ref)]


def saved(tmp_path, *lines, name="log.jsonl"):
    path = tmp_path / name
    path.write_bytes(b"\n".join(one if isinstance(one, bytes) else json.dumps(one).encode() for one in lines) + b"\n")
    return path


def claims(traces):
    for trace in traces:
        for step in trace.steps:
            yield from step.info.line_nos
        yield from (one.line_no for one in trace.info.events + trace.info.malformed if one.line_no is not None)


def clean(traces):
    """No canary is anywhere in the traces."""
    written = json.dumps([to_builtins(trace) for trace in traces])
    return [canary for canary in CANARIES if canary in written] == [] and "CANARY" not in written


@pytest.fixture
def traces(tmp_path):
    return read(saved(tmp_path, *session()))


# A session of Claude Code --------------------------------------------------------------------------------------------


def test_every_line_is_in_one_place(tmp_path, traces):
    assert isinstance(source(tmp_path), Source)
    assert sorted(claims(traces)) == list(range(1, 11))
    assert sum(file.lines for trace in traces for file in trace.info.source.files) == 10
    for trace in traces:
        assert from_builtins(json.loads(json.dumps(to_builtins(trace)))) == trace
        assert [step.step_id for step in trace.steps] == list(range(1, len(trace.steps) + 1))
        for step in trace.steps:
            ids = {call.tool_call_id for call in step.tool_calls or []}
            assert step.source == "agent" or not ids
            assert {r.source_call_id for r in (step.observation.results if step.observation else [])} <= ids


def test_a_history_sent_six_times_is_one_conversation(traces):
    main = traces[0]
    active = [step for step in main.steps if step.info.active]
    said = [(step.source, step.info.kind, step.text) for step in active]
    assert said[1:] == [
        ("user", "meta", "<system-reminder>Be brief.</system-reminder>"),
        ("user", "human", "Fix the bug."),
        ("agent", "agent", "Looking."),
        ("agent", "agent", ""),
        ("user", "meta", "<system-reminder>Be brief.</system-reminder>"),
        ("agent", "agent", "Done. "),
        ("user", "human", "Now commit."),
        ("agent", "agent", "Committed."),
    ]
    assert said[0][1] == "system" and "You are an agent." in said[0][2]
    assert [step.text for step in main.steps if not step.info.active] == ["Thanks, and the tests?", "Which tests?"]
    assert [branch.active for branch in main.info.branches] == [False, True]
    assert not any(step.is_copied_context for step in main.steps)
    assert main.info.outcome.ended == "completed"


def test_replies_are_whole_with_their_tokens(traces):
    replies = [step for step in traces[0].steps if step.source == "agent"]
    first, second = replies[:2]
    assert (first.reasoning_content, first.info.signatures) == ("List them.", ["sig=="])
    assert first.info.blocks == ["thinking", "text", "tool_use"]
    assert (first.info.message_id, first.info.request_id, first.info.stop_reason) == ("msg_1", "req_1", "tool_use")
    assert [(c.function_name, c.arguments) for c in second.tool_calls] == [
        ("Task", {"prompt": "Search it."}),
        ("Bash", {"command": "false"}),
    ]
    assert [step.info.line_nos for step in replies] == [[2], [5], [7], [8], [9]]
    assert (first.timestamp, first.model_name) == ("2025-10-09T08:53:21.500Z", "claude-opus-4-5")
    metrics = first.metrics
    assert (metrics.prompt_tokens, metrics.completion_tokens, metrics.cached_tokens) == (118, 5, 100)
    totals = traces[0].info.totals
    assert (totals.input_tokens, totals.output_tokens, totals.replies) == (11 + 12 + 14 + 15 + 16, 25, 5)
    assert (totals.cache_read_input_tokens, totals.cache_creation_input_tokens) == (500, 35)
    assert traces[0].info.usage_reliable


def test_results_are_those_first_sent(traces):
    first, second = [step for step in traces[0].steps if step.observation]
    assert plain(first.observation.results[0].content) == "a.py ANTHROPIC_API_KEY=[credential removed]"
    found, failed = second.observation.results
    assert (plain(found.content), found.extra.bashgym.is_error) == ("Found it.", False)
    assert (plain(failed.content), failed.extra.bashgym.is_error) == ("exit 1", True)
    assert traces[0].info.outcome.tool_errors == 1


def test_helpers_and_other_requests_are_events(traces):
    events = [(event.type, event.line_no) for event in traces[0].info.events]
    assert events[:3] == [("http", 10), ("helper request", 1), ("helper request", 3)]
    assert ("api_error", 4) in events
    helper = traces[0].info.events[2].raw
    assert helper["body"]["messages"][0]["content"][0]["text"] == "Fix the bug."
    assert "access_token" not in json.dumps(traces[0].info.events[0].raw)
    assert {event.type for event in traces[0].info.events} == {"http", "helper request", "api_error"}


def test_a_sub_agent_is_a_trace_tied_to_its_call(traces):
    main, child = traces
    assert child.trajectory_id and main.trajectory_id is None
    assert [step.text for step in child.steps] == ["You are a sub-agent.", "Search it.", "Found it."]
    lineage = child.info.lineage
    assert (lineage.relation, lineage.parent_call_id, lineage.depth) == ("subagent", "t2", 1)
    found = main.steps[4].results()["t2"]
    assert found.subagent_trajectory_ref == [{"trajectory_id": child.trajectory_id, "session_id": "log"}]


def test_agent_tools_and_folder(traces):
    agent = traces[0].agent
    assert (agent.name, agent.version) == ("claude-cli", "2.1.329")
    assert [tool.get("function", tool)["name"] for tool in agent.tool_definitions] == ["Bash", "Task", "web_search"]
    assert agent.tool_definitions[0] == {
        "type": "function",
        "function": {
            "name": "Bash",
            "description": "Runs it",
            "parameters": {"type": "object", "properties": {"command": {}}},
        },
    }
    assert traces[0].info.project.cwd == "/home/sam/code"


# No credential, anywhere ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "lines", [session(), chat_session(), responses_session()], ids=["anthropic", "chat", "responses"]
)
@pytest.mark.parametrize("har", [False, True])
def test_no_credential_is_in_a_trace(tmp_path, lines, har):
    path = saved(tmp_path, as_har(lines), name="log.har") if har else saved(tmp_path, *lines)
    assert all(canary in path.read_text() for canary in CANARIES)
    found = read(path)
    assert clean(found)
    assert sum(len(trace.steps) for trace in found) >= 4


def test_a_torn_line_keeps_no_credential(tmp_path):
    whole = json.dumps(session()[1]).encode()
    torn = [whole[:n] for n in range(20, len(whole), 97)]
    found = read(saved(tmp_path, *torn))
    assert clean(found)
    (trace,) = found
    assert [one.line_no for one in trace.info.malformed] == list(range(1, len(torn) + 1))
    assert all("may hold credentials; sha256" in one.raw for one in trace.info.malformed)


def test_a_credential_of_one_line_is_taken_out_of_the_others(tmp_path):
    """Also where the line with the header comes later, or cannot be read."""
    leak = ask(1, [user(text(f"my key is {CANARIES[0]}"))], message(1, text(f"{CANARIES[1]} it is")))
    leak["request"]["headers"] = {}
    assert clean(read(saved(tmp_path, leak, ask(2, [user("x")], message(2, text("y"))))))
    later = json.dumps(ask(2, [user("x")], message(2, text("y"))))[:700].encode()
    assert CANARIES[1].encode() in later
    assert clean(read(saved(tmp_path, leak, later)))


@pytest.mark.parametrize("shape", ["list", "pairs", "lists of values", "odd names"])
def test_headers_of_every_shape(tmp_path, shape):
    line = session()[1]
    for side in ("request", "response"):
        given = line[side]["headers"]
        line[side]["headers"] = {
            "list": [{"name": k, "value": v} for k, v in given.items()],
            "pairs": [[k, v] for k, v in given.items()],
            "lists of values": {k: [v] for k, v in given.items()},
            "odd names": {**given, "X-Goog-Api-Key": CANARIES[5], "Proxy-Authorization": f"Basic {CANARIES[5]}"},
        }[shape]
    found = read(saved(tmp_path, line))
    assert clean(found)
    assert found[0].agent.version == "2.1.329"


def test_lines_of_no_known_shape_lose_what_their_keys_call_a_credential(tmp_path):
    odd = {"event": "login", "deep": [{"access_token": CANARIES[0], "kept": 1}], "Cookie": CANARIES[2]}
    (trace,) = read(saved(tmp_path, odd))
    assert clean([trace])
    assert trace.info.events[0].raw == {"event": "login", "deep": [{"kept": 1}]}


def test_urls_lose_users_and_queries():
    assert (
        scrub.address("https://me:pw@host.example:8443/v1/messages?key=1#x") == "https://host.example:8443/v1/messages"
    )
    assert scrub.address("/v1/messages?x") == "/v1/messages"
    assert scrub.address("http://[bad") == scrub.address(None) == ""


# OpenAI --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("har", [False, True])
def test_chat_completions(tmp_path, har):
    lines = chat_session()
    (trace,) = read(saved(tmp_path, as_har(lines), name="log.har") if har else saved(tmp_path, *lines))
    system, asked, first, final = trace.steps
    assert (system.text, asked.text, first.text, final.text) == ("Be good.", "Run.", "Running.", "Both ran.")
    assert first.reasoning_content == "Two calls."
    assert [(c.tool_call_id, c.arguments) for c in first.tool_calls] == [("c0", {"n": 1}), ("c1", {"n": 2})]
    assert [plain(r.content) for r in first.observation.results] == ["out 0", "out 1"]
    assert (first.metrics.prompt_tokens, first.metrics.cached_tokens, first.metrics.completion_tokens) == (50, 20, 9)
    assert first.metrics.extra.bashgym.reasoning_tokens == 4
    assert (first.info.stop_reason, final.info.stop_reason) == ("tool_use", "end_turn")
    assert trace.info.outcome.ended == "completed"
    assert [tool["function"]["name"] for tool in trace.agent.tool_definitions] == ["run"]
    assert sorted(claims([trace])) == [1, 2]


def test_responses_with_the_history_and_without(tmp_path):
    (trace,) = read(saved(tmp_path, *responses_session()))
    assert [step.text for step in trace.steps] == ["Be good.", "Run.", "Running.", "Ran.", "Bye", "Bye."]
    first = trace.steps[2]
    assert (first.reasoning_content, first.reasoning_effort, first.info.signatures) == ("Think.", "high", ["e="])
    assert plain(first.observation.results[0].content) == "ok"
    assert first.info.blocks == ["thinking", "text", "tool_use"]
    assert all(step.info.active for step in trace.steps)
    assert not any(step.is_copied_context for step in trace.steps)
    assert trace.info.totals.input_tokens == 60
    assert trace.agent.tool_definitions[0]["function"]["name"] == "run"


def test_a_response_that_was_cut_keeps_its_items(tmp_path):
    line = responses_session()[0]
    line["response"]["body_raw"] = line["response"]["body_raw"].split("event: response.completed")[0]
    (trace,) = read(saved(tmp_path, line))
    assert trace.steps[-1].tool_calls[0].arguments == {"n": 1}
    assert trace.info.outcome.ended == "unknown" and not trace.info.usage_reliable


def test_choices_are_branches(tmp_path):
    choices = [{"index": n, "finish_reason": "stop", "message": {"content": f"answer {n}"}} for n in range(3)]
    body = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}
    (trace,) = read(saved(tmp_path, pair(0, "/v1/chat/completions", body, {"id": "x", "choices": choices})))
    assert [(step.text, step.info.active) for step in trace.steps[1:]] == [
        ("answer 0", True), ("answer 1", False), ("answer 2", False),
    ]  # fmt: skip


# Streams and what goes wrong -----------------------------------------------------------------------------------------

WHOLE = message(1, THINKING, text("Héllo 🌍 there"), use("Bash", "t", command='echo "x" \\ \u2028'), stop="tool_use")
EVENTS = anthropic_stream(WHOLE).count("event: ")


@pytest.mark.parametrize("cut", range(EVENTS + 1))
def test_a_stream_cut_after_any_event_is_never_completed(tmp_path, cut):
    (trace,) = read(saved(tmp_path, ask(1, [user("go")], anthropic_stream(WHOLE, cut=cut) or "\n")))
    assert sorted(claims([trace])) == [1]
    assert trace.info.outcome.ended == "unknown"
    reply = trace.steps[-1]
    if cut == EVENTS:
        assert (reply.text, reply.reasoning_content) == (WHOLE["content"][1]["text"], "List them.")
        assert reply.tool_calls[0].arguments == WHOLE["content"][2]["input"]
        assert (reply.info.stop_reason, reply.metrics.completion_tokens) == ("tool_use", 5)
    elif reply.source == "agent":
        assert reply.info.stop_reason == "unfinished"


def test_line_ends_and_split_data(tmp_path):
    stream = anthropic_stream(WHOLE)
    for odd in (stream.replace("\n", "\r\n"), stream.replace("data: ", "data:"), ": comment\n\n" + stream):
        (trace,) = read(saved(tmp_path, ask(1, [user("go")], odd)))
        assert trace.steps[-1].tool_calls[0].arguments == WHOLE["content"][2]["input"]
        assert trace.steps[-1].info.stop_reason == "tool_use"


def test_an_error_in_a_stream_and_no_answer_at_all(tmp_path):
    error = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
    broken = anthropic_stream(WHOLE, cut=1) + f"event: error\ndata: {json.dumps(error)}\n\n"
    (trace,) = read(saved(tmp_path, ask(1, [user("go")], broken), ask(2, [user("go")], None)))
    assert [(event.type, event.line_no) for event in trace.info.events if event.line_no] == [
        ("api_error", 1), ("request without response", 2),
    ]  # fmt: skip
    assert next(event for event in trace.info.events if event.line_no == 1).raw["error"] == error["error"]
    assert trace.info.outcome.ended == "unknown"


def test_a_system_prompt_that_changes_is_told_once(tmp_path):
    systems = ["Be good. Today is 1.", "Be good. Today is 1.", "Be good. Today is 2."]
    first = "x" * 300
    asked = [user("go"), assistant(text("ok")), user("on"), assistant(text("ok")), user("end")]
    lines = [ask(n, asked[: 2 * n + 1], message(n, text("ok")), system=first + one) for n, one in enumerate(systems)]
    (trace,) = read(saved(tmp_path, *lines))
    assert trace.steps[0].text == first + systems[0]
    assert [event.raw for event in trace.info.events] == [[first + systems[2]]]
    assert len(trace.steps) == 7


def test_a_history_from_before_the_log_is_a_copy(tmp_path):
    history = [user("one"), assistant(text("1")), user("two")]
    (trace,) = read(saved(tmp_path, ask(1, history, message(1, text("2")))))
    assert [(step.text, step.is_copied_context) for step in trace.steps[1:]] == [
        ("one", False), ("1", True), ("two", False), ("2", False),
    ]  # fmt: skip
    assert trace.info.totals.replies == 1


def test_pictures_are_lifted_and_told_apart(tmp_path):
    picture = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo" * 1000}}
    first = user(picture, text("What is it?"))
    one = message(1, text("A cat."))
    lines = [ask(1, [first], one), ask(2, [first, assistant(*one["content"]), user("Sure?")], message(2, text("Yes.")))]
    (trace,) = read(saved(tmp_path, *lines))
    image, words = trace.steps[1].message
    assert (image["type"], image["media_type"], words["text"]) == ("image", "image/png", "What is it?")
    assert "iVBORw0KGgoiVBORw0KGgo" not in json.dumps(to_builtins(trace))
    assert [step.text for step in trace.steps[2:]] == ["A cat.", "Sure?", "Yes."]


def test_a_line_written_twice_counts_once(tmp_path):
    line = ask(1, [user("go")], message(1, text("ok")))
    (trace,) = read(saved(tmp_path, line, line))
    assert [step.info.line_nos for step in trace.steps if step.source == "agent"] == [[1, 2]]
    assert trace.info.totals.replies == 1


def test_the_same_words_twice_are_two_replies(tmp_path):
    lines = [ask(n, [user("go")], message(n, text("ok"))) for n in (1, 2)]
    (trace,) = read(saved(tmp_path, *lines))
    assert [(step.info.message_id, step.info.active) for step in trace.steps if step.source == "agent"] == [
        ("msg_1", False), ("msg_2", True),
    ]  # fmt: skip
    assert trace.info.totals.replies == 2


def test_excluded_folders_stay_out(tmp_path, own_home):
    saved(tmp_path, *session())
    saved(tmp_path, *chat_session(), name="other.jsonl")
    saved(tmp_path, as_har(session()), name="again.har")
    (own_home / "exclude").write_text("/home/sam\n")
    plugin = source(tmp_path)
    assert [ref.id for ref in plugin.list()] == ["other"]
    assert plugin.left_out.total() == 2
    with pytest.raises(InputError, match=r"source.api_traffic.path: .*nowhere is not there"):
        source(tmp_path / "nowhere").list()


def test_a_har_that_is_none(tmp_path):
    for content in (b"{", b"[]", b'{"log": {"entries": 3}}'):
        (trace,) = read(saved(tmp_path, content, name="x.har"))
        assert len(trace.info.malformed) == 1
    (trace,) = read(saved(tmp_path, {"log": {"entries": [1, {"request": 2}, {}]}}, name="x.har"))
    assert (len(trace.info.malformed), len(trace.info.events)) == (1, 2)


# Whatever comes ------------------------------------------------------------------------------------------------------

LINES = [json.dumps(one).encode() for one in [*session(), *chat_session(), *responses_session()]]


@given(
    st.integers(0, len(LINES) - 1),
    st.lists(st.tuples(st.integers(0, 4000), st.integers(0, 255)), min_size=1, max_size=4),
)
def test_damaged_bytes_leave_every_line_in_one_place(tmp_path_factory, line, changes):
    data = bytearray(LINES[line])
    for position, byte in changes:
        data[position % len(data)] = byte if byte != 10 else 32
    path = saved(tmp_path_factory.mktemp("log"), *LINES[:line], bytes(data), *LINES[line + 1 :])
    found = read(path)
    assert Counter(claims(found)) == Counter(range(1, len(LINES) + 1))
    assert all(from_builtins(to_builtins(trace)) == trace for trace in found)


JSON = (
    st.none() | st.booleans() | st.integers() | st.text(max_size=4) | st.lists(st.integers(), max_size=2) | st.just({})
)
KEYS = (
    "request response method url headers body body_raw status_code timestamp messages role content type text id name "
    "input tools system model usage input_tokens stop_reason choices message tool_calls function arguments output "
    "tool_use_id call_id instructions previous_response_id thinking signature summary"
)


def places(value, key):
    """Every dict in `value` that has `key`."""
    if isinstance(value, dict):
        yield from [value] if key in value else []
        for item in value.values():
            yield from places(item, key)
    elif isinstance(value, list):
        for item in value:
            yield from places(item, key)


@example(6, "text", 7, None)
@given(st.integers(0, len(LINES) - 1), st.sampled_from(KEYS.split()), st.integers(0, 40), JSON)
def test_wrong_types_anywhere_do_no_harm(tmp_path_factory, line, key, which, value):
    lines = [json.loads(one) for one in LINES]
    found = list(places(lines[line], key))
    if found:
        found[which % len(found)][key] = value
    traces = read(saved(tmp_path_factory.mktemp("log"), *lines))
    assert Counter(claims(traces)) == Counter(range(1, len(lines) + 1))
    assert all(from_builtins(to_builtins(trace)) == trace for trace in traces)
    if key not in ("headers", "name", "request", "response"):
        assert clean(traces)


@given(st.text(max_size=60) | st.text(alphabet='data: {"}\n\\event', max_size=80))
def test_any_text_as_a_stream(tmp_path_factory, stream):
    folder = tmp_path_factory.mktemp("log")
    lines = [ask(1, [user("go")], stream)]
    lines += [
        pair(n, url, {"messages": [], "input": "x"}, stream) for n, url in ((2, "/chat/completions"), (3, "/responses"))
    ]
    assert Counter(claims(read(saved(folder, *lines)))) == Counter([1, 2, 3])
