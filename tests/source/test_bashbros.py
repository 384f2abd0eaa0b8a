"""The BashBros source. Databases and traces here were built from the schema, no real file was at hand."""

import json
import random
import sqlite3

import pytest

from bashgym import registry
from bashgym.errors import InputError
from bashgym.kinds import Source
from bashgym.trace import from_builtins, to_builtins

SCHEMA = """
CREATE TABLE sessions (id TEXT PRIMARY KEY, agent TEXT NOT NULL, pid INTEGER NOT NULL, start_time TEXT NOT NULL,
  end_time TEXT, status TEXT NOT NULL DEFAULT 'active', command_count INTEGER NOT NULL DEFAULT 0,
  blocked_count INTEGER NOT NULL DEFAULT 0, avg_risk_score REAL NOT NULL DEFAULT 0, working_dir TEXT NOT NULL);
CREATE TABLE commands (id TEXT PRIMARY KEY, session_id TEXT, timestamp TEXT NOT NULL, command TEXT NOT NULL,
  allowed INTEGER NOT NULL, risk_score INTEGER NOT NULL, risk_level TEXT NOT NULL, risk_factors TEXT NOT NULL,
  duration_ms INTEGER NOT NULL, violations TEXT NOT NULL);
CREATE TABLE tool_uses (id TEXT PRIMARY KEY, timestamp TEXT NOT NULL, tool_name TEXT NOT NULL,
  tool_input TEXT NOT NULL, tool_output TEXT NOT NULL, exit_code INTEGER, success INTEGER, cwd TEXT NOT NULL,
  repo_name TEXT, repo_path TEXT, session_id TEXT);
CREATE TABLE user_prompts (id TEXT PRIMARY KEY, session_id TEXT, timestamp TEXT NOT NULL, prompt_text TEXT NOT NULL,
  prompt_length INTEGER NOT NULL, word_count INTEGER NOT NULL, cwd TEXT);
CREATE TABLE bro_events (id TEXT PRIMARY KEY, session_id TEXT, timestamp TEXT NOT NULL, event_type TEXT NOT NULL,
  input_context TEXT NOT NULL, output_summary TEXT NOT NULL, model_used TEXT NOT NULL, latency_ms INTEGER NOT NULL,
  success INTEGER NOT NULL);
"""


def database(path):
    db = sqlite3.connect(path)
    db.executescript(SCHEMA)
    db.execute(
        "INSERT INTO sessions (id, agent, pid, start_time, working_dir) VALUES ('s1', 'claude-code', 7, 't', '/w')"
    )
    db.execute("INSERT INTO user_prompts VALUES ('p1', 's1', '2026-01-01T00:00:01Z', 'run the tests', 13, 3, '/w')")
    bash = json.dumps({"command": "pytest"})
    db.execute(
        "INSERT INTO tool_uses VALUES ('u1','2026-01-01T00:00:03Z','Bash',?,'1 failed',1,0,'/w',NULL,NULL,'s1')",
        (bash,),
    )
    db.execute(
        "INSERT INTO tool_uses VALUES ('u2','2026-01-01T00:00:06Z','Read','cut {','x',NULL,1,'/o',NULL,NULL,NULL)"
    )
    db.execute("INSERT INTO commands VALUES ('c1','s1','2026-01-01T00:00:02Z','pytest',1,1,'safe','[]',5,'[]')")
    db.execute(
        "INSERT INTO commands VALUES ('c2','s1','2026-01-01T00:00:04Z','rm -rf /',0,10,'critical','[]',0,'[\"no\"]')"
    )
    db.execute("INSERT INTO commands VALUES ('c3','s1','2026-01-01T00:00:05Z','ls',1,1,'safe','[]',9,'[]')")
    db.execute("INSERT INTO bro_events VALUES ('b1','s1','2026-01-01T00:00:07Z','suggest','a','b','m',3,1)")
    db.commit()
    return db


EXPORT = {
    "version": "1.0",
    "metadata": {"user_initial_prompt": "tidy up", "source_tool": "bashbros", "session_id": "bashbros-1-abc",
                 "verification_passed": False, "capture_mode": "everything"},
    "trace": [
        {"tool_name": "Bash", "command": "ls", "output": "a", "success": True, "exit_code": 0,
         "timestamp": "2026-01-01T00:00:00Z", "cwd": "/w"},
        {"tool_name": "Edit", "command": "a.py", "output": "", "success": False, "timestamp": "2026-01-01T00:00:01Z"},
        {"command": "nameless"},
    ],
    "bashbros_extensions": {"security_events": [], "sidekick_annotations": {"complexity": "easy"}},
}  # fmt: skip


def source(path=""):
    cls = registry.load("source", "bashbros")
    return cls(cls.Config(path=str(path)))


