"""Replies: lines of one reply are one step, tokens are counted once."""

import json

USAGE = {"input_tokens": 4, "cache_creation_input_tokens": 100, "cache_read_input_tokens": 2000, "output_tokens": 1}


def test_lines_of_one_reply_are_one_step(scribe, write):
    thought = {"type": "thinking", "thinking": "hm", "signature": "sig"}
    scribe.user("go")
    scribe.reply(thought, usage=USAGE)
    scribe.reply(write.call("t1", command="ls"), usage={**USAGE, "output_tokens": 40})
    scribe.reply(write.text("both"), usage={**USAGE, "output_tokens": 77}, stop="tool_use", effort="high")
    scribe.reply(write.call("t2", "mcp__demo__echo"), usage={**USAGE, "output_tokens": 77})
    _, step = scribe.trace().steps
    assert step.info.blocks == ["thinking", "tool_use", "text", "tool_use"]
    assert (step.message, step.reasoning_content, step.info.signatures) == ("both", "hm", ["sig"])
    assert [call.tool_call_id for call in step.tool_calls] == ["t1", "t2"]
    assert [call.extra.bashgym.mcp_server for call in step.tool_calls] == [None, "demo"]
    assert step.tool_calls[0].extra.bashgym.started_at == "2026-01-01T00:00:03Z"
    assert (step.info.line_nos, step.info.uuids) == ([2, 3, 4, 5], ["u2", "u3", "u4", "u5"])
    assert (step.info.message_id, step.info.request_id, step.info.stop_reason) == ("m1", "r1", "tool_use")
    assert (step.reasoning_effort, step.model_name, step.llm_call_count) == ("high", "claude-x", 1)


def test_tokens_are_counted_once_with_the_largest_of_each_field(scribe, write):
    scribe.reply(write.text("a"), usage={**USAGE, "service_tier": "standard"})
    scribe.reply(write.text("b"), usage={**USAGE, "output_tokens": 77})
    scribe.reply(write.text("c"), id="m2", request="r2", usage=USAGE)
    trace = scribe.trace()
    metrics = trace.steps[0].metrics
    assert (metrics.prompt_tokens, metrics.completion_tokens, metrics.cached_tokens) == (2104, 77, 2000)
    tiers = metrics.extra.bashgym
    assert (tiers.input_tokens, tiers.cache_creation_input_tokens, tiers.cache_read_input_tokens) == (4, 100, 2000)
    assert tiers.service_tier == "standard"
    totals = trace.info.totals
    assert (totals.input_tokens, totals.output_tokens, totals.replies) == (8, 78, 2)
    assert (totals.cache_creation_input_tokens, totals.cache_read_input_tokens) == (200, 4000)


def test_replies_may_interleave(scribe, write):
    scribe.reply(write.text("a"))
    scribe.reply(write.text("b"), id="m2")
    scribe.reply(write.call("t1"))
    first, second = scribe.trace().steps
    assert (first.info.line_nos, second.info.line_nos) == ([1, 3], [2])


def test_texts_of_one_reply_stay_apart(scribe, write):
    scribe.reply(write.text("a"), write.text("a"))
    (step,) = scribe.trace().steps
    assert step.message == [write.text("a"), write.text("a")]


def test_a_copied_block_adds_nothing_but_its_line(scribe, write):
    """An old resume wrote the last reply again: new uuid, no request id, no parent."""
    scribe.user("hi")
    scribe.reply(write.text("lol"), usage=USAGE)
    scribe.reply(write.text("lol"), usage=USAGE, request=None, parentUuid=None)
    scribe.user("again")
    trace = scribe.trace()
    assert [step.text for step in trace.steps] == ["hi", "lol", "again"]
    assert trace.steps[1].info.line_nos == [2, 3]
    assert trace.info.totals.replies == 1
    assert all(step.info.active for step in trace.steps)


def test_a_line_with_the_same_uuid_is_an_event(scribe, write):
    scribe.user("hi")
    scribe.reply(write.call("t1"))
    scribe.result("t1")
    scribe.raw(scribe.lines[0])
    scribe.raw(scribe.lines[2])
    trace = scribe.trace()
    assert [event.type for event in trace.info.events] == ["duplicate:user", "duplicate:user"]
    assert len(trace.steps) == 2
    assert len(trace.steps[1].observation.results) == 1


