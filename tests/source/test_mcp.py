"""Logs of MCP servers: those of the real Claude Code at hand, and every shape a line may have."""

import json
from collections import Counter

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from bashgym import paths, registry
from bashgym.errors import InputError
from bashgym.kinds import Source
from bashgym.trace import from_builtins, plain, to_builtins


def source(path=""):
    cls = registry.load("source", "mcp")
    return cls(cls.Config(path=str(path)))


def read(path):
    plugin = source(path)
    return [trace for ref in plugin.list() for trace in plugin.read(ref)]


def saved(tmp_path, *lines):
    path = tmp_path / "log.jsonl"
    path.write_bytes(
        b"\n".join(line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines) + b"\n"
    )
    return path


def claims(traces):
    for trace in traces:
        for step in trace.steps:
            yield from step.info.line_nos
            yield from (one.extra.bashgym.line_no for one in (step.observation.results if step.observation else []))
        yield from (one.line_no for one in trace.info.events + trace.info.malformed)


def request(number, method="tools/call", **params):
    return {"jsonrpc": "2.0", "id": number, "method": method, "params": params}


def result(number, **value):
    return {"jsonrpc": "2.0", "id": number, "result": value}


def text(words):
    return {"content": [{"type": "text", "text": words}]}


def test_the_real_log(samples):
    path = samples / "rig-mcp" / "jsonrpc.jsonl"
    said = [json.loads(line)["m"] for line in path.read_bytes().splitlines()]
    plugin = source(path)
    assert isinstance(plugin, Source)
    (ref,) = plugin.list()
    traces = list(plugin.read(ref))
    assert sorted(claims(traces)) == list(range(1, len(said) + 1))
    assert sum(file.lines for trace in traces for file in trace.info.source.files) == len(said)
    assert len(traces) == sum(one.get("method") == "initialize" for one in said) == 30
    calls = [one["params"] for one in said if one.get("method") == "tools/call"]
    made = [call for trace in traces for step in trace.steps for call in step.tool_calls]
    assert [(call.function_name, call.arguments) for call in made] == [(c["name"], c["arguments"]) for c in calls]
    assert [call.tool_call_id for call in made] == [
        call.get("_meta", {}).get("claudecode/toolUseId", made[n].tool_call_id) for n, call in enumerate(calls)
    ]
    answers = [one["result"] for one in said if "content" in (one.get("result") or {})]
    results = [r for trace in traces for step in trace.steps for r in step.observation.results]
    assert [plain(r.content) for r in results] == [a["content"][0]["text"] for a in answers]
    assert [r.extra.bashgym.is_error for r in results] == [a.get("isError", False) for a in answers]
    versions = [one["params"]["clientInfo"]["version"] for one in said if one.get("method") == "initialize"]
    assert [trace.agent.version for trace in traces] == versions
    probes = sum(one.get("method") == "server/discover" for one in said)
    assert Counter(trace.info.foreign.get("requests without response", 0) for trace in traces) == {
        0: 30 - probes,
        1: probes,
    }
    assert len({trace.trajectory_id for trace in traces}) == 30
    assert all(from_builtins(json.loads(json.dumps(to_builtins(trace)))) == trace for trace in traces)
    assert b"iVBORw0KGgo" not in json.dumps([to_builtins(trace) for trace in traces]).encode()


LINES = [
    ("client", request(0, "initialize", clientInfo={"name": "c", "version": "2"})),
    ("server", result(0, serverInfo={"name": "s"})),
    ("client", request(1, name="echo", arguments={"n": 1})),
    ("server", request(1, "sampling/createMessage", messages=[])),
    ("client", request("1", name="echo", arguments={"n": 2})),
    ("client", result(1, model="m")),
    ("server", result("1", **text("two"))),
    ("server", result(1, **text("one"))),
    ("server", {"jsonrpc": "2.0", "method": "notifications/message", "params": {"data": "log"}}),
]
WRAPPERS = {
    "ours": lambda side, said: {"ts": "2026-01-01T00:00:00.000Z", "direction": side, "message": said},
    "in and out, as the server sees it": lambda side, said: {"dir": {"client": "in", "server": "out"}[side], "m": said},
    "in and out, as the client sees it": lambda side, said: {"dir": {"client": "out", "server": "in"}[side], "m": said},
    "in batches": lambda side, said: {"direction": side, "message": [said]},
}


