"""bashgym collect: every reply once, nothing opened that has not changed, every figure with what it rests on."""

import importlib.util
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bashgym.history import agents, census, collect
from bashgym.reading import remembered

spec = importlib.util.spec_from_file_location("history_past", Path(__file__).parent / "conftest.py")
told_by = importlib.util.module_from_spec(spec)
spec.loader.exec_module(told_by)
ONE, TWO, THREE, text, usage, age = (getattr(told_by, n) for n in ("ONE", "TWO", "THREE", "text", "usage", "age"))

TOKENS = ("input_tokens", "output_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")
ROOT = Path(__file__).resolve().parents[2]
watched: list[str] = []
asked = {"place": ""}


def watch(event: str, arguments: tuple) -> None:
    if event == "open" and asked["place"] and str(arguments[0]).startswith(asked["place"]):
        watched.append(str(arguments[0]))


sys.addaudithook(watch)


def tokens(told: dict) -> tuple[int, ...]:
    return tuple(told[name] for name in TOKENS)


def simple(past, session: str, ids: tuple[str, ...], cwd: str = "/w/one", at: str = "2026-10-03T10:00") -> Path:
    past.cwd, past.at = cwd, at
    past.says("do it")
    for id in ids:
        past.reply(id, text("done"))
    return past.save(session, cwd.replace("/", "-"))


def test_totals_by_month_repository_and_source(past, told):
    simple(past, ONE, ("a", "b"))
    simple(past, TWO, ("c",), "/w/two", "2026-11-01T08:00")
    found = told("collect")
    assert tokens(found) == (30, 15, 300, 60)
    assert (found["sessions"], found["repositories"], found["replies"], found["turns"]) == (2, 2, 3, 2)
    assert [(one["month"], one["sessions"], tokens(one)) for one in found["by_month"]] == [
        ("2026-10", 1, (20, 10, 200, 40)),
        ("2026-11", 1, (10, 5, 100, 20)),
    ]
    assert [(one["repo"], tokens(one)) for one in found["by_repo"]] == [
        ("/w/one", (20, 10, 200, 40)),
        ("/w/two", (10, 5, 100, 20)),
    ]
    assert [(one["source"], one["agent"], tokens(one)) for one in found["by_source"]] == [
        ("claude_code", "Claude Code", (30, 15, 300, 60))
    ]
    assert (found["first"], found["last"]) == ("2026-10-03T10:00:01.000Z", "2026-11-01T08:00:02.000Z")


def test_cost_is_that_of_the_table_and_missing_for_an_unknown_model(past, told):
    past.says("x").reply("a", text("y"), tokens=usage(100_000, 10_000, 0, 0)).save(ONE)
    found = told("collect")
    assert found["cost"] == {"usd": 0.45, "evidence": "estimated", "unpriced_replies": {}}
    past.says("x").reply("b", text("y"), model="llama-of-mine").save(TWO)
    found = told("collect")
    assert found["cost"]["usd"] == 0.45 and found["cost"]["unpriced_replies"] == {"llama-of-mine": 1}
    past.projects.joinpath("-w-one", f"{ONE}.jsonl").unlink()
    assert told("collect")["cost"] == {"usd": None, "evidence": "missing", "unpriced_replies": {"llama-of-mine": 1}}


def test_forks_and_resumes_count_once(past, told):
    """A resume of 1.0 copies replies under new uuids and without request ids, a fork of 2.1 under the same uuids; a
    copy that was taken before the reply was whole has fewer tokens."""
    past.says("do it").reply("a", text("one"), tokens=usage(output=7)).reply("b", text("two")).save(ONE)
    past.at = "2026-10-05T09:00"
    past.says("do it").reply("a", text("one"), tokens=usage(output=2))
    past.lines[-1].pop("requestId")
    past.reply("b", text("two"), tokens=usage(output=9)).reply("c", text("three")).save(TWO)
    found = told("collect")
    assert tokens(found) == (30, 7 + 9 + 5, 300, 60)
    assert (found["replies"], found["copied_replies"], found["sessions"]) == (3, 2, 2)
    rows = told("traces", "list")
    assert {one["id"]: one["output_tokens"] for one in rows} == {ONE: 12, TWO: 16}, "a session's own tokens are whole"


