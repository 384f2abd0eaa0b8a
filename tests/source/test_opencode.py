"""Sessions of OpenCode: a real database row by row, one that is being written, the files before it, and damage."""

import json
import multiprocessing
import sqlite3
import time
from collections import Counter

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from bashgym import paths
from bashgym.errors import InputError
from bashgym.kinds import Source
from tests.source.agent_lines import JSON, SAMPLES, claims, holds, one, paths_in, read, replaced, source
from tests.source.opencode_fixture import Rows, database, dump, insert, session, tool

REAL = "ses_e03623224ffe6aa2QBV9INJs9J"


@pytest.fixture
def real(samples, tmp_path):
    """The real database, in a folder of its own."""
    return database(tmp_path / "data" / "opencode" / "opencode.db", dump(samples))


def looks(path):
    """What a folder holds, to the byte."""
    return {one.name: one.read_bytes() for one in path.parent.iterdir()}


# The plugin -----------------------------------------------------------------------------------------------------------


def test_it_keeps_the_contract_and_its_preset():
    plugin = source("opencode")
    assert isinstance(plugin, Source) and plugin.agent == "OpenCode"
    preset = paths.shipped("conf") / "source" / "opencode.yaml"
    assert preset.read_text().splitlines()[0] == "# @package source.opencode"
    values = yaml.safe_load(preset.read_text())
    assert values.pop("plugin") == "opencode" and set(values) == set(plugin.Config.model_fields)


def test_without_a_path_it_reads_opencodes_own_folder(real, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "nothing"))
    with pytest.raises(InputError, match=r"^source.opencode.path: .*/nothing/opencode is not there; .*XDG_DATA_HOME"):
        source("opencode").list()
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    assert [ref.id for ref in source("opencode").list()] == [REAL]


def test_what_is_excluded_or_forgotten_is_left_out_and_counted(tmp_path, own_home):
    sessions = session(), session("ses_2", directory="/home/sam/client")
    Rows(*sessions).message("user", "a").message("user", "b", session="ses_2").write(tmp_path / "opencode.db")
    (own_home / "exclude").write_text("/home/sam/client\n")
    plugin = source("opencode", tmp_path)
    assert [ref.id for ref in plugin.list()] == ["ses_1"] and plugin.left_out.total() == 1


def test_what_is_no_database_is_said_in_one_line(tmp_path):
    (tmp_path / "opencode.db").write_bytes(b"no database at all" * 100)
    with pytest.raises(
        InputError, match=r"opencode.db: cannot be read as OpenCode's database \(file is not a database"
    ):
        list(source("opencode", tmp_path).list())


# A real database ------------------------------------------------------------------------------------------------------


def test_every_row_of_the_real_database_is_in_exactly_one_place(real, samples):
    _, (trace,), found = holds("opencode", real)
    count = sum(len(rows) for rows in dump(samples).values())
    assert dict(found) == dict.fromkeys(range(1, count + 1), 1) and not trace.info.malformed
    assert trace.info.source.files[0].lines == count == 22


def test_its_steps_calls_and_results(real):
    trace = one("opencode", real)
    assert [(step.source, step.text) for step in trace.steps] == [
        ("user", '"Please do the demo"'), ("agent", "Looking."), ("agent", ""), ("agent", ""), ("agent", "All done.")
    ]  # fmt: skip
    assert trace.steps[1].reasoning_content == "I think first." and trace.steps[1].model_name == "fake-model"
    calls = [(step, one) for step in trace.steps for one in step.tool_calls or []]
    assert [(call.function_name, call.arguments) for _, call in calls] == [
        ("bash", {"command": "ls -a", "description": "list"}),
        ("bash", {"command": "echo oops >&2; exit 3", "description": "fail"}),
        ("write", {"filePath": "/home/sam/code/proj/oco/hello.py", "content": "print(1)\n"}),
    ]
    results = [step.results()[call.tool_call_id] for step, call in calls]
    assert [result.content for result in results] == [".\n..\n.git\n", "oops\n", "Wrote file successfully."]
    infos = [result.extra.bashgym for result in results]
    assert [(info.exit_code, info.is_error) for info in infos] == [(0, False), (3, True), (None, False)]
    assert [call.extra.bashgym.duration_ms for _, call in calls] == [135, 43, 6]
    assert calls[0][1].extra.bashgym.started_at == "2026-11-21T05:39:26.628Z"


