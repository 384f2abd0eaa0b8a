"""Finding sessions: a projects tree, agents beside and beneath, plain folders, what is no session."""

import hashlib
import json
from pathlib import Path

import pytest

from bashgym.claude_code import files
from bashgym.errors import InputError

ONE = "11111111-2222-4333-8444-555555555555"
TWO = "99999999-2222-4333-8444-555555555555"


def put(path, *values):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(value) + "\n" for value in values))
    return str(path)


def user(session, **more):
    return {"type": "user", "sessionId": session, "message": {"role": "user", "content": "hi"}, **more}


def listed(root):
    return {ref.id: ref for ref in files.sessions(root)}


def test_a_projects_tree(tmp_path):
    main = put(tmp_path / "-w-a" / f"{ONE}.jsonl", user(ONE))
    below = put(tmp_path / "-w-a" / ONE / "subagents" / "agent-a1.jsonl", user(ONE))
    meta = put(tmp_path / "-w-a" / ONE / "subagents" / "agent-a1.meta.json", {"toolUseId": "t"})
    journal = put(tmp_path / "-w-a" / ONE / "subagents" / "workflows" / "wf_1" / "journal.jsonl", {"type": "started"})
    beside = put(tmp_path / "-w-a" / "agent-b2.jsonl", user(ONE))
    put(tmp_path / "-w-a" / ONE / "tool-results" / "big.jsonl", user("not a session"))
    put(tmp_path / "-w-b" / f"{TWO}.jsonl", user(TWO))
    refs = listed(tmp_path)
    assert set(refs) == {ONE, TWO}
    ref = refs[ONE]
    assert (ref.path, ref.source) == (main, "claude_code")
    assert sorted(ref.files) == sorted([below, meta, journal, beside])
    content = b"".join(Path(name).read_bytes() for name in (ref.path, *ref.files))
    assert (ref.size, ref.sha256) == (len(content), hashlib.sha256(content).hexdigest())


def test_a_changed_agent_changes_the_session(tmp_path):
    put(tmp_path / f"{ONE}.jsonl", user(ONE))
    put(tmp_path / "agent-b2.jsonl", user(ONE))
    before = listed(tmp_path)[ONE].sha256
    put(tmp_path / "agent-b2.jsonl", user(ONE), user(ONE))
    assert listed(tmp_path)[ONE].sha256 != before


def test_an_agent_whose_session_is_gone_stands_alone(tmp_path):
    put(tmp_path / "p" / "agent-b2.jsonl", user(ONE))
    put(tmp_path / "p" / TWO / "subagents" / "agent-c3.jsonl", user(TWO))
    meta = put(tmp_path / "p" / TWO / "subagents" / "agent-c3.meta.json", {})
    refs = listed(tmp_path)
    assert set(refs) == {"p/agent-b2", f"p/{TWO}/subagents/agent-c3"}
    assert refs[f"p/{TWO}/subagents/agent-c3"].files == (meta,)


def test_a_plain_folder_and_equal_names(tmp_path):
    put(tmp_path / "a" / "chat.jsonl", user("s"))
    put(tmp_path / "b" / "chat.jsonl", {"type": "summary", "leafUuid": "x"})
    put(tmp_path / "a" / f"{ONE}.jsonl", user(ONE))
    put(tmp_path / "b" / f"{ONE}.jsonl", user(ONE))
    assert set(listed(tmp_path)) == {"a/chat", "b/chat", ONE, f"b/{ONE}"}


def test_what_hooks_wrote_belongs_to_its_session(tmp_path, own_home):
    put(tmp_path / "p" / f"{ONE}.jsonl", user(ONE))
    put(tmp_path / "p" / "chat.jsonl", user("chat"))
    before = listed(tmp_path)
    spool = put(own_home / "spool" / "claude_code" / f"{ONE}.jsonl", {"ts": "t", "event": {}})
    put(own_home / "spool" / "claude_code" / "chat.jsonl", {"ts": "t", "event": {}})
    put(own_home / "spool" / "claude_code" / f"{TWO}.jsonl", {"ts": "t", "event": {}})
    refs = listed(tmp_path)
    assert set(refs) == set(before) and refs[ONE].files == (spool,)
    assert refs[ONE].sha256 != before[ONE].sha256 and refs["p/chat"] == before["p/chat"]


def test_the_archive_gives_back_what_was_deleted(tmp_path):
    import gzip

    projects, archive = tmp_path / "projects", tmp_path / "archive"
    main = Path(put(projects / "-w" / f"{ONE}.jsonl", user(ONE)))
    side = Path(put(projects / "-w" / ONE / "subagents" / "agent-a1.jsonl", user(ONE)))
    (whole,) = files.sessions(projects)
    for path in (main, side):
        copy = archive / f"{path.relative_to(projects)}.gz"
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(gzip.compress(path.read_bytes()))
    main.unlink()
    (half,) = files.sessions(projects, archive)
    assert half.path.endswith(f"{ONE}.jsonl.gz") and half.files == (str(side),)
    side.unlink()
    (gone,) = files.sessions(projects, archive)
    assert (half.sha256, gone.sha256, gone.id) == (whole.sha256, whole.sha256, ONE)
    assert list(files.sessions(projects)) == []


def test_one_file(tmp_path):
    main = put(tmp_path / "chat.jsonl", user("s"))
    put(tmp_path / "other.jsonl", user("s"))
    assert [ref.path for ref in files.sessions(tmp_path / "chat.jsonl")] == [main]


def test_what_others_write_is_no_session(tmp_path):
    put(tmp_path / "hooks.jsonl", {"hook_event_name": "Stop", "sessionId": "s"})
    put(tmp_path / "gemini.jsonl", {"sessionId": "s", "projectHash": "x"})
    put(tmp_path / "codex.jsonl", {"timestamp": "t", "type": "session_meta", "payload": {}})
    put(tmp_path / "notes.json", user("s"))
    assert listed(tmp_path) == {}


def test_a_file_without_a_single_readable_line_is_still_listed(tmp_path):
    (tmp_path / "torn.jsonl").write_bytes(b'{"type": "us')
    (tmp_path / f"{ONE}.jsonl").write_bytes(b"")
    assert set(listed(tmp_path)) == {"torn", ONE}


def test_a_file_that_cannot_be_read_is_an_error(tmp_path):
    (tmp_path / f"{ONE}.jsonl").mkdir()
    (tmp_path / f"{TWO}.jsonl").symlink_to(tmp_path / "nowhere")
    with pytest.raises(InputError, match=r"cannot be read .*; make it readable"):
        listed(tmp_path)