def test_one_message_id_in_two_requests_is_two_replies(past, told):
    past.says("x").reply("a", text("1")).save(ONE)
    past.says("x").reply("a", text("2"))
    past.lines[-1]["requestId"] = "another"
    past.save(TWO)
    assert (told("collect")["replies"], tokens(told("collect"))[0]) == (2, 20)


def test_an_example_of_copies_alone_is_no_example(past, told):
    simple(past, ONE, ("a",))
    simple(past, TWO, ("a",), at="2026-10-04T10:00")
    simple(past, THREE, ("a", "b"), at="2026-10-05T10:00")
    assert told("collect")["would_give"]["examples_of_all_classes"] == 2


def test_failures_rejections_and_the_pairs_they_give(past, told):
    past.says("edit it")
    past.calls("a", "t1", "Edit", {"file_path": "/w/a.py", "old_string": "x", "new_string": "y"})
    past.result("t1", "String to replace not found", failed=True)
    past.calls("b", "t2", "Edit", {"file_path": "/w/a.py", "old_string": "z", "new_string": "y"}).result("t2", "done")
    past.calls("c", "t3", "Bash", {"command": "rm -r build"})
    past.result(
        "t3",
        "The user doesn't want to proceed",
        True,
        toolUseResult="User rejected tool use",
        toolDenialKind="user-rejected",
    )
    past.calls("d", "t4", "Bash", {"command": "rm -r out"}).result("t4", "")
    past.calls("e", "t5", "Read", {"file_path": "/w/b.py"}).result("t5", "File does not exist.", failed=True)
    past.line("user", {"role": "user", "content": [text("[Request interrupted by user]")]})
    past.save(ONE)
    found = told("collect")
    assert found["failures"] == {"tool_errors": 2, "rejections": 1, "interrupts": 1}
    assert found["would_give"]["preference_pairs"] == 2, "the edit that was mended, the command that was put otherwise"


def test_the_same_call_again_is_no_correction(past, told):
    past.says("x").calls("a", "t1", "Bash", {"command": "curl x"}).result("t1", "timeout", failed=True)
    past.calls("b", "t2", "Bash", {"command": "curl x"}).result("t2", "ok").save(ONE)
    assert told("collect")["would_give"]["preference_pairs"] == 0


def test_likely_gold(past, told):
    past.says("mend it")
    past.calls("a", "t1", "Edit", {"file_path": "/w/a.py", "old_string": "x = 1", "new_string": "x = 2"}).result(
        "t1", "ok"
    )
    past.calls("b", "t2", "Bash", {"command": "pytest -q"}).result(
        "t2", "3 passed in 0.10s", toolUseResult={"stdout": "3 passed in 0.10s"}
    )
    past.reply("c", text("All tests pass.")).save(ONE)
    simple(past, TWO, ("d",))
    found = told("collect")
    assert found["verdicts"] == {"gold": 1, "silver": 0, "unverified": 1, "failed": 0}
    assert (found["would_give"]["examples"], found["would_give"]["examples_of_all_classes"]) == (1, 2)
    assert found["evidence"]["verdicts"] == found["evidence"]["would_give"] == "estimated"
    assert [one["id"] for one in told("traces", "list", "--verdict", "gold")] == [ONE]


def test_sub_agents_are_counted_apart(past, told):
    past.says("go").calls("a", "t1", "Task", {"prompt": "look", "subagent_type": "Explore"})
    past.result("t1", "found it", toolUseResult={"agentId": "a1b2c3d", "content": []}).reply("b", text("ok"))
    past.save(ONE)
    past.says("look", isSidechain=True, agentId="a1b2c3d").reply("c", text("it"), isSidechain=True, agentId="a1b2c3d")
    past.save(ONE, under=f"{ONE}/subagents/agent-a1b2c3d.jsonl")
    found = told("collect")
    assert (found["sessions"], found["sub_agents"], found["turns"], found["replies"]) == (1, 1, 1, 3)
    assert tokens(found)[0] == 30