def test_its_tokens_and_facts_are_those_of_its_own_row(real, samples):
    trace = one("opencode", real)
    (row,) = dump(samples)["session"]
    totals = trace.info.totals
    assert totals.input_tokens == row["tokens_input"] == 2400
    assert totals.output_tokens == row["tokens_output"] == 120
    assert totals.cache_read_input_tokens == row["tokens_cache_read"] == 1200
    assert (trace.agent.version, trace.info.project.cwd) == ("1.18.33", "/home/sam/code/proj/oco")
    assert trace.info.outcome.ended == "completed" and trace.steps[1].metrics.cost_usd is None


def test_a_session_that_is_still_running_is_not_completed(samples, tmp_path):
    tables = dump(samples)
    for place in range(1, len(tables["message"]) + 1):
        path = tmp_path / f"{place}.db"
        kept = {row["id"] for row in tables["message"][:place]}
        parts = [row for row in tables["part"] if row["message_id"] in kept]
        last = json.loads(json.dumps(tables["message"][place - 1]))
        last["data"]["time"].pop("completed", None)
        database(path, {**tables, "message": [*tables["message"][: place - 1], last], "part": parts})
        assert one("opencode", path).info.outcome.ended == "unknown", place


# While it is written --------------------------------------------------------------------------------------------------


def hold(path, journal, ready, done):
    """Another process in the middle of an exclusive transaction, with rows that nobody has committed."""
    connection = sqlite3.connect(path, isolation_level=None)
    if journal == "WAL, exclusive":
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")
    connection.execute("PRAGMA cache_size = 2")  # so that uncommitted pages are written into the file itself
    connection.execute("BEGIN EXCLUSIVE")
    for number in range(300):
        insert(
            connection, "part", {"id": f"prt_x{number}", "message_id": "msg", "session_id": REAL, "data": "x" * 5000}
        )
    connection.execute("UPDATE message SET data = '{}'")
    ready.set()
    done.wait(60)
    connection.execute("ROLLBACK")
    connection.close()


@pytest.mark.parametrize("journal", ["WAL", "WAL, exclusive", "DELETE"])
def test_a_locked_database_is_read_as_it_was_committed(samples, tmp_path, journal):
    path = database(tmp_path / "opencode.db", dump(samples), journal.partition(",")[0])
    calm = one("opencode", path)
    context = multiprocessing.get_context("spawn")
    ready, done = context.Event(), context.Event()
    writer = context.Process(target=hold, args=(path, journal, ready, done))
    writer.start()
    try:
        assert ready.wait(60)
        if journal != "WAL":
            with pytest.raises(sqlite3.OperationalError, match="locked"):
                sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=0.1).execute("SELECT * FROM part").fetchall()
        before, began = looks(path), time.monotonic()
        ((ref, (trace,)),) = read("opencode", path)
        assert time.monotonic() - began < 20
        assert {name: data for name, data in looks(path).items() if not name.endswith("-shm")} == {
            name: data for name, data in before.items() if not name.endswith("-shm")
        }
    finally:
        done.set()
        writer.join(60)
    assert writer.exitcode == 0 and ref.id == REAL
    assert [step.text for step in trace.steps] == [step.text for step in calm.steps]
    assert claims(trace) == claims(calm)


def write_on(path, ready, done):
    """Another process that goes on writing, a transaction after the other."""
    connection = sqlite3.connect(path, timeout=10, isolation_level=None)
    number = 0
    while not done.is_set():
        data = {"type": "text", "text": f"words {number}"}
        row = {"id": f"prt_z{number:06d}", "message_id": "msg_1fc9de0670012D3jlj5F7O2jkL", "session_id": REAL}
        insert(connection, "part", {**row, "time_created": number, "data": data})
        number += 1
        ready.set()
    connection.close()


def test_a_database_that_is_written_meanwhile_is_read_in_one_state(real):
    context = multiprocessing.get_context("spawn")
    ready, done = context.Event(), context.Event()
    writer = context.Process(target=write_on, args=(real, ready, done))
    writer.start()
    try:
        assert ready.wait(60)
        for _ in range(10):
            _, (trace,), found = holds("opencode", real)
            assert set(found.values()) == {1} and len(found) == max(found) > 22
            parts = [part["text"] for part in trace.steps[-1].message]
            assert parts == ["All done.", *(f"words {number}" for number in range(len(parts) - 1))]
    finally:
        done.set()
        writer.join(60)
    assert writer.exitcode == 0


