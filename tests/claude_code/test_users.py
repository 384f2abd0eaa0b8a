"""User lines: who speaks, what came back from tools, who forbade what, and how a session ended."""

import pytest

REJECTED = "The user doesn't want to proceed with this tool use. The tool use was rejected."


@pytest.mark.parametrize(
    ("content", "more", "kind"),
    [
        ("fix the bug", {}, "human"),
        ([{"type": "text", "text": "fix"}, {"type": "text", "text": "it"}], {}, "human"),
        ("This session is continued ...", {"isCompactSummary": True}, "compact_summary"),
        ([{"type": "text", "text": "[Request interrupted by user for tool use]"}], {}, "interrupt"),
        ("<task-notification>\n<task-id>a", {}, "task_notification"),
        ("done", {"origin": {"kind": "task-notification"}}, "task_notification"),
        ("Stop hook feedback:\n[x]: go on", {"isMeta": True}, "hook_feedback"),
        ("<bash-input>ls</bash-input>", {}, "bash"),
        ("<bash-stdout>a</bash-stdout>", {}, "bash"),
        ("<command-message>init</command-message>", {}, "command"),
        ("<local-command-stdout>Bye!</local-command-stdout>", {}, "command"),
        ("<local-command-caveat>Caveat: ...", {"isMeta": True}, "command"),
        ("Base directory for this skill: /x", {"isMeta": True}, "meta"),
    ],
)
def test_who_speaks(scribe, content, more, kind):
    scribe.user(content, permissionMode="plan", promptSource="typed", **more)
    (step,) = scribe.trace().steps
    assert (step.info.kind, step.source, step.info.permission_mode) == (kind, "user", "plan")


def test_words_typed_while_the_model_works_are_a_step(scribe):
    scribe.line(type="attachment", attachment={"type": "queued_command", "prompt": "also the tests"})
    scribe.line(type="attachment", attachment={"type": "queued_command", "prompt": "<task-notification>x"})
    scribe.line(type="attachment", attachment={"type": "date", "date": "2026-11-21"})
    trace = scribe.trace()
    assert [(step.info.kind, step.info.origin) for step in trace.steps] == [
        ("human", "queued"),
        ("task_notification", "queued"),
    ]
    assert len(trace.info.events) == 1


def test_a_result_goes_to_its_call(scribe, write):
    scribe.reply(write.call("t1", command="false"), write.call("t2"))
    raw = {"stdout": "", "durationMs": 31}
    scribe.result("t2", "fine", toolUseResult=raw)
    scribe.result("t1", "Exit code 3\noops", failed=True, toolUseResult="Error: Exit code 3\noops")
    (step,) = scribe.trace().steps
    second, first = step.observation.results
    assert (first.source_call_id, first.content) == ("t1", "Exit code 3\noops")
    info = first.extra.bashgym
    assert (info.is_error, info.exit_code, info.raw) == (True, 3, "Error: Exit code 3\noops")
    assert (info.line_no, info.uuid, info.ts) == (3, "u3", "2026-01-01T00:00:03Z")
    assert (second.extra.bashgym.raw, second.extra.bashgym.exit_code) == (raw, None)
    assert step.tool_calls[1].extra.bashgym.duration_ms == 31


def test_words_beside_a_result_are_a_step_of_their_own(scribe, write):
    scribe.reply(write.call("t1"))
    scribe.user([{"type": "tool_result", "tool_use_id": "t1", "content": "ok"}, write.text("and the tests?")])
    scribe.reply(write.text("sure"), id="m2")
    trace = scribe.trace()
    assert [step.text for step in trace.steps] == ["", "and the tests?", "sure"]
    assert (trace.steps[1].info.line_nos, trace.steps[1].info.uuids) == ([], ["u2"])
    assert trace.info.branches[0].step_ids == [1, 2, 3]


def test_several_results_in_one_line_account_for_it_once(scribe, write):
    scribe.reply(write.call("t1"), write.call("t2"))
    scribe.user([{"type": "tool_result", "tool_use_id": one, "content": one} for one in ("t1", "t2")])
    (step,) = scribe.trace().steps
    assert [result.extra.bashgym.line_no for result in step.observation.results] == [2, None]


def test_a_result_without_a_call_is_a_system_step(scribe):
    scribe.result("lost", "text")
    scribe.user([{"type": "tool_result", "content": [{"type": "text", "text": "x"}]}])
    trace = scribe.trace()
    assert [(step.source, step.info.kind) for step in trace.steps] == [("system", "tool_result")] * 2
    assert trace.steps[0].info.foreign == {"tool_use_id": "lost"}
    assert trace.steps[0].observation.results[0].source_call_id is None
    assert trace.steps[0].observation.results[0].content == "text"


def test_words_beside_a_lost_result_follow_it(scribe, write):
    scribe.user([{"type": "tool_result", "tool_use_id": "lost", "content": "x"}, write.text("go on")])
    scribe.reply(write.text("sure"))
    trace = scribe.trace()
    assert [step.info.kind for step in trace.steps] == ["tool_result", "human", "agent"]
    assert [branch.step_ids for branch in trace.info.branches] == [[1, 2, 3]]


