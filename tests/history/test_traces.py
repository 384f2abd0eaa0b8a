"""bashgym traces list and show: filters, ids by their beginning, a terminal that nothing of a session steers."""

import importlib.util
from pathlib import Path

import pytest

from bashgym.history import diffs, listed
from bashgym.history.text import body, cut, legible, written
from bashgym.signals.calls import Called
from bashgym.trace import ObservationResult, ResultExtra, ResultInfo, Step, ToolCall

spec = importlib.util.spec_from_file_location("history_past", Path(__file__).parent / "conftest.py")
told_by = importlib.util.module_from_spec(spec)
spec.loader.exec_module(told_by)
ONE, TWO, THREE, text = (getattr(told_by, name) for name in ("ONE", "TWO", "THREE", "text"))


@pytest.fixture
def three(past):
    for session, cwd, at in (
        (ONE, "/w/one", "2026-09-30T10:00"),
        (TWO, "/w/acme/two", "2026-10-01T10:00"),
        (THREE, "/w/other/two", "2026-11-01T10:00"),
    ):
        past.cwd, past.at = cwd, at
        past.says("hello").reply(f"m{session[0]}", text("hi")).save(session, cwd.replace("/", "-"))
    return past


def ids(rows) -> list[str]:
    return [one["id"] for one in rows]


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        ((), [THREE, TWO, ONE]),
        (("--repo", "two"), [THREE, TWO]),
        (("--repo", "acme/two"), [TWO]),
        (("--repo", "wo"), []),
        (("--repo", "/w/one"), [ONE]),
        (("--since", "2026-10-01"), [THREE, TWO]),
        (("--until", "2026-10-01"), [TWO, ONE]),
        (("--since", "2026-10-01", "--until", "2026-10-31"), [TWO]),
        (("--verdict", "gold"), []),
        (("--verdict", "unverified"), [THREE, TWO, ONE]),
        (("--source", "claude_code"), [THREE, TWO, ONE]),
    ],
)
def test_list_filters(three, told, words, wanted):
    assert ids(told("traces", "list", *words)) == wanted


def test_list_prints_a_table(three, printed):
    said = printed("traces", "list")
    assert "11111111" in said and ONE not in said and "2026-09-30 10:00" in said and "acme" not in said
    assert "No session fits" in printed("traces", "list", "--repo", "nowhere")


def test_errors_are_one_line(three, printed):
    assert "not a date" in printed("traces", "list", "--since", "yesterday", code=2)
    assert "no such source" in printed("traces", "list", "--source", "x", code=2)
    assert "no session's id begins so" in printed("traces", "show", "9", code=2)
    assert "name a session" in printed("traces", "show", code=2)
    assert "not both" in printed("traces", "report", ONE, "--all", code=2)


def test_ids_by_their_beginning(past, printed, told):
    past.says("go").calls("a", "t1", "Task", {"prompt": "look"}).result(
        "t1", "found", toolUseResult={"agentId": "abc1234", "content": []}
    )
    past.save(ONE)
    past.says("look", isSidechain=True, agentId="abc1234")
    past.reply("c", text("it is there"), isSidechain=True, agentId="abc1234")
    past.save(ONE, under=f"{ONE}/subagents/agent-abc1234.jsonl")
    past.says("x").reply("b", text("y")).save(f"{ONE[:-1]}6")
    assert "2 sessions begin so" in printed("traces", "show", "1111", code=2)
    assert ONE in printed("traces", "show", ONE)
    said = printed("traces", "show", f"{ONE}/abc")
    assert "it is there" in said and "found" not in said
    (trace,) = told("traces", "show", f"{ONE}/abc1234")
    assert trace["trajectory_id"] == "abc1234"


def test_show_tells_the_whole_course(past, printed):
    past.says("please mend it")
    thought = {"type": "thinking", "thinking": "let me see", "signature": "s"}
    past.reply("a", thought, {"type": "tool_use", "id": "t1", "name": "Edit", "input": {"file_path": "/w/a.py"}})
    patch = [{"oldStart": 3, "oldLines": 1, "newStart": 3, "newLines": 1, "lines": ["-x = 1", "+x = 2"]}]
    past.result("t1", "updated", toolUseResult={"filePath": "/w/a.py", "structuredPatch": patch})
    past.calls("b", "t2", "Bash", {"command": "pytest -q\necho done"}).result("t2", "Exit code 1\nboom", failed=True)
    past.reply("c", text("It is mended.")).save(ONE)
    said = printed("traces", "show", ONE)
    for words in ("please mend it", "let me see", "Edit /w/a.py", "- x = 1", "+ x = 2", "✗ Bash pytest -q", "boom"):
        assert words in said
    assert "130 in, 5 out" in said and "< $0.01" in said and "1 tool error" in said