@pytest.mark.parametrize("journal", ["WAL", "DELETE"])
def test_reading_leaves_nothing_behind(samples, tmp_path, journal):
    path = database(tmp_path / "a" / "opencode.db", dump(samples), journal)
    before = looks(path)
    assert len(read("opencode", path)) == 1 and looks(path) == before and list(before) == ["opencode.db"]
    path.parent.chmod(0o500)
    try:
        assert len(read("opencode", path)) == 1
    finally:
        path.parent.chmod(0o700)


def test_a_hash_is_over_the_rows_of_one_session_alone(tmp_path):
    path = (
        Rows(session(), session("ses_2"))
        .message("user", "a")
        .message("user", "b", session="ses_2")
        .write(tmp_path / "opencode.db")
    )
    before = {ref.id: ref.sha256 for ref in source("opencode", path).list()}
    connection = sqlite3.connect(path)
    connection.execute("""UPDATE part SET data = '{"type": "text", "text": "c"}' WHERE session_id = 'ses_2'""")
    connection.commit()
    connection.close()
    after = {ref.id: ref.sha256 for ref in source("opencode", path).list()}
    assert after["ses_1"] == before["ses_1"] and after["ses_2"] != before["ses_2"]


# What no sample holds -------------------------------------------------------------------------------------------------


def rows():
    """Two sessions, one of which the other's task started."""
    child = session("ses_2", parent="ses_1")
    made = Rows(session(), child)
    made.message("user", "go", {"type": "text", "text": "file a.py:", "synthetic": True})
    ruled = "The user has specified a rule which prevents you from using this tool."
    made.message(
        "assistant",
        tool("c1", "task", input={"prompt": "look"}, output="seen", metadata={"sessionId": "ses_2"}),
        tool("c2", "bash", "error", input={"command": "rm"}, error="The user rejected permission to use this tool."),
        tool("c3", "bash", "error", input={}, error=ruled),
        tool("c4", "bash", "running", input={}),
        tokens={"input": 10, "output": 5, "reasoning": 2, "cache": {"read": 1, "write": 3}, "total": 21},
        cost=0.25,
        finish="tool-calls",
    )
    made.message("user", "look", session="ses_2")
    return made.message("assistant", "seen", session="ses_2", agent="explore")


@pytest.mark.parametrize("kept", ["database", "files"])
def test_sub_agents_are_tied_to_the_task_that_started_them(tmp_path, kept):
    made = rows()
    made.write(tmp_path / "opencode.db") if kept == "database" else made.files(tmp_path / "storage")
    ref, (main, child), found = holds("opencode", tmp_path)
    assert (ref.id, main.session_id, main.trajectory_id) == ("ses_1", "ses_1", None)
    assert (child.session_id, child.trajectory_id, child.agent.extra) == ("ses_1", "ses_2", {"agent_type": "explore"})
    lineage = child.info.lineage
    assert (lineage.relation, lineage.parent_trace, lineage.parent_call_id) == ("subagent", "ses_1", "c1")
    (result, *_) = main.steps[2].observation.results
    assert result.subagent_trajectory_ref == [{"trajectory_id": "ses_2", "session_id": "ses_1"}]
    assert set(found.values()) <= {1, 2} and set(claims(main)) == set(range(1, 10)) and len(claims(child)) == 5


def test_tokens_of_releases_that_count_thinking_apart_and_that_do_not(tmp_path):
    made = rows().message("assistant", "x", tokens={"input": 4, "output": 5, "reasoning": 2, "cache": {}})
    trace = one("opencode", made.write(tmp_path / "opencode.db"))
    apart, within = (step.metrics for step in trace.steps if step.metrics)
    assert (apart.completion_tokens, apart.prompt_tokens, apart.cached_tokens, apart.cost_usd) == (7, 14, 1, 0.25)
    assert apart.extra.bashgym.cache_creation_input_tokens == 3 and apart.extra.bashgym.reasoning_tokens == 2
    assert (within.completion_tokens, within.prompt_tokens) == (5, 4)


def test_refusals_and_calls_that_still_run(tmp_path):
    trace = one("opencode", rows().write(tmp_path / "opencode.db"))
    step = trace.steps[2]
    assert [call.extra.bashgym.denied for call in step.tool_calls] == [None, "user", "rule", None]
    assert set(step.results()) == {"c1", "c2", "c3"} and trace.info.outcome.ended == "unknown"
    assert (trace.info.outcome.rejections, trace.info.outcome.tool_errors) == (1, 1)
    assert [(step.info.kind, step.text) for step in trace.steps[:2]] == [("human", "go"), ("meta", "file a.py:")]


