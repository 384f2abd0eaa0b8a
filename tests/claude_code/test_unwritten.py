"""Sessions of which only hooks told: by hand, and with what real clients told, beside the files that they wrote."""

import shutil
from collections import Counter

import pytest

from bashgym import jsonl, paths
from bashgym.claude_code import files, session, unwritten
from bashgym.reading import excluded
from bashgym.trace import from_builtins, to_builtins
from tests.claude_code.test_hooks import Spool, played


def alone(tmp_path):
    """What the user's own history gives where no session was written."""
    projects, archive = tmp_path / "projects", tmp_path / "archive"
    return {ref.id: (ref, session.read(ref)) for ref in files.sessions(projects, archive)}


def calls_of(traces):
    return {
        call.tool_call_id: (call, step.results().get(call.tool_call_id))
        for trace in traces
        for step in trace.steps
        for call in step.tool_calls or ()
    }


def test_a_session_of_events_alone(tmp_path, write):
    spool = Spool(write.SESSION)
    spool.event("SessionStart", cwd="/w/proj", model="claude-x", source="startup")
    for _ in range(2):  # a hook that is registered twice
        spool.event("UserPromptSubmit", 1, prompt="mend it")
    call = {"tool_name": "Bash", "tool_input": {"command": "make"}}
    spool.event("PreToolUse", 2, **call, tool_use_id="t1")
    spool.event("PreToolUse", 2, **call, tool_use_id="t2")
    printed = {"stdout": "fine", "stderr": "slow"}
    for _ in range(2):
        spool.event("PostToolUse", 3, **call, tool_use_id="t1", tool_response=printed, duration_ms=12)
    spool.event("PostToolUseFailure", 4, **call, tool_use_id="t2", error="Exit code 1")
    spool.event("PreToolUse", 5, tool_name="Read", tool_input={"file_path": "a"}, tool_use_id="t3")
    spool.event("PreToolUse", 6, tool_name="Glob", tool_input={}, tool_use_id="t4", agent_id="a1")
    spool.event("SubagentStop", 7, agent_id="a1", agent_type="Explore", last_assistant_message="seen")
    spool.event("PostToolUse", 8, tool_use_id="lost", tool_response=[{"type": "text", "text": "late"}])
    spool.event("Stop", 9, last_assistant_message="done")
    spool.event("SessionEnd", 9, reason="logout")
    ref, (main, agent) = alone(tmp_path)[write.SESSION]
    write.accounted(ref, [main, agent])
    assert [(step.source, step.text) for step in main.steps] == [
        ("user", "mend it"), ("agent", ""), ("agent", ""), ("system", ""), ("agent", "done"),
    ]  # fmt: skip
    assert [[call.tool_call_id for call in step.tool_calls or ()] for step in main.steps] == [
        [], ["t1", "t2"], ["t3"], [], [],
    ]  # fmt: skip
    (good, said), (bad, failed) = (calls_of([main])[name] for name in ("t1", "t2"))
    assert said.content == "fine\nslow" and said.extra.bashgym.raw == printed and good.extra.bashgym.duration_ms == 12
    assert failed.extra.bashgym.is_error and bad.extra.bashgym.error == "Exit code 1"
    info = main.info
    assert (info.source.captured_by, info.usage_reliable, info.project.cwd) == ("hook", False, "/w/proj")
    assert info.foreign["missing"] == list(unwritten.MISSING) and "Missing: words" in main.notes
    assert (info.outcome.tool_errors, info.outcome.end_reason, info.outcome.ended) == (1, "logout", "completed")
    assert agent.agent.extra == {"agent_type": "Explore"} and agent.info.lineage.parent_trace == write.SESSION
    assert [step.text for step in agent.steps] == ["", "seen"]
    assert [from_builtins(to_builtins(one)) for one in (main, agent)] == [main, agent]


def test_what_was_written_excluded_or_is_elsewhere(tmp_path, scribe, write, own_home):
    """A session's file is enough; a rule about its folder holds; another folder's sessions come without spools."""
    spool = Spool(write.SESSION)
    spool.event("UserPromptSubmit", prompt="hi", cwd="/w/private")
    assert list(files.sessions(tmp_path / "other")) == []
    (ref,) = files.sessions(tmp_path / "other", tmp_path / "archive")
    assert ref.path == str(spool.path) and files.folders(ref) == ["/w/private"]
    (paths.home() / "exclude").write_text("/w/private\n")
    assert list(excluded.kept([ref], Counter(), files.folders)) == []
    scribe.user("hi")
    scribe.trace()
    (ref,) = files.sessions(scribe.path.parent, tmp_path / "archive")
    assert (ref.path, ref.files) == (str(scribe.path), (str(spool.path),))


@pytest.mark.parametrize("name", ["1.0.128-a10128", "2.1.100-a21100", "2.1.329-a329"])
def test_what_real_clients_told(samples, tmp_path, write, name):
    """Every call that the session's own file has, with its name, arguments and result, and every prompt."""
    written = played(samples, tmp_path, name)
    shutil.rmtree(tmp_path / name)
    heard = 0
    for name, (ref, traces) in alone(tmp_path).items():
        write.accounted(ref, traces)
        theirs = calls_of(written[name][1])
        named = {
            (call.function_name, jsonl.dumps(call.arguments)): both for both in theirs.values() for call in both[:1]
        }
        for call_id, (call, result) in calls_of(traces).items():
            other, answer = theirs.get(call_id) or named[call.function_name, jsonl.dumps(call.arguments)]
            assert (call.function_name, call.arguments) == (other.function_name, other.arguments)
            if result is not None and answer is not None:
                assert result.extra.bashgym.is_error == answer.extra.bashgym.is_error
        prompts = [step.text for step in traces[0].steps if step.info.kind == "human"]
        own = [step.text for step in written[name][1][0].steps if step.info.kind == "human"]
        assert set(prompts) <= set(own)
        heard += len(prompts)
    assert heard
