"""The example sessions: made by their generator, shaped like the client's, whole in themselves."""

import ast
import json
import re
import subprocess
import sys
import tomllib
from collections import Counter, defaultdict
from pathlib import Path

import pytest
import yaml

EXAMPLES = Path(__file__).parents[2] / "examples"
PROJECTS = EXAMPLES / "projects"
PLOTS = json.loads((EXAMPLES / "sessions.json").read_text())
PLANTED = json.loads((EXAMPLES / "planted.json").read_text())
SESSIONS = [EXAMPLES / plot["file"] for plot in PLOTS]
TRANSCRIPTS = sorted(PROJECTS.rglob("*.jsonl"))
WAITING = "git add -A && git commit"


def make(out, *more):
    command = [sys.executable, str(EXAMPLES / "make_sessions.py"), str(out), *more]
    return subprocess.run(command, capture_output=True, text=True)


def tree(root):
    made = [*root.joinpath("projects").rglob("*"), root / "planted.json", root / "sessions.json"]
    return {str(path.relative_to(root)): path.read_bytes() for path in made if path.is_file()}


def outcome(name):
    return [EXAMPLES / plot["file"] for plot in PLOTS if plot["outcome"] == name]


def lines(path):
    """The lines of a file; the one that ends in the middle of a line lacks its last."""
    rows = path.read_text().split("\n")
    return [json.loads(row) for row in rows[:-1]]


def blocks(line, kind):
    content = line["message"]["content"] if line["type"] in ("assistant", "user") else ""
    return [block for block in content if block["type"] == kind] if isinstance(content, list) else []


def calls(path):
    return [block for line in lines(path) for block in blocks(line, "tool_use")]


def results(path):
    return {block["tool_use_id"]: line for line in lines(path) for block in blocks(line, "tool_result")}


def test_the_committed_sessions_are_what_the_generator_writes(tmp_path):
    assert make(tmp_path).returncode == 0
    assert tree(tmp_path) == tree(EXAMPLES)


def test_another_number_and_seed_give_other_sessions_and_the_same_ones_twice(tmp_path):
    for name in ("one", "two"):
        assert make(tmp_path / name, "--sessions", "150", "--seed", "7").returncode == 0
    first, second = tree(tmp_path / "one"), tree(tmp_path / "two")
    assert first == second
    assert len(json.loads(first["sessions.json"])) == 152
    assert not set(first) & set(tree(EXAMPLES)) - {"planted.json", "sessions.json"}
    assert make(tmp_path / "few", "--sessions", "9").returncode == 0
    assert 9 <= len(json.loads(tree(tmp_path / "few")["sessions.json"])) <= 11


def test_a_folder_of_someone_else_is_left_alone(tmp_path):
    mine = tmp_path / "projects" / "x.jsonl"
    mine.parent.mkdir()
    mine.write_text("{}\n")
    done = make(tmp_path)
    assert done.returncode and "not written by this program" in done.stderr
    assert mine.read_text() == "{}\n"


def test_every_line_parses_but_one_that_was_cut():
    cut = [path for path in TRANSCRIPTS if not path.read_text().endswith("\n")]
    assert cut == outcome("truncated") and len(cut) == 1
    with pytest.raises(json.JSONDecodeError):
        json.loads(cut[0].read_text().split("\n")[-1])
    assert all(isinstance(line["type"], str) for path in TRANSCRIPTS for line in lines(path))
    assert sorted(SESSIONS) == sorted(PROJECTS.glob("*/*.jsonl"))


@pytest.mark.parametrize("path", TRANSCRIPTS, ids=lambda path: path.stem[:12])
def test_chains_close(path):
    seen = {None}
    for line in lines(path):
        if "uuid" in line:
            assert line["parentUuid"] in seen and line["uuid"] not in seen
            assert line.get("logicalParentUuid") in seen
            seen.add(line["uuid"])
    stamps = [line["timestamp"] for line in lines(path) if "uuid" in line]
    assert stamps == sorted(stamps)


def test_usage_is_repeated_over_the_lines_of_a_reply():
    several = 0
    for path in TRANSCRIPTS:
        replies = defaultdict(list)
        for line in lines(path):
            if line["type"] == "assistant":
                replies[line["message"]["id"], line.get("requestId")].append(line["message"]["usage"])
        for usages in replies.values():
            output = [usage.pop("output_tokens") for usage in usages]
            assert all(usage == usages[0] for usage in usages)
            assert output == sorted(output)
            several += len(usages) > 1
    assert several > 150


def test_each_result_answers_a_call_and_each_call_has_one():
    for path in TRANSCRIPTS:
        ids = [call["id"] for call in calls(path)]
        assert len(ids) == len(set(ids))
        assert set(results(path)) == set(ids) or path in outcome("truncated")
        for found, line in results(path).items():
            source = next(one for one in lines(path) if one.get("uuid") == line["sourceToolAssistantUUID"])
            assert blocks(source, "tool_use")[0]["id"] == found


def test_edits_apply_to_files_that_were_read_and_leave_them_valid():
    edits = 0
    for path in SESSIONS:
        known, answers = {}, results(path)
        for call in calls(path):
            raw = answers.get(call["id"], {}).get("toolUseResult")
            if not isinstance(raw, dict):
                continue
            if call["name"] == "Read":
                known[raw["file"]["filePath"]] = raw["file"]["content"]
            elif call["name"] == "Edit":
                edit, name = call["input"], call["input"]["file_path"]
                before = known[name]
                assert raw["originalFile"] == before
                assert before.count(edit["old_string"]) == 1 or (edit["replace_all"] and edit["old_string"] in before)
                known[name] = before.replace(edit["old_string"], edit["new_string"])
                parse(name, known[name])
                edits += 1
    assert edits > 200