def read(path=""):
    plugin = source(path)
    return {ref.id: trace for ref in plugin.list() for trace in plugin.read(ref)}


def test_it_keeps_the_contract_and_says_what_is_missing(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert isinstance(source(), Source)
    with pytest.raises(InputError, match=rf"^source.bashbros.path: nothing of BashBros at {tmp_path}/.bashbros/dash"):
        source().list()


def test_the_dashboards_sessions_become_traces(tmp_path):
    database(tmp_path / "dashboard.db").close()
    found = read(tmp_path)
    assert list(found) == ["s1", "without-session"]
    trace = found["s1"]
    assert (trace.agent.name, trace.info.project.cwd, trace.info.outcome.ended) == ("claude-code", "/w", "unknown")
    asked, ran, forbidden, listed = trace.steps
    assert asked.text == "run the tests" and asked.info.kind == "human"
    assert ran.tool_calls[0].arguments == {"command": "pytest"}
    (result,) = ran.observation.results
    assert (result.content, result.extra.bashgym.is_error, result.extra.bashgym.exit_code) == ("1 failed", True, 1)
    assert forbidden.tool_calls[0].extra.bashgym.denied == "rule"
    assert listed.tool_calls[0].extra.bashgym.duration_ms == 9 and listed.observation is None
    assert [event.type for event in trace.info.events] == ["sessions", "commands", "bro_events"]
    assert trace.info.source.files[0].lines == len(trace.steps) + len(trace.info.events)
    loose = found["without-session"]
    assert loose.steps[0].tool_calls[0].arguments == {"input": "cut {"} and loose.info.project.cwd == "/o"
    assert all(from_builtins(to_builtins(one)) == one for one in found.values())


def test_a_database_is_read_while_bashbros_writes_it(tmp_path):
    writer = database(tmp_path / "dashboard.db")
    writer.execute("PRAGMA journal_mode = WAL")
    writer.execute("INSERT INTO user_prompts VALUES ('p2', 's1', '2026-01-01T00:00:09Z', 'and?', 4, 1, '/w')")
    assert [step.text for step in read(tmp_path)["s1"].steps if step.source == "user"] == ["run the tests"]
    writer.commit()
    assert [step.text for step in read(tmp_path)["s1"].steps if step.source == "user"] == ["run the tests", "and?"]


def test_a_session_that_changed_since_it_was_listed_says_so(tmp_path):
    writer = database(tmp_path / "dashboard.db")
    plugin = source(tmp_path)
    ref = next(iter(plugin.list()))
    writer.execute("INSERT INTO user_prompts VALUES ('p2', 's1', '2026-01-01T00:00:09Z', 'and?', 4, 1, '/w')")
    writer.commit()
    with pytest.raises(InputError, match=r"session s1 changed since it was listed; run again"):
        list(plugin.read(ref))


def test_a_file_that_is_no_database_says_so(tmp_path):
    (tmp_path / "dashboard.db").write_bytes(b"no database at all, but long enough to be looked at")
    with pytest.raises(InputError, match="cannot be read as BashBros' database"):
        source(tmp_path).list()


def test_what_is_excluded_or_forgotten_is_left_out(tmp_path, own_home):
    database(tmp_path / "dashboard.db").close()
    (own_home / "exclude").write_text("/o\n")
    plugin = source(tmp_path)
    assert [ref.id for ref in plugin.list()] == ["s1"]
    assert plugin.left_out.total() == 1


def test_an_exported_trace_becomes_a_trace(own_home):
    folder = own_home / "integration" / "traces" / "pending"
    folder.mkdir(parents=True)
    (folder / "1-abc.json").write_text(json.dumps(EXPORT))
    trace = read()["bashbros-1-abc"]
    asked, listed, edited = trace.steps
    assert asked.text == "tidy up" and listed.tool_calls[0].arguments == {"command": "ls"}
    assert edited.tool_calls[0].arguments == {"file_path": "a.py"}
    assert edited.observation.results[0].extra.bashgym.is_error
    assert [bad.line_no for bad in trace.info.malformed] == [3]
    assert trace.info.foreign["bashbros_extensions"]["sidekick_annotations"] == {"complexity": "easy"}
    assert trace.info.outcome.ended == "unknown"
    assert from_builtins(to_builtins(trace)) == trace


@pytest.mark.parametrize("seed", range(40))
def test_a_damaged_export_never_crashes(tmp_path, seed):
    dice = random.Random(seed)
    content = bytearray(json.dumps(EXPORT).encode())
    for _ in range(dice.randint(1, 5)):
        content[dice.randrange(len(content))] = dice.randrange(256)
    (tmp_path / "one.json").write_bytes(content)
    (trace,) = read(tmp_path).values()
    assert trace.steps or trace.info.malformed
    assert from_builtins(to_builtins(trace)) == trace