def test_nothing_found_says_where_it_looked_and_what_to_do(past, printed, told):
    past.projects.rmdir()
    said = printed("collect")
    assert (
        "No history" in said and str(past.projects).split("/")[-1] in said and "bashgym run recipe=quickstart" in said
    )
    assert told("collect")["sessions"] == 0 and "Claude Code" in told("collect")["absent"]


def test_an_unreadable_file_is_counted_and_the_others_are_read(past, told, printed):
    simple(past, ONE, ("a",))
    (past.projects / "-w-one" / f"{THREE}.jsonl").symlink_to(past.projects / "nowhere")
    found = told("collect")
    assert found["sessions"] == 1 and len(found["not_read"]["unreadable"]) == 1
    assert "could not be read" in printed("collect")


def test_malformed_lines_are_counted(past, told, printed):
    path = simple(past, ONE, ("a",))
    path.write_bytes(path.read_bytes() + b'{"type": "assis\n[1, 2]\n')
    assert told("collect")["not_read"]["malformed_lines"] == 2
    assert "2 malformed lines" in printed("collect")


def test_a_fault_in_one_session_is_named_without_its_words(past, told, monkeypatch):
    simple(past, ONE, ("a",))
    simple(past, TWO, ("b",), "/w/secret-words")

    def broken(trace):
        if trace.info.project.cwd == "/w/secret-words":
            raise KeyError("secret words of the session")
        return real(trace)

    real = census.judged
    monkeypatch.setattr(census, "judged", broken)
    found = told("collect")
    (reason,) = found["not_read"]["unreadable"]
    assert found["sessions"] == 1
    assert "KeyError at test_collect.py" in reason and "secret words of" not in reason


def test_what_is_left_out_is_counted_and_not_read(past, told, tmp_path):
    kept_out = tmp_path / "private"
    kept_out.mkdir()
    (kept_out / ".bashgymignore").touch()
    simple(past, ONE, ("a",), str(kept_out))
    simple(past, TWO, ("b",))
    found = told("collect")
    assert (found["sessions"], sum(found["not_read"]["left_out"].values())) == (1, 1)
    assert str(kept_out) not in json.dumps(found["by_repo"])


@pytest.mark.usefixtures("trusting")
def test_unchanged_history_is_not_opened(past, told):
    for number in range(20):
        past.says("go").reply(f"m{number}", text("x"))
        past.save(f"{number:08}-2222-4333-8444-555555555555", f"-w-{number % 3}")
    past.says("side").reply("s", text("y")).save("named by its lines", under="agent-abc1234.jsonl")
    past.says("chat").reply("t", text("z")).save("x", under="a chat.jsonl")
    first = told("collect")
    asked["place"] = str(past.projects)
    watched.clear()
    try:
        second = told("collect")
    finally:
        asked["place"] = ""
    assert watched == []
    assert (first["opened"], second["opened"]) == (22, 0)
    assert {**first, "opened": 0, "seconds": 0} == {**second, "opened": 0, "seconds": 0}


@pytest.mark.usefixtures("trusting")
def test_only_what_changed_is_read_again(past, told):
    path = simple(past, ONE, ("a",))
    simple(past, TWO, ("b",))
    told("collect")
    with path.open("a") as file:
        past.reply("c", text("more"))
        file.write(json.dumps({**past.lines[0], "sessionId": ONE}) + "\n")
    found = told("collect")
    assert (found["opened"], found["replies"]) == (1, 3)


