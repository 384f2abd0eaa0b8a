"""Examples out of traces: every turn kept, calls paired, windows apart."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from bashgym import examples, tools
from bashgym.records import Drop
from bashgym.trace import (
    Agent,
    ContextWindow,
    Observation,
    ObservationResult,
    SourceInfo,
    Step,
    StepExtra,
    StepInfo,
    ToolCall,
    Trace,
    TraceExtra,
    TraceInfo,
)


def user(number: int, text: str, **info: object) -> Step:
    return Step(step_id=number, source="user", message=text, extra=extra(kind="human", **info))


def agent(number: int, text: str, calls: dict[str, str] | None = None, answered: bool = True, **info: object) -> Step:
    made = [
        ToolCall(tool_call_id=f"c{number}{k}", function_name=k, arguments={"x": v}) for k, v in (calls or {}).items()
    ]
    results = [
        ObservationResult(source_call_id=call.tool_call_id, content=f"did {call.function_name}") for call in made
    ]
    return Step(
        step_id=number,
        source="agent",
        message=text,
        tool_calls=made or None,
        observation=Observation(results=results) if answered and made else None,
        extra=extra(message_id=f"m{number}", **info),
    )


def extra(**info: object) -> StepExtra:
    return StepExtra(bashgym=StepInfo(**info))


def trace(steps: list[Step], windows: list[ContextWindow] | None = None) -> Trace:
    info = TraceInfo(source=SourceInfo(kind="test"), context_windows=windows or [])
    return Trace(session_id="s", agent=Agent(name="test"), steps=steps, extra=TraceExtra(bashgym=info))


def made(one: Trace) -> tuple[list, dict[str, int]]:
    found = list(examples.examples(one, "s"))
    return [e for e in found if not isinstance(e, Drop)], {d.reason: d.n for d in found if isinstance(d, Drop)}


def test_every_user_turn_stays_and_only_replies_have_keys():
    steps = [user(1, "fix it"), agent(2, "on it", {"Read": "a", "Grep": "b"}), user(3, "no, the other"), agent(4, "ok")]
    (example,), dropped = made(trace(steps))
    assert [message["role"] for message in example.messages] == [
        "user",
        "assistant",
        "tool",
        "tool",
        "user",
        "assistant",
    ]
    assert [bool(key) for key in example.keys] == [False, True, False, False, False, True]
    assert example.steps == [1, 2, 2, 2, 3, 4]
    assert example.messages[1]["tool_calls"][0]["function"]["arguments"] == {"x": "a"}
    assert not dropped


def test_it_opens_with_where_the_agent_worked():
    one = trace([user(1, "go"), agent(2, "ok")])
    one.info.project.cwd = "/home/USER_abc/x"
    (example,), _ = made(one)
    assert example.messages[0] == {"role": "system", "content": "Working directory: /home/USER_abc/x"}
    assert len(example.messages) == len(example.keys) == len(example.steps) == 3


def test_what_nobody_said_is_left_out_and_counted():
    steps = [
        user(1, "go"),
        agent(2, "", {"Read": "a"}, answered=False),
        agent(3, "made by the client", kind="synthetic"),
        user(4, "abandoned", active=False),
        agent(5, "done"),
        user(6, "one more thing"),
    ]
    (example,), dropped = made(trace(steps))
    assert [message["content"] for message in example.messages] == ["go", "done"]
    assert dropped == {
        "tool call without a result": 1,
        "reply without words or calls": 1,
        "synthetic step": 1,
        "step on an abandoned branch": 1,
        "turn with no reply after it": 1,
    }


def test_one_example_per_window():
    steps = [user(1, "a"), agent(2, "b"), user(3, "summary"), agent(4, "c")]
    windows = [
        ContextWindow(first_step=1, last_step=2),
        ContextWindow(first_step=3, last_step=4, reason="compact_auto"),
    ]
    found, _ = made(trace(steps, windows))
    assert [example.id for example in found] == ["s#0", "s#1"]
    assert found[1].messages[0]["content"] == "summary"


def test_a_micro_compaction_is_no_end_of_a_conversation():
    steps = [user(1, "a"), agent(2, "b"), user(3, "c"), agent(4, "d")]
    windows = [ContextWindow(first_step=1, last_step=2), ContextWindow(first_step=3, last_step=4, reason="micro")]
    found, _ = made(trace(steps, windows))
    assert [message["content"] for message in found[0].messages] == ["a", "b", "c", "d"] and len(found) == 1


def test_a_window_without_a_reply_is_a_drop():
    found, dropped = made(trace([user(1, "hello?")]))
    assert not found and dropped == {"context window without a reply": 1, "turn with no reply after it": 1}


def test_copies_share_a_key_and_others_do_not():
    assert examples.reply_key(agent(1, "x")) == examples.reply_key(agent(1, "y"))
    assert examples.reply_key(agent(1, "x")) != examples.reply_key(agent(2, "x"))


def test_tools_are_inferred_from_all_calls():
    one = trace([user(1, "go"), agent(2, "", {"Read": "a"}), agent(3, "", {"Read": "b", "Edit": "c"})])
    one.steps[2].tool_calls[0].arguments["limit"] = 5
    used = tools.merge([tools.usage(one), tools.usage(one)])
    assert used["Read"] == {"calls": 4, "arguments": {"x": {"string": 4}, "limit": {"integer": 2}}}
    read = tools.definitions(used, 5)[1]["function"]
    assert read["name"] == "Read" and read["parameters"]["required"] == ["x"]
    assert read["parameters"]["properties"] == {"limit": {"type": "integer"}, "x": {"type": "string"}}
    assert [tool["function"]["name"] for tool in tools.definitions(used, 1)] == ["Read"]


def any_step(number: int, drawn: tuple[str, bool, str, bool]) -> Step:
    kind, active, text, answered = drawn
    if kind == "agent":
        return agent(number, text, {"Read": "a"} if answered else None, kind="agent", active=active)
    return Step(step_id=number, source="user", message=text, extra=extra(kind=kind, active=active))


KINDS = ["human", "agent", "agent", "command", "compact_summary", "meta", "interrupt", "synthetic", "api_error"]
DRAWN = st.tuples(st.sampled_from(KINDS), st.booleans(), st.sampled_from(["words", ""]), st.booleans())


@given(st.lists(DRAWN, min_size=1, max_size=25), st.sets(st.integers(1, 25), max_size=4), st.integers(0, 3))
def test_no_step_is_lost(drawn, cuts, outside):
    """Every step is in exactly one example, or counted among the drops; a window without a reply counts its own."""
    steps = [any_step(number, one) for number, one in enumerate(drawn, 1)]
    ends = [*sorted(cut for cut in cuts if cut < len(steps)), len(steps) - outside]
    starts = [1, *(end + 1 for end in ends)]
    windows = [ContextWindow(first_step=a, last_step=b) for a, b in zip(starts, ends, strict=False) if a <= b]
    found = list(examples.examples(trace(steps, windows), "s"))
    taught: Counter[int] = Counter()
    for one in found:
        if not isinstance(one, Drop):
            taught.update(set(one.steps) - {0})
    assert max(taught.values(), default=1) == 1
    counted = sum(one.n for one in found if isinstance(one, Drop) and one.reason != "context window without a reply")
    assert len(taught) + counted == len(steps)
    spoken = [step for step in steps if step.info.kind == "human" and step.info.active and step.message]
    unanswered = sum(
        one.n for one in found if isinstance(one, Drop) and one.reason.startswith(("turn", "step outside"))
    )
    assert len([step for step in spoken if step.step_id in taught]) >= len(spoken) - unanswered