def parse(name, text):
    if name.endswith(".py"):
        ast.parse(text)
    elif name.endswith(".json"):
        json.loads(text)
    elif name.endswith(".toml"):
        tomllib.loads(text)
    elif name.endswith(".yaml"):
        yaml.safe_load(text)


def test_one_written_file_does_not_parse():
    bad = []
    for path in SESSIONS:
        for call in calls(path):
            if call["name"] == "Write" and call["input"]["file_path"].endswith(".py"):
                with pytest.raises(SyntaxError):
                    ast.parse(call["input"]["content"])
                bad.append(path)
    assert len(bad) == 1


def committed(path):
    """Whether the last test run passed, and a commit came after it."""
    state = []
    answers = results(path)
    for call in calls(path):
        command = call["input"].get("command", "")
        if command == "pytest -q":
            state = ["red" if answers[call["id"]]["message"]["content"][0]["is_error"] else "green"]
        elif command.startswith(WAITING) and call["id"] in answers:
            state += [] if answers[call["id"]]["message"]["content"][0]["is_error"] else ["commit"]
    return state == ["green", "commit"]


def ran_tests(path):
    return any(call["input"].get("command") == "pytest -q" for call in calls(path))


def test_outcomes_vary():
    share = sum(map(committed, SESSIONS)) / len(SESSIONS)
    assert 0.5 < share < 0.7
    assert 0.1 < sum(not ran_tests(path) for path in SESSIONS) / len(SESSIONS) < 0.3
    text = {path: path.read_text() for path in SESSIONS}
    assert sum("[Request interrupted by user" in one for one in text.values()) >= 5
    assert sum("doesn't want to proceed with this tool use" in one for one in text.values()) >= 3
    assert sum('"subtype":"api_error"' in one for one in text.values()) == 2
    assert all(not committed(path) for path in outcome("given_up"))


def test_no_tool_is_called_in_more_than_forty_of_a_hundred_calls():
    names = Counter(call["name"] for path in SESSIONS for call in calls(path))
    assert max(names.values()) / names.total() < 0.4
    assert {"Bash", "Read", "Edit", "Write", "Grep", "Glob", "TodoWrite", "Task", "Agent"} == set(names)


def test_what_the_client_keeps_besides_messages():
    kinds = Counter(line["type"] for path in TRANSCRIPTS for line in lines(path))
    for kind in ("progress", "system", "file-history-snapshot", "queue-operation", "summary", "last-prompt"):
        assert kinds[kind], kind
    systems = Counter(line["subtype"] for path in TRANSCRIPTS for line in lines(path) if line["type"] == "system")
    assert set(systems) == {"stop_hook_summary", "turn_duration", "api_error", "compact_boundary"}


def test_sub_agents_lie_beside_their_session():
    agents = sorted(PROJECTS.glob("*/*/subagents/agent-*.jsonl"))
    assert len(agents) == 6
    for path in agents:
        name = path.stem.removeprefix("agent-")
        assert len(name) == 17 and {line["agentId"] for line in lines(path)} == {name}
        session = path.parent.parent.with_suffix(".jsonl")
        raws = [line.get("toolUseResult") for line in lines(session)]
        assert name in [raw.get("agentId") for raw in raws if isinstance(raw, dict)]
    assert list(PROJECTS.glob("*/*/subagents/agent-*.meta.json"))


def test_after_a_compaction_the_summary_opens_the_context():
    for path in outcome("compacted"):
        rows = lines(path)
        place = next(place for place, row in enumerate(rows) if row.get("subtype") == "compact_boundary")
        assert rows[place]["parentUuid"] is None and rows[place]["logicalParentUuid"]
        assert rows[place + 1]["isCompactSummary"] and rows[place + 1]["parentUuid"] == rows[place]["uuid"]
        assert any(blocks(row, "tool_use") for row in rows[place:])
    assert len(outcome("compacted")) == 2


@pytest.mark.parametrize("name", ["forked", "resumed"])
def test_copies_share_their_first_lines(name):
    one, other = outcome(name)
    first, second = ([line["uuid"] for line in lines(path) if "uuid" in line] for path in (one, other))
    shared = [uuid for uuid, same in zip(first, second, strict=False) if uuid == same]
    assert len(shared) > 10 and first[: len(shared)] == shared
    assert not set(first[len(shared) :]) & set(second[len(shared) :])
    assert {line["sessionId"] for line in lines(other) if "sessionId" in line} == {other.stem}


def test_planted_values_are_listed_with_their_files():
    kinds = Counter(plant["kind"] for plant in PLANTED)
    for kind in ("name", "mail", "user", "phone", "host", "api_key", "token", "database_url", "database_password"):
        assert kinds[kind], kind
    text = {str(path.relative_to(EXAMPLES)): path.read_text() for path in PROJECTS.rglob("*") if path.is_file()}
    for plant in PLANTED:
        assert plant["files"] == sorted(name for name, content in text.items() if plant["value"] in content)
    assert len({plant["value"] for plant in PLANTED}) == len(PLANTED)


def test_nothing_looks_like_a_key_that_a_provider_would_revoke():
    prefix = re.compile(r"\b(AKIA|gh[opsu]_|github_pat_|sk-|xox[bp]-|glpat-|hf_|AIza)\w{8}|-----BEGIN")
    for path in PROJECTS.rglob("*.jsonl"):
        assert not prefix.search(path.read_text()), path