@pytest.mark.parametrize("wrapper", WRAPPERS)
def test_ids_are_paired_by_direction_and_type(tmp_path, wrapper):
    (trace,) = read(saved(tmp_path, *(WRAPPERS[wrapper](*line) for line in LINES)))
    pairs = [(s.tool_calls[0].arguments["n"], plain(s.observation.results[0].content)) for s in trace.steps]
    assert pairs == [(1, "one"), (2, "two")]
    assert [event.type for event in trace.info.events][2:] == [
        "sampling/createMessage", "sampling/createMessage result", "notifications/message",
    ]  # fmt: skip
    assert trace.info.foreign == {}
    assert sorted(claims([trace])) == list(range(1, 10))
    assert (trace.agent.name, trace.steps[0].tool_calls[0].extra.bashgym.mcp_server) == ("c", "s")
    assert trace.info.outcome.ended == "unknown"


def test_messages_without_a_wrapper(tmp_path):
    (trace,) = read(saved(tmp_path, *(said for side, said in LINES if said.get("id") != 1 or "method" not in said)))
    assert [plain(step.observation.results[0].content) for step in trace.steps] == ["two"]
    assert trace.info.foreign == {"responses without request": 2}


def test_errors_are_results_and_what_has_no_answer_is_counted(tmp_path):
    error = {"jsonrpc": "2.0", "id": 1, "error": {"code": -32602, "message": "no such tool", "data": [1]}}
    lines = [request(1, name="x"), error, request(2, name="y", arguments=["a"]), result(9, **text("late"))]
    (trace,) = read(saved(tmp_path, *lines, result(1, **text("again"))))
    failed, open_call = trace.steps
    (answer,) = failed.observation.results
    assert (answer.content, answer.extra.bashgym.is_error) == ("no such tool", True)
    assert answer.extra.bashgym.raw == {"error": error["error"]}
    assert open_call.observation is None and open_call.tool_calls[0].arguments == {"input": ["a"]}
    assert trace.info.foreign == {"requests without response": 1, "responses without request": 2}
    assert trace.info.outcome.tool_errors == 1


def test_content_of_every_type(tmp_path):
    picture = "iVBORw0KGgo="
    content = [
        {"type": "text", "text": "t"},
        {"type": "image", "data": picture, "mimeType": "image/png", "annotations": {"priority": 1}},
        {"type": "resource", "resource": {"uri": "file:///a", "text": "words"}},
        {"type": "resource", "resource": {"uri": "file:///b", "blob": picture}},
        {"type": "resource_link", "uri": "file:///c"},
        "odd",
    ]
    more = {"structuredContent": {"a": 1}, "_meta": {"b": 2}}
    (trace,) = read(saved(tmp_path, request(1, name="x", arguments={}), result(1, content=content, **more)))
    (answer,) = trace.steps[0].observation.results
    assert [part["type"] for part in answer.content] == [
        "text",
        "image",
        "resource",
        "resource",
        "resource_link",
        "text",
    ]
    assert answer.content[1]["bytes"] == answer.content[3]["bytes"] == 8
    assert answer.content[2]["text"] == "words"
    assert answer.extra.bashgym.raw == more
    assert picture not in json.dumps(to_builtins(trace))