def test_show_shortens_unless_told_otherwise(past, printed):
    past.says("x").calls("a", "t1", "Bash", {"command": "seq 1 500"})
    past.result("t1", "\n".join(f"number {n}" for n in range(500))).save(ONE)
    short, full = printed("traces", "show", ONE), printed("traces", "show", ONE, "--full")
    assert "number 3" in short and "number 250" not in short and "number 499" in short and "more lines" in short
    assert "number 250" in full and "more lines" not in full


HOSTILE = (
    "\x1b]0;owned\x07\x1b[2J\x1b[31mred\x1b[0m \x9b31m \u202egnorw\u2066 [bold]tag[/bold] [link=file:///x]y[/link] \x00"
)


def test_nothing_of_a_session_steers_the_terminal(past, printed):
    past.cwd = f"/w/{HOSTILE}"
    past.says(HOSTILE, gitBranch=HOSTILE)
    past.calls("a", "t1", f"Bash{HOSTILE}", {"command": HOSTILE, HOSTILE: HOSTILE}, model=HOSTILE)
    past.result("t1", HOSTILE, failed=True).save(ONE, folder="-w")
    for words in (("collect",), ("traces", "list"), ("traces", "show", ONE), ("traces", "show", ONE, "--full")):
        said = printed(*words)
        assert not [char for char in said if char not in "\n\t" and not char.isprintable()], words
    assert "[bold]tag[/bold]" in printed("traces", "show", ONE), "words are shown, not obeyed"


def test_legible():
    assert legible("\x1b[1;31mred\x1b[0m\r\nnext\rover") == "red\nnext\nover"
    assert legible("a\x1b]8;;http://x\x1b\\link") == "alink"
    assert legible("\u202eabc\u200b\ud800") == "\ufffdabc\ufffd\ufffd"
    assert legible("שלום 👩\u200d💻 ok") == "שלום 👩\u200d💻 ok"


def test_cut_and_written():
    assert cut("abc", 3) == ("abc", 0)
    shown, left = cut("a" * 60 + "b" * 60, 40)
    assert (shown, left) == ("a" * 30 + "\n[...]\n" + "b" * 10, 80)
    assert (
        written({"a": [1]}) == '{\n  "a": [\n    1\n  ]\n}' and written("x") == "x" and "e+999" not in written(10**30)
    )
    assert body([{"type": "image", "media_type": "image/png", "bytes": 7}, {"type": "text", "text": "x"}, "odd"]) == (
        "[image image/png, 7 bytes]\nx\nodd"
    )


def called(name: str, arguments: dict, raw: object = None) -> Called:
    call = ToolCall(tool_call_id="t", function_name=name, arguments=arguments)
    info = ResultExtra(bashgym=ResultInfo(raw=raw))
    return Called((0, 0), Step(step_id=1, source="agent"), call, ObservationResult(content="", extra=info))


@pytest.mark.parametrize(
    ("one", "wanted"),
    [
        (called("Edit", {"old_string": "a\nb", "new_string": "a\nc"}), [("same", "a"), ("del", "b"), ("add", "c")]),
        (called("replace", {"oldString": "", "newString": "c"}), [("add", "c")]),
        (called("MultiEdit", {"edits": [{"old_string": "a", "new_string": "b"}, 3]}), [("del", "a"), ("add", "b")]),
        (called("Write", {"content": "x\ny"}), [("add", "x"), ("add", "y")]),
        (called("apply_patch", {"input": "*** Begin Patch\n-a\n+b"}), [("del", "a"), ("add", "b")]),
        (called("Bash", {"command": "x", "content": "y"}), []),
        (called("Edit", {"old_string": 3, "edits": "no"}), []),
    ],
)
def test_diffs(one, wanted):
    assert [line for line in diffs.diff(one) if line.kind != "place"] == wanted


def test_a_patch_of_the_result_comes_before_the_arguments():
    raw = {"structuredPatch": [{"newStart": 7, "lines": ["-a", "+b", 3]}, "odd", {"lines": None}]}
    found = diffs.diff(called("Edit", {"old_string": "zzz", "new_string": "yyy"}, raw))
    assert found == [("place", "line 7"), ("del", "a"), ("add", "b")]


def test_a_huge_diff_is_cut_and_quick():
    one = called("Edit", {"old_string": "a\n" * 50_000, "new_string": "b\n" * 50_000})
    assert len(diffs.diff(one)) == diffs.LONGEST + 1


def test_shortened_ids_tell_sessions_apart():
    long = [f"aaaaaaaa-bbbb-4ccc-8ddd-{number:012}" for number in range(2)]
    assert listed.shortened([*long, "folder/chat"]) == [*long, "folder/chat"]
    assert listed.shortened([ONE, TWO]) == [ONE[:8], TWO[:8]]