def test_a_result_before_its_call_finds_it(scribe, write):
    scribe.user("go")
    scribe.result("t1", "early")
    scribe.reply(write.call("t1"))
    trace = scribe.trace()
    assert [step.source for step in trace.steps] == ["user", "agent"]
    assert trace.steps[1].observation.results[0].content == "early"


def test_a_call_without_a_result_survives(scribe, write):
    scribe.reply(write.call("t1"))
    trace = scribe.trace()
    assert trace.steps[0].observation is None
    assert trace.info.outcome.ended == "unknown"


@pytest.mark.parametrize(
    ("content", "more", "denied"),
    [
        (REJECTED, {}, "user"),
        ("The user doesn't want to take this action right now. STOP", {}, "user"),
        ("Permission prompt was aborted.", {}, "user"),
        ("anything", {"toolDenialKind": "user-rejected"}, "user"),
        (
            "Permission to use Bash with command rm -rf / has been denied.",
            {"toolDenialKind": "permission-rule"},
            "rule",
        ),
        ("Permission to use Bash has been denied.", {}, "rule"),
        ("Claude requested permissions to write to /x, but you haven't granted it yet.", {}, "rule"),
        ("PreToolUse:Bash hook error: [h.py]: blocked", {"toolDenialKind": "permission-rule"}, "hook"),
        ("PreToolUse:Bash hook error: [h.py]: blocked", {}, "hook"),
        ("x", {"toolDenialKind": "permission-rule", "permissionDecision": {"reasonType": "classifier"}}, "classifier"),
        ("Exit code 1\n(eval):1: permission denied:", {}, None),
    ],
)
def test_who_forbade_a_call(scribe, write, content, more, denied):
    scribe.reply(write.call("t1"))
    scribe.result("t1", content, failed=True, **more)
    trace = scribe.trace()
    assert trace.steps[0].tool_calls[0].extra.bashgym.denied == denied
    outcome = trace.info.outcome
    assert (outcome.rejections, outcome.tool_errors) == ((1, 0) if denied == "user" else (0, 1))


def test_a_result_that_only_quotes_a_rejection_is_none(scribe, write):
    scribe.reply(write.call("t1"))
    scribe.result("t1", REJECTED, failed=False)
    assert scribe.trace().steps[0].tool_calls[0].extra.bashgym.denied is None


def test_a_spilled_result_is_known_as_truncated(scribe, write):
    scribe.reply(write.call("t1"), write.call("t2"))
    scribe.result("t1", "<persisted-output>\nOutput too large")
    scribe.result("t2", "x", toolUseResult={"truncated": False})
    results = scribe.trace().steps[0].observation.results
    assert [result.extra.bashgym.truncated for result in results] == [True, False]


def completed(scribe, write):
    scribe.reply(write.text("Done."), stop="end_turn")
    scribe.user("<command-name>/exit</command-name>")
    scribe.reply(write.text("No response requested."), id="s", model="<synthetic>")


def interrupted(scribe, write):
    scribe.reply(write.text("Let me"))
    scribe.user([write.text("[Request interrupted by user]")])


def failed(scribe, write):
    scribe.reply(write.text("API Error"), model="<synthetic>", isApiErrorMessage=True)


def unanswered(scribe, write):
    scribe.reply(write.text("Done."))
    scribe.user("thanks, now this")


def stopped_after_a_call(scribe, write):
    scribe.reply(write.call("t1"))
    scribe.result("t1")


def cut_by_length(scribe, write):
    scribe.reply(write.text("and so"), stop="max_tokens")


@pytest.mark.parametrize(
    ("session", "ending"),
    [
        (completed, "completed"),
        (interrupted, "interrupted"),
        (failed, "error"),
        (unanswered, "unknown"),
        (stopped_after_a_call, "unknown"),
        (cut_by_length, "unknown"),
    ],
)
def test_how_a_session_ended(scribe, write, session, ending):
    scribe.user("go")
    session(scribe, write)
    trace = scribe.trace()
    assert trace.info.outcome.ended == ending
    assert trace.info.outcome.interrupts == (session is interrupted)


def test_who_worked_where(scribe, write):
    scribe.user("go", gitBranch="main", entrypoint="cli")
    scribe.reply(write.text("a"), model="claude-a", version="2.1.40")
    scribe.reply(write.text("b"), model="claude-b", id="m2")
    state = {"worktreePath": "/w/tree"}
    scribe.line(type="worktree-state", worktreeSession=state, uuid=None, cwd="/elsewhere", gitBranch="topic")
    scribe.reply(write.text("c"), model="claude-b", id="m3", version="2.1.41")
    trace = scribe.trace()
    assert (trace.agent.name, trace.agent.version, trace.agent.model_name) == ("claude-code", "2.1.41", "claude-b")
    project = trace.info.project
    assert (project.cwd, project.git_branch, project.worktree) == ("/w/proj", "topic", "/w/tree")
    assert (trace.info.source.kind, trace.info.source.entrypoint) == ("claude_code", "cli")
    assert trace.session_id == write.SESSION