@pytest.mark.usefixtures("trusting")
def test_the_cache_holds_no_words(past, told, own_home):
    past.says("the quick brown fox").reply("a", text("jumps over the lazy dog"), text("sk-live-1234"))
    past.save(ONE)
    told("collect")
    content = b"".join(path.read_bytes() for path in (own_home / "cache").iterdir())
    assert b"msgpack" not in content and len(content) > 1000
    for words in (b"quick", b"lazy", b"sk-live", b"msg_", str(past.projects).encode()):
        assert words not in content
    assert all(path.stat().st_mode & 0o077 == 0 for path in (own_home / "cache").iterdir())


def test_a_damaged_cache_is_made_anew(past, told, own_home):
    simple(past, ONE, ("a",))
    told("collect")
    remembered.opened.cache_clear()
    for path in (own_home / "cache").iterdir():
        path.write_bytes(b"no database at all, but long enough to be taken for one" * 100)
    assert told("collect")["sessions"] == 1
    assert told("collect")["sessions"] == 1


def test_what_retention_deletes_soon(past, told, printed, own_home):
    now = time.time()
    old, archived, fresh = (simple(past, name, (name[:1],)) for name in (ONE, TWO, THREE))
    age(old, 25, now)
    age(archived, 26, now)
    copy = own_home / "archive" / "claude_code" / "-w-one" / f"{TWO}.jsonl.gz"
    copy.parent.mkdir(parents=True)
    copy.write_bytes(b"")
    (row,) = told("collect")["retention"]
    assert (row["days"], row["sessions"], row["bytes"], row["archived"]) == (30, 1, old.stat().st_size, 1)
    assert row["first"].startswith(time.strftime("%Y-%m-%d", time.gmtime(now + 5 * 86_400)))
    assert "deletes sessions after 30 days: 1 session" in printed("collect")
    (past.home / "settings.json").write_text('{"cleanupPeriodDays": 365}')
    assert told("collect")["retention"][0]["sessions"] == 0
    (past.home / "settings.json").write_text('{"cleanupPeriodDays": "soon"}')
    (row,) = told("collect")["retention"]
    assert (row["days"], row["evidence"]) == (None, "missing") and "cleanupPeriodDays" in row["note"]
    assert fresh.exists()


def test_sessions_that_only_the_archive_has(past, told, own_home):
    import gzip

    path = simple(past, ONE, ("a", "b"))
    side = (
        past.says("side", isSidechain=True, agentId="a1b2c3d")
        .reply("c", text("x"), isSidechain=True)
        .save(ONE, under=f"{ONE}/subagents/agent-a1b2c3d.jsonl")
    )
    before = told("collect")
    for file in (path, side):
        copy = own_home / "archive" / "claude_code" / f"{file.relative_to(past.projects)}.gz"
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(gzip.compress(file.read_bytes()))
    assert told("collect")["replies"] == 3, "what is in both places counts once"
    side.unlink()
    path.unlink()
    after = told("collect")
    changing = ("seconds", "opened", "retention")
    assert {k: v for k, v in after.items() if k not in changing} == {
        k: v for k, v in before.items() if k not in changing
    }


def test_plugins_of_the_folder_one_stands_in_are_not_run(past, told, tmp_path):
    simple(past, ONE, ("a",))
    evil = Path.cwd() / "plugins" / "source"
    evil.mkdir(parents=True)
    body = "from pathlib import Path\nPath('ran').touch()\nclass Source:\n    agent = 'Evil'\n"
    (evil / "evil.py").write_text(body)
    (evil / "claude_code.py").write_text(body)
    assert told("collect")["sessions"] == 1
    assert not Path("ran").exists()


def test_sources_of_packs_are_asked(past, told, tmp_path, monkeypatch):
    pack = tmp_path / "pack" / "plugins" / "source"
    pack.mkdir(parents=True)
    (pack / "ours.py").write_text(
        '"""Ours."""\nfrom bashgym import config\nfrom bashgym.errors import InputError\n\n\nclass Source:\n'
        '    agent: str = "Our agent"\n\n    class Config(config.Config):\n        pass\n\n'
        "    def __init__(self, config):\n        pass\n\n    def list(self):\n"
        '        raise InputError("our folder is not there")\n\n    def read(self, ref):\n        return []\n'
    )
    monkeypatch.setenv("BASHGYM_PACKS", str(tmp_path / "pack"))
    assert told("collect")["absent"]["Our agent"] == "our folder is not there"


