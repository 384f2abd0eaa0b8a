"""The tree and the windows: branches, broken chains, compaction."""


def active(trace):
    return [step.text for step in trace.steps if step.info.active]


def test_rewinding_makes_a_branch(scribe, write):
    first = scribe.user("go")
    scribe.reply(write.text("bad idea"))
    scribe.user("no, otherwise", parentUuid=first)
    scribe.reply(write.text("better"), id="m2")
    trace = scribe.trace()
    assert active(trace) == ["go", "no, otherwise", "better"]
    assert [(one.leaf, one.step_ids, one.active) for one in trace.info.branches] == [
        ("u2", [1, 2], False),
        ("u4", [1, 3, 4], True),
    ]
    assert trace.steps[2].info.parent == "u1"


def test_beginning_anew_makes_a_branch(scribe, write):
    scribe.user("go")
    scribe.reply(write.text("a"))
    scribe.user("from scratch", parentUuid=None)
    scribe.reply(write.text("b"), id="m2")
    assert active(scribe.trace()) == ["from scratch", "b"]


def test_chains_run_through_lines_that_are_no_messages(scribe, write):
    scribe.user("go")
    scribe.line(type="progress", data={})
    scribe.line(type="system", subtype="turn_duration")
    scribe.reply(write.call("t1"))
    scribe.line(type="progress", data={})
    scribe.result("t1")
    scribe.line(type="attachment", attachment={"type": "date"})
    scribe.reply(write.text("done"), id="m2")
    (branch,) = scribe.trace().info.branches
    assert branch.step_ids == [1, 2, 3]


def test_parallel_results_are_no_branches(scribe, write):
    scribe.user("go")
    first = scribe.reply(write.call("t1"))
    second = scribe.reply(write.call("t2"))
    scribe.result("t2", parentUuid=second)
    scribe.result("t1", parentUuid=first)
    scribe.reply(write.text("done"), id="m2")
    (branch,) = scribe.trace().info.branches
    assert branch.step_ids == [1, 2, 3]


def test_a_parent_that_was_never_written_is_the_line_before(scribe, write):
    scribe.user("go", parentUuid="lost-before-the-file")
    scribe.reply(write.text("a"))
    scribe.user("on", parentUuid="lost-inside")
    trace = scribe.trace()
    assert active(trace) == ["go", "a", "on"]
    assert trace.steps[2].info.parent == "lost-inside"


def test_a_parent_further_down_is_found(scribe, write):
    scribe.user("go")
    scribe.reply(write.text("b"), parentUuid="u3")
    scribe.reply(write.text("a"), id="m2", parentUuid="u1", uuid="u3")
    scribe.user("end", parentUuid="u2")
    assert active(scribe.trace()) == ["go", "b", "a", "end"]


def test_a_circle_of_parents_ends(scribe, write):
    scribe.user("a", parentUuid="u2")
    scribe.user("b", parentUuid="u1")
    scribe.user("self", parentUuid="u3", uuid="u3")
    assert len(scribe.trace().steps) == 3


def test_lines_without_parents_follow_the_file(scribe, write):
    for words in ("a", "b", "c"):
        scribe.user(words, parentUuid=None)
    assert active(scribe.trace()) == ["a", "b", "c"]


def test_steps_follow_the_file_when_clocks_run_backwards(scribe, write):
    scribe.user("late", timestamp="2026-01-02T00:00:00Z")
    scribe.reply(write.text("early"), timestamp="2026-01-01T00:00:00Z")
    steps = scribe.trace().steps
    assert [step.text for step in steps] == ["late", "early"]
    assert steps[0].timestamp > steps[1].timestamp


def test_a_session_without_lines_is_an_empty_trace(scribe):
    trace = scribe.trace(end=b"")
    assert (trace.steps, trace.info.branches, trace.info.context_windows) == ([], [], [])


def test_compaction_begins_a_window(scribe, write):
    scribe.user("go")
    last = scribe.reply(write.text("a"))
    boundary = {"subtype": "compact_boundary", "parentUuid": None, "logicalParentUuid": last}
    scribe.line(type="system", compactMetadata={"trigger": "manual"}, **boundary)
    scribe.user("Summary", isCompactSummary=True)
    scribe.reply(write.text("b"), id="m2")
    trace = scribe.trace()
    assert [(w.first_step, w.last_step, w.reason, w.summary_step) for w in trace.info.context_windows] == [
        (1, 2, "start", None),
        (3, 4, "compact_manual", 3),
    ]
    assert active(trace) == ["go", "a", "Summary", "b"]


def test_windows_cover_every_step_once(scribe, write):
    scribe.line(type="system", subtype="compact_boundary", compactMetadata={"trigger": "auto"})
    scribe.user("Summary", isCompactSummary=True)
    scribe.reply(write.text("a"))
    scribe.line(type="system", subtype="microcompact_boundary")
    scribe.reply(write.text("b"), id="m2")
    scribe.user("unmarked summary", isCompactSummary=True)
    scribe.reply(write.text("c"), id="m3")
    scribe.line(type="system", subtype="compact_boundary")
    windows = scribe.trace().info.context_windows
    assert [(w.first_step, w.last_step, w.reason, w.summary_step) for w in windows] == [
        (1, 2, "compact_auto", 1),
        (3, 3, "micro", None),
        (4, 5, "compact_auto", 4),
    ]


def test_compaction_follows_its_logical_parent(scribe, write):
    first = scribe.user("go")
    other = scribe.user("otherwise", parentUuid=first)
    scribe.reply(write.text("late and abandoned"), parentUuid=first)
    scribe.line(type="system", subtype="compact_boundary", parentUuid=None, logicalParentUuid=other)
    scribe.user("Summary", isCompactSummary=True)
    assert active(scribe.trace()) == ["go", "otherwise", "Summary"]