def test_tools_pages_and_cancellation(tmp_path):
    tools = [{"name": n, "description": d, "inputSchema": {"type": "object"}} for n, d in ("ab", "cd", "ae")]
    lines = [
        request(1, "tools/list"), result(1, tools=tools[:2], nextCursor="x"),
        request(2, "tools/list", cursor="x"), result(2, tools=[tools[2], "odd"]),
        request(3, name="a", arguments={}),
        {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 3}},
    ]  # fmt: skip
    (trace,) = read(saved(tmp_path, *lines))
    functions = [tool["function"] for tool in trace.agent.tool_definitions]
    assert [(one["name"], one["description"]) for one in functions] == [("a", "e"), ("c", "d")]
    assert functions[0]["parameters"] == {"type": "object"}
    assert trace.steps[0].tool_calls[0].extra.bashgym.interrupted


def test_lines_that_are_no_messages_are_kept(tmp_path):
    printed = {"ts": "2026-01-01T00:00:00Z", "direction": "server", "raw": "Listening ..."}
    traces = read(saved(tmp_path, printed, b"{torn", {"a": 1}, b"[1]", request(1, name="x")))
    assert sorted(claims(traces)) == [1, 2, 3, 4, 5]
    (trace,) = traces
    assert [event.type for event in trace.info.events] == ["not JSON-RPC", "not JSON-RPC"]
    assert [one.line_no for one in trace.info.malformed] == [2, 4]


def test_the_default_is_the_spool_and_forgotten_logs_stay_out(own_home):
    with pytest.raises(
        InputError, match=r"source.mcp.path: .*/spool/mcp is not there; .*bashgym capture mcp -- COMMAND"
    ):
        source().list()
    folder = own_home / "spool" / "mcp"
    folder.mkdir(parents=True)
    saved(folder, request(1, name="x"))
    assert [ref.id for ref in source().list()] == ["log"]
    import hashlib

    (own_home / "forgotten").write_text(hashlib.sha256(b"log").hexdigest() + "\n")
    plugin = source()
    assert list(plugin.list()) == [] and plugin.left_out.total() == 1


def test_the_preset_is_the_config():
    values = yaml.safe_load((paths.shipped("conf") / "source" / "mcp.yaml").read_text())
    assert values == {"plugin": "mcp", "path": ""}


LOG = b"\n".join(json.dumps(WRAPPERS["ours"](*line)).encode() for line in LINES * 2) + b"\n"


@given(
    st.lists(st.tuples(st.integers(0, len(LOG) - 1), st.integers(0, 255)), min_size=1, max_size=8), st.integers(0, 300)
)
def test_damaged_bytes_leave_every_line_in_one_place(tmp_path_factory, changes, cut):
    data = bytearray(LOG)
    for position, byte in changes:
        data[position] = byte
    path = tmp_path_factory.mktemp("mcp") / "log.jsonl"
    path.write_bytes(data[: len(data) - cut])
    traces = read(path)
    lines = [n for n, line in enumerate(bytes(data[: len(data) - cut]).split(b"\n"), 1) if line.strip()]
    assert sorted(claims(traces)) == lines
    assert all(from_builtins(to_builtins(trace)) == trace for trace in traces)


JSON = (
    st.none() | st.booleans() | st.integers() | st.text(max_size=4) | st.lists(st.integers(), max_size=2) | st.just({})
)
KEYS = "id method params result error name arguments _meta content isError clientInfo serverInfo direction ts message"


@given(st.integers(0, len(LINES) - 1), st.sampled_from(KEYS.split()), JSON)
def test_wrong_types_anywhere_do_no_harm(tmp_path_factory, line, key, value):
    lines = json.loads(json.dumps([WRAPPERS["ours"](*one) for one in LINES]))
    place = lines[line]
    for one in (place, place["message"], place["message"].get("params"), place["message"].get("result")):
        if isinstance(one, dict) and key in one:
            one[key] = value
    traces = read(saved(tmp_path_factory.mktemp("mcp"), *lines))
    assert sorted(claims(traces)) == list(range(1, len(lines) + 1))
    assert all(from_builtins(to_builtins(trace)) == trace for trace in traces)