def test_an_unknown_source_is_an_error(past, printed):
    assert "did you mean 'claude_code'" in printed("collect", "--source", "claude_cod", code=2)


def test_repositories_of_subfolders_and_worktrees(tmp_path):
    repo, linked = tmp_path / "repo", tmp_path / "linked"
    (repo / ".git" / "worktrees" / "linked").mkdir(parents=True)
    (repo / "src" / "deep").mkdir(parents=True)
    linked.mkdir()
    (linked / ".git").write_text(f"gitdir: {repo}/.git/worktrees/linked\n")
    assert {collect.repo_of(str(one)) for one in (repo, repo / "src" / "deep", linked)} == {str(repo)}
    assert collect.repo_of("/gone/away") == "/gone/away" and collect.repo_of("") == ""


def test_agents_are_known_without_running_them(tmp_path):
    file = tmp_path / "x.py"
    for body, name in (
        ("class Source:\n    agent = 'X'", "X"),
        ("class Source:\n    agent: str = 'X'", "X"),
        ("class Other:\n    agent = 'X'", None),
        ("class Source:\n    agent = 3", None),
        ("class Source(:\n  agent", None),
    ):
        file.write_text(body)
        assert agents.agent_of(file) == name


def test_samples_equal_an_independent_count(past, told, samples):
    """Every assistant line of every file of real sessions, read with `json` alone: a reply is its message id and
    request id (a copy may have lost the latter), its tokens the largest of each kind."""
    import shutil

    for name in (
        "claude-code-entire",
        "claude-code-spotter",
        "claude-code-happy",
        "claude-code-viewer",
        "rig-claude-code",
    ):
        shutil.copytree(samples / name, past.projects / name, ignore=shutil.ignore_patterns("stream-json*", "*hook*"))
    replies: dict[str, list[tuple[str | None, dict[str, int]]]] = {}
    for path in sorted(past.projects.rglob("*.jsonl")):
        for raw in path.read_bytes().split(b"\n"):
            try:
                value = json.loads(raw)
                message = value["message"]
                used = message["usage"]
            except (ValueError, KeyError, TypeError):
                continue
            if value["type"] != "assistant" or not isinstance(used, dict):
                continue
            same = replies.setdefault(message.get("id") or value["uuid"], [])
            asked_by = value.get("requestId")
            known = next((one for by, one in same if by == asked_by or None in (by, asked_by)), None)
            if known is None:
                same.append((asked_by, known := dict.fromkeys(TOKENS, 0)))
            for field in TOKENS:
                known[field] = max(known[field], used.get(field) or 0)
    counted = tuple(sum(one[field] for same in replies.values() for _, one in same) for field in TOKENS)
    assert tokens(told("collect")) == counted


def test_over_processes_gives_the_same(past, told, monkeypatch):
    from bashgym.history import reading

    for number in range(6):
        past.says("go").reply(f"m{number}", text("x")).save(f"{number:08}-2222-4333-8444-555555555555")
    alone = told("collect")
    remembered.clear()
    monkeypatch.setattr(reading, "FEW", 0)
    monkeypatch.setattr(reading, "cores", lambda: 2)
    together = told("collect")
    assert together["opened"] == 6
    assert {**alone, "seconds": 0} == {**together, "seconds": 0}


def test_as_a_user_runs_it(past):
    """`python -m bashgym collect`, in a folder with nothing of ours, with a terminal of 80 columns."""
    simple(past, ONE, ("a",))
    env = {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "80"}
    done = subprocess.run(
        [sys.executable, "-m", "bashgym", "collect"], env=env, capture_output=True, text=True, check=True
    )
    assert "Your history with Claude Code" in done.stdout and "measured" in done.stdout and "estimated" in done.stdout
    assert max(map(len, done.stdout.split("\n"))) < 400
