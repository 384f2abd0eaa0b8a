"""Sub-agents: told apart, and tied to the call that started them."""

import pytest


def sub(trace):
    lineage = trace.info.lineage
    return trace.trajectory_id, lineage.parent_trace, lineage.parent_call_id, lineage.depth


def inline(scribe, prompt, *replies):
    """A sub-agent among the session's own lines, as up to 2.0.14; returns the uuid of its root."""
    last = scribe.last
    root = scribe.user(prompt, parentUuid=None, isSidechain=True)
    for reply in replies:
        scribe.reply(reply, id=f"m-{scribe.last}", isSidechain=True)
    scribe.last = last
    return root


def test_agents_among_the_lines_are_traces_of_their_own(scribe, write):
    scribe.user("go")
    scribe.reply(write.call("t1", "Task", prompt="look here"), write.call("t2", "Task", prompt="look there"))
    second = inline(scribe, "look there", write.text("nothing there"))
    first = inline(scribe, "look here", write.text("something here"), write.text("really"))
    scribe.result("t1", "something here")
    scribe.result("t2", "nothing there")
    scribe.raw(b"torn {")
    main, there, here = scribe.traces()
    assert [len(trace.steps) for trace in (main, there, here)] == [2, 2, 3]
    assert sub(here) == (first, write.SESSION, "t1", 1)
    assert sub(there) == (second, write.SESSION, "t2", 1)
    assert {trace.info.lineage.relation for trace in (here, there)} == {"subagent"}
    assert here.steps[0].info.origin == "parent"
    (result, _) = main.steps[1].observation.results
    assert result.subagent_trajectory_ref == [{"trajectory_id": first, "session_id": write.SESSION}]
    assert [trace.info.source.files[0].lines for trace in (main, there, here)] == [5, 2, 3]
    assert [len(trace.info.malformed) for trace in (main, there, here)] == [1, 0, 0]


def test_equal_prompts_are_tied_in_order(scribe, write):
    scribe.reply(write.call("t1", "Task", prompt="look"), write.call("t2", "Task", prompt="look"))
    inline(scribe, "look", write.text("a"))
    inline(scribe, "look", write.text("b"))
    _, first, second = scribe.traces()
    assert [one.info.lineage.parent_call_id for one in (first, second)] == ["t1", "t2"]


def agent(scribe, write, name, *blocks, prompt="look", folder="", meta=None):
    """A sub-agent with a file of its own, beside its session or beneath it."""
    other = write.Scribe(scribe.path.parent / folder, f"agent-{name}.jsonl")
    other.common = {**other.common, "isSidechain": True, "agentId": name}
    other.user(prompt)
    for block in blocks:
        other.reply(block, id=f"{name}-{len(other.lines)}")
    other.path.parent.mkdir(parents=True, exist_ok=True)
    other.path.write_bytes(b"\n".join(other.lines) + b"\n")
    if meta:
        other.path.with_suffix(".meta.json").write_text(meta)


def test_an_agent_is_tied_by_the_id_in_a_result(scribe, write):
    scribe.reply(
        write.call("t1", "Task", prompt="look", subagent_type="Explore"), write.call("t2", "Task", prompt="look")
    )
    scribe.result("t2", "found", toolUseResult={"agentId": "a2"})
    agent(scribe, write, "a2", write.text("found"))
    _, child = scribe.traces()
    assert sub(child) == ("a2", write.SESSION, "t2", 1)


def test_an_agent_is_tied_by_its_meta_file(scribe, write):
    scribe.reply(write.call("t1", "Agent", prompt="look", subagent_type="general-purpose"))
    meta = '{"agentType": "Explore", "description": "Looks", "toolUseId": "t1"}'
    agent(scribe, write, "a1", write.text("x"), prompt="other", folder=f"{write.SESSION}/subagents", meta=meta)
    _, child = scribe.traces()
    assert sub(child) == ("a1", write.SESSION, "t1", 1)
    assert child.agent.extra == {"agent_type": "Explore", "description": "Looks"}
    (event,) = child.info.events
    assert (event.type, event.file, event.line_no, event.raw["toolUseId"]) == ("meta:", 1, 1, "t1")


def test_an_agent_that_was_cut_off_is_tied_by_a_progress_line(scribe, write):
    scribe.reply(write.call("t1", "Task"), write.call("t2", "Task"))
    scribe.line(type="progress", parentToolUseID="t2", data={"type": "agent_progress", "agentId": "a1"})
    agent(scribe, write, "a1", write.text("x"))
    main, child = scribe.traces()
    assert child.info.lineage.parent_call_id == "t2"
    assert main.steps[0].observation is None


def test_an_agent_of_an_agent(scribe, write):
    scribe.reply(write.call("t1", "Agent", prompt="outer"))
    below = f"{write.SESSION}/subagents"
    agent(scribe, write, "a1", write.text("x"), prompt="inner", folder=below)
    agent(scribe, write, "b1", write.call("t9", "Agent", prompt="inner"), prompt="outer", folder=below)
    _, inner, outer = scribe.traces()
    assert sub(outer) == ("b1", write.SESSION, "t1", 1)
    assert sub(inner) == ("a1", f"{write.SESSION}/b1", "t9", 2)


def test_an_agent_nobody_called_belongs_to_its_session(scribe, write):
    scribe.user("go")
    agent(scribe, write, "c0", write.text("ready"), prompt="Warmup")
    _, child = scribe.traces()
    assert sub(child) == ("c0", write.SESSION, None, 1)


def test_the_writer_of_a_summary_is_counted_and_no_trace(scribe, write):
    scribe.user("go")
    agent(scribe, write, "acompact-1", write.text("summary"), folder=f"{write.SESSION}/subagents")
    (main,) = scribe.traces()
    (event,) = main.info.events
    assert (event.type, event.raw["lines"], event.file) == ("compaction_agent", 2, 1)
    assert main.info.source.files[1].path.endswith("agent-acompact-1.jsonl")


@pytest.mark.parametrize(("name", "steps", "events"), [("a7", 2, 0), ("acompact-7", 0, 2)])
def test_a_file_that_is_nothing_but_an_agent(tmp_path, write, name, steps, events):
    other = write.Scribe(tmp_path, "copied-out.jsonl")
    other.common = {**other.common, "isSidechain": True, "agentId": name}
    other.user("look")
    other.reply(write.text("seen"))
    trace = other.trace()
    assert (len(trace.steps), len(trace.info.events)) == (steps, events)
    lineage = trace.info.lineage
    assert (trace.trajectory_id, lineage.parent_trace, lineage.relation) == (None, write.SESSION, "subagent")


def test_a_journal_beside_agents_is_kept_as_events(scribe, write):
    scribe.user("go")
    journal = scribe.path.parent / write.SESSION / "subagents" / "workflows" / "wf_1" / "journal.jsonl"
    journal.parent.mkdir(parents=True)
    journal.write_bytes(b'{"type": "started", "agentId": "x"}\nbroken\n')
    (main,) = scribe.traces()
    assert [(event.type, event.file, event.line_no) for event in main.info.events] == [("started", 1, 1)]
    assert [(bad.file, bad.line_no) for bad in main.info.malformed] == [(1, 2)]


def test_an_agent_that_copies_its_call_is_still_called_by_the_session(scribe, write):
    scribe.reply(write.call("t1", "Task", prompt="look"))
    scribe.result("t1", toolUseResult={"agentId": "a1"})
    agent(scribe, write, "a1", write.call("t1", "Task", prompt="look"), write.text("x"))
    _, child = scribe.traces()
    assert sub(child) == ("a1", write.SESSION, "t1", 1)