def test_the_same_uuid_with_other_words_is_kept(scribe):
    scribe.user("hi")
    scribe.user("conflict", uuid="u1", parentUuid=None)
    assert [step.text for step in scribe.trace().steps] == ["hi", "conflict"]


def test_a_reply_without_id_is_known_by_its_uuid(scribe, write):
    scribe.reply(write.text("a"), id=None)
    scribe.reply(write.text("b"), id=None)
    assert [step.info.message_id for step in scribe.trace().steps] == ["u1", "u2"]


def test_what_the_client_says_is_no_reply(scribe, write):
    scribe.reply(write.text("No response requested."), id="x", model="<synthetic>")
    scribe.reply(write.text("API Error: 529"), id="y", model="<synthetic>", isApiErrorMessage=True)
    trace = scribe.trace()
    assert [step.info.kind for step in trace.steps] == ["synthetic", "api_error"]
    assert (trace.info.totals.replies, trace.agent.model_name) == (0, None)
    assert (trace.info.outcome.api_errors, trace.info.outcome.ended) == (1, "error")


def test_arguments_are_always_an_object(scribe):
    scribe.reply({"type": "tool_use", "name": "Odd", "input": "text"}, {"type": "tool_use", "name": "None"})
    first, second = scribe.trace().steps[0].tool_calls
    assert (first.arguments, second.arguments) == ({"input": "text"}, {"input": None})
    assert first.tool_call_id != second.tool_call_id


def test_blocks_that_are_no_words_are_kept_aside(scribe, write):
    change = {"type": "fallback", "from": {"model": "a"}, "to": {"model": "b"}}
    scribe.reply({"type": "redacted_thinking", "data": "zzz"}, change, write.text("hi"))
    (step,) = scribe.trace().steps
    assert (step.message, step.info.signatures, step.info.foreign) == ("hi", ["zzz"], {"blocks": [change]})
    assert step.info.blocks == ["redacted_thinking", "fallback", "text"]


def test_usage_is_reliable_only_where_replies_say_why_they_stopped(scribe, write):
    scribe.reply(write.text("a"))
    assert scribe.trace().info.usage_reliable is False
    scribe.reply(write.text("b"), id="m2", stop="end_turn")
    assert scribe.trace().info.usage_reliable is True


def test_nonsense_in_usage_is_not_counted(scribe, write):
    scribe.reply(write.text("a"), usage={"input_tokens": "9", "output_tokens": -3, "cache_read_input_tokens": True})
    trace = scribe.trace()
    assert trace.steps[0].metrics is None
    assert trace.info.totals.output_tokens == 0


def test_cost_of_old_versions_is_kept(scribe, write):
    scribe.reply(write.text("a"), costUSD=0.12)
    assert scribe.trace().steps[0].metrics.cost_usd == 0.12


def test_tool_definitions_come_from_the_recorded_request(scribe):
    schema = {"type": "object", "properties": {"command": {"type": "string"}}}
    tool = {"name": "Bash", "description": "Runs", "input_schema": schema}
    scribe.line(type="api-request-shape", shape={"tools": [tool, {"name": 3}, "odd"]}, uuid=None)
    later = {"name": "Read", "schema": {**tool, "name": "Read"}}
    scribe.line(type="attachment", attachment={"type": "prompt_snapshot", "tools": [later]})
    definitions = scribe.trace().agent.tool_definitions
    assert [one["function"]["name"] for one in definitions] == ["Bash", "Read"]
    assert definitions[0] == {
        "type": "function",
        "function": {"name": "Bash", "description": "Runs", "parameters": schema},
    }


def test_a_session_without_requests_has_no_definitions(scribe):
    scribe.user("hi")
    assert scribe.trace().agent.tool_definitions is None


def test_a_fork_says_what_it_copied(scribe, write):
    scribe.user("hi")
    scribe.reply(write.text("a"), requestSessionId="the-original")
    scribe.user("more")
    scribe.reply(write.text("b"), id="m2", requestSessionId=write.SESSION)
    trace = scribe.trace()
    assert (trace.info.lineage.relation, trace.info.lineage.parent_trace) == ("fork", "the-original")
    assert [step.is_copied_context for step in trace.steps] == [True, True, False, False]
    assert json.loads(scribe.lines[1])["requestSessionId"] == "the-original"