def test_compaction_interrupts_errors_and_what_was_reverted(tmp_path):
    revert = {"messageID": "msg_007"}
    made = Rows(session(revert=revert)).message("user", "a").message("assistant", "b")
    made.message("user", {"type": "compaction", "auto": False}).message("assistant", "so far: b", summary=True)
    made.message("user", "c").message("assistant", error={"name": "APIError", "data": {"message": "429"}})
    made.message("user", "d").message("assistant", "e", error={"name": "MessageAbortedError", "data": {}})
    path = made.write(tmp_path / "opencode.db")
    _, (trace,), found = holds("opencode", path)
    assert [(step.info.kind, step.text, step.info.active) for step in trace.steps] == [
        ("human", "a", True),
        ("agent", "b", True),
        ("compact_summary", "so far: b", True),
        ("human", "c", True),
        ("agent", "", True),
        ("api_error", "429", True),
        ("human", "d", False),
        ("agent", "e", False),
        ("interrupt", "", False),
    ]
    windows = [(w.first_step, w.last_step, w.reason, w.summary_step) for w in trace.info.context_windows]
    assert windows == [(1, 2, "start", None), (3, 9, "compact_manual", 3)]
    assert trace.info.outcome.ended == "error" and set(found.values()) == {1}


def test_old_messages_that_hold_several_replies(tmp_path):
    def finish(n):
        return {
            "type": "step-finish",
            "reason": "tool-calls",
            "cost": 0,
            "tokens": {"input": n, "output": 1, "cache": {}},
        }

    begin = {"type": "step-start"}
    made = Rows(session()).message(
        "assistant",
        begin,
        "a",
        tool("c1", output="x"),
        finish(5),
        begin,
        "b",
        finish(7),
        tokens={"input": 7, "output": 1},
    )
    trace = one("opencode", made.write(tmp_path / "opencode.db"))
    assert [(step.text, step.metrics.prompt_tokens) for step in trace.steps] == [("a", 5), ("b", 7)]
    assert len({step.info.message_id for step in trace.steps}) == 2


def test_a_session_carried_over_into_the_database_counts_once(tmp_path):
    made = rows()
    made.write(tmp_path / "opencode.db")
    made.files(tmp_path / "storage")
    Rows(session("ses_old")).message("user", "old", session="ses_old").files(tmp_path / "storage")
    found = {ref.id: ref.path for ref in source("opencode", tmp_path).list()}
    assert set(found) == {"ses_1", "ses_old"} and found["ses_1"].endswith("opencode.db")


def test_a_session_that_is_gone_says_so(tmp_path):
    path = rows().write(tmp_path / "opencode.db")
    plugin = source("opencode", path)
    (ref,) = plugin.list()
    connection = sqlite3.connect(path)
    connection.execute("DELETE FROM session")
    connection.commit()
    connection.close()
    with pytest.raises(InputError, match="session ses_1 is gone"):
        list(plugin.read(ref))


# Damage ---------------------------------------------------------------------------------------------------------------


@settings(max_examples=100)
@given(data=st.data())
def test_damaged_rows_are_never_lost_and_never_crash(data, tmp_path_factory):
    if not SAMPLES.is_dir():
        pytest.skip("the samples are not beside this checkout")
    tables = data.draw(st.sampled_from([dump(SAMPLES), rows().tables]))
    tables = json.loads(json.dumps(tables))
    for _ in range(data.draw(st.integers(1, 5))):
        name = data.draw(st.sampled_from(["message", "part", "part", "session"]))
        row = data.draw(st.sampled_from(tables[name]))
        keys = [key for key in row if key not in ("id", "parent_id")] if name == "session" else ["data"]
        key = data.draw(st.sampled_from(keys))
        value, how = row[key], data.draw(st.sampled_from(["value", "value", "cut", "gone"]))
        places = [path for path in paths_in(value) if path]
        if how == "value" and places:
            row[key] = replaced(value, data.draw(st.sampled_from(places)), data.draw(JSON | st.just(...)))
        elif how == "cut":
            row[key] = json.dumps(value)[: data.draw(st.integers(0, 40))]
        else:
            row[key] = None
    path = tmp_path_factory.mktemp("opencode") / "opencode.db"
    database(path, tables)
    total = Counter()
    for _, traces in read("opencode", path):
        for trace in traces:
            found = claims(trace)
            assert set(found) == set(range(1, trace.info.source.files[0].lines + 1)) and set(found.values()) == {1}
            total += found
    assert total.total() == sum(len(one) for one in tables.values())
