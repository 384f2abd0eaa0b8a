"""The hub source, on files that `datasets` itself wrote; no network. Rows were built from what is known of the sets."""

import json
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from bashgym import paths, registry
from bashgym.errors import InputError, MissingPackage, RecipeError
from bashgym.hub import overlap
from bashgym.kinds import Source
from bashgym.trace import from_builtins, to_builtins

ROOT = Path(__file__).parents[2]
TOOL = {"name": "Bash", "description": "runs", "input_schema": {"type": "object", "properties": {}}}


def source(**given):
    cls = registry.load("source", "hub")
    return cls(cls.Config(**{key: str(value) if key == "dataset" else value for key, value in given.items()}))


def read(**given):
    plugin = source(**given)
    return [(ref, list(plugin.read(ref))) for ref in plugin.list()]


def parquet(path, rows, **more):
    import datasets

    datasets.disable_progress_bars()
    datasets.Dataset.from_list(rows, **more).to_parquet(str(path))
    return path


def say(role, *blocks):
    return {"role": role, "content": list(blocks)}


def text(words):
    return {"type": "text", "text": words}


CALL = {"type": "tool_use", "id": "toolu_1", "name": "Bash", "input": {"command": "ls", "limit": None}}
DONE = {"type": "tool_result", "tool_use_id": "toolu_1", "content": "a.py", "is_error": True}
TALK = [
    say("user", text("<system-reminder>be brief</system-reminder>")),
    say("user", {**text("list"), "cache_control": {"type": "ephemeral"}}),
    say("assistant", {"type": "thinking", "thinking": "hm", "signature": "sig"}, text("Here:"), CALL),
    say("user", DONE, text("and now?")),
]


def nlile(**more):
    row = {"messages_json": json.dumps(TALK), "tools_json": json.dumps([TOOL]), "timestamp": "2025-01-01T00:00:00Z"}
    return {**row, "user_prompt": "list", "assistant_response": "All done.", "request_id": "r", **more}


def preset(name):
    values = yaml.safe_load((paths.shipped("conf") / "source" / f"{name}.yaml").read_text())
    values.pop("plugin")
    return values


def test_it_keeps_the_contract_and_names_what_is_missing(monkeypatch):
    assert isinstance(source(), Source)
    with pytest.raises(InputError, match=r"^source.hub.dataset: none is named; set source.hub.dataset=OWNER/NAME"):
        source().list()
    with pytest.raises(InputError, match=r"source.hub.dataset ./nowhere.parquet: cannot be loaded"):
        source(dataset="./nowhere.parquet").list()
    monkeypatch.setitem(__import__("sys").modules, "datasets", None)
    with pytest.raises(MissingPackage, match=r"pip install 'bashgym\[hub\]'"):
        source(dataset="a/b").list()


def test_a_hub_that_cannot_be_reached_is_one_line(tmp_path):
    code = (
        "from bashgym import registry\nfrom bashgym.errors import InputError\ncls = registry.load('source', 'hub')\n"
        "try: list(cls(cls.Config(dataset='somebody/something', limit=2)).list())\n"
        "except InputError as error: print(error)"
    )
    env = {**os.environ, "HF_ENDPOINT": "http://127.0.0.1:9", "HF_HOME": str(tmp_path), "PYTHONPATH": str(ROOT)}
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, env=env)
    (line,) = ran.stdout.splitlines()
    assert line.startswith("source.hub.dataset somebody/something: cannot be loaded (")
    assert line.endswith("check the name, the split, the revision and the network; HF_TOKEN opens gated data sets")


def test_the_presets_settings_read_rows_of_their_shape(tmp_path, capsys):
    path = parquet(tmp_path / "train.parquet", [nlile()])
    ((ref, (trace,)),) = read(**{**preset("hub_nlile"), "dataset": path})
    assert (ref.id, trace.info.source.dataset, trace.info.source.license) == ("row:0", str(path), "missing")
    assert "names no licence" in capsys.readouterr().err
    meta, asked, reply, more, last = trace.steps
    assert (meta.info.kind, asked.text, more.text, last.text) == ("meta", "list", "and now?", "All done.")
    assert (reply.reasoning_content, reply.info.signatures, reply.text) == ("hm", ["sig"], "Here:")
    assert reply.tool_calls[0].arguments == {"command": "ls", "limit": None}
    assert reply.results()["toolu_1"].extra.bashgym.is_error
    assert trace.agent.tool_definitions[0]["function"]["name"] == "Bash"
    assert last.timestamp == "2025-01-01T00:00:00Z" and trace.info.outcome.ended == "completed"
    assert [step.info.line_nos for step in trace.steps] == [[1], [2], [3], [4], []]
    assert from_builtins(to_builtins(trace)) == trace
    for name in ("hub_arcee", "hub_agentlans"):
        turns = [{"from": "human", "value": "hi"}, {"from": "gpt", "value": "hello"}]
        path = parquet(tmp_path / f"{name}.parquet", [{"conversations": turns}])
        ((_, (trace,)),) = read(**{**preset(name), "dataset": path, "license": "mit"})
        assert [step.text for step in trace.steps] == ["hi", "hello"] and trace.info.source.license == "mit"


def test_a_column_that_is_not_there_is_an_error_that_lists_those_that_are(tmp_path):
    path = parquet(tmp_path / "one.parquet", [{"conversation": "[]", "id": "x"}])
    with pytest.raises(InputError) as caught:
        source(dataset=path).list()
    assert str(caught.value) == "source.hub.fields.messages: no column 'messages'; the columns are conversation, id"
    with pytest.raises(InputError, match=r"fields.request: no column is named; the columns are conversation, id"):
        source(dataset=path, format="request_response", fields={"messages": "conversation"}).list()
    with pytest.raises(RecipeError, match=r"source.hub.format: input should be 'anthropic_messages'"):
        registry.build(registry.find("source", "hub"), {"format": "alpaca"}, "source.hub")


def test_requests_that_repeat_a_conversation_are_one_session(tmp_path):
    rows = [nlile(messages_json=json.dumps(TALK[:2])), nlile(messages_json=json.dumps(TALK)), nlile()]
    rows.append(nlile(messages_json=json.dumps([say("user", text("a title"))])))
    plain = [{"role": "user", "content": "be brief, list"}]
    rows += [nlile(messages_json=json.dumps(plain)), nlile(messages_json=json.dumps([*plain, TALK[2]]))]
    path = parquet(tmp_path / "train.parquet", rows)
    plugin = source(**{**preset("hub_nlile"), "dataset": path, "license": "mit"})
    assert [ref.row for ref in plugin.list()] == [1, 3, 5]
    assert sum(plugin.left_out.values()) == 3


@pytest.mark.parametrize("seed", range(50))
def test_the_longest_of_each_chain_stays_however_they_are_mixed(seed):
    dice = random.Random(seed)
    whole = [[f"{talk} {n}" for n in range(dice.randint(1, 6))] for talk in range(4)]
    rows = [talk[: dice.randint(1, len(talk))] for talk in whole for _ in range(4)] + whole
    dice.shuffle(rows)
    kept = [rows[number] for number in overlap.longest(rows)]
    assert sorted(kept) == sorted(whole)


def test_openai_messages_in_structs_keep_only_what_was_said(tmp_path):
    call = {"id": "c1", "type": "function", "function": {"name": "ls", "arguments": '{"path": "."}'}}
    rows = [
        {
            "messages": [
                {"role": "system", "content": "be good", "tool_calls": None, "tool_call_id": None},
                {"role": "user", "content": "list", "tool_calls": None, "tool_call_id": None},
                {"role": "assistant", "content": None, "tool_calls": [call], "tool_call_id": None},
                {"role": "tool", "content": "a.py", "tool_calls": None, "tool_call_id": "c1"},
                {"role": "assistant", "content": "one file", "tool_calls": None, "tool_call_id": None},
            ],
            "session": "s-1",
            "model": "gpt-x",
        }
    ]
    path = parquet(tmp_path / "one.parquet", rows)
    fields = {"messages": "messages", "id": "session", "model": "model"}
    ((ref, (trace,)),) = read(dataset=path, fields=fields, license="mit")
    assert (ref.id, trace.session_id, trace.agent.model_name) == ("s-1", "s-1", "gpt-x")
    assert [step.source for step in trace.steps] == ["system", "user", "agent", "agent"]
    assert trace.steps[2].tool_calls[0].arguments == {"path": "."}
    assert trace.steps[2].results()["c1"].content == "a.py"
    assert trace.info.outcome.ended == "completed"


def test_sharegpts_written_calls_are_calls(tmp_path):
    turns = [
        {"from": "system", "value": "tools: ..."},
        {"from": "human", "value": "weather?"},
        {
            "from": "gpt",
            "value": 'Sure. <functioncall> {"name": "get", "arguments": \'{"city": "Bern"}\'} <|endoftext|>',
        },
        {"from": "human", "value": 'FUNCTION RESPONSE: {"t": 3}'},
        {"from": "gpt", "value": '<tool_call>{"name": "f", "arguments": {}}</tool_call><tool_call>{bad</tool_call>'},
        {"from": "tool", "value": "<tool_response>ok</tool_response>"},
        {"from": "function_call", "value": '{"name": "g", "arguments": "{}"}'},
        {"from": "observation", "value": "fine"},
        {"from": "gpt", "value": "3 degrees"},
        {"from": "narrator", "value": "?"},
    ]
    path = parquet(tmp_path / "one.parquet", [{"conversations": turns}])
    ((_, (trace,)),) = read(dataset=path, format="sharegpt", fields={"messages": "conversations"}, license="mit")
    _, _, first, second, third, last = trace.steps
    assert (first.text, first.tool_calls[0].arguments) == ("Sure.", {"city": "Bern"})
    assert first.observation.results[0].content == '{"t": 3}'
    assert second.text == "<tool_call>{bad</tool_call>" and second.observation.results[0].content == "ok"
    assert third.tool_calls[0].function_name == "g" and third.observation.results[0].content == "fine"
    assert last.text == "3 degrees" and [bad.line_no for bad in trace.info.malformed] == [10]


def test_requests_with_their_responses_have_tokens(tmp_path):
    response = {"id": "msg_1", "model": "claude-x", "content": [text("hi there")], "stop_reason": "end_turn",
                "usage": {"input_tokens": 5, "output_tokens": 2, "cache_read_input_tokens": 7}}  # fmt: skip
    request = {"model": "claude-x", "system": [text("be good")], "messages": TALK[:2], "tools": [TOOL]}
    other = {"id": "c", "choices": [{"message": {"role": "assistant", "content": "yo"}, "finish_reason": "stop"}],
             "usage": {"prompt_tokens": 9, "completion_tokens": 1}}  # fmt: skip
    asked = {"model": "gpt-x", "messages": [{"role": "system", "content": "x"}, {"role": "user", "content": "hi"}]}
    rows = [{"req": json.dumps(a), "res": json.dumps(b)} for a, b in ((request, response), (asked, other))]
    path = parquet(tmp_path / "one.parquet", rows)
    found = read(dataset=path, format="request_response", fields={"request": "req", "response": "res"}, license="mit")
    (_, (claude,)), (_, (gpt,)) = found
    assert claude.steps[-1].text == "hi there" and claude.steps[-1].info.message_id == "msg_1"
    totals = claude.info.totals
    assert (totals.input_tokens, totals.cache_read_input_tokens, totals.output_tokens) == (5, 7, 2)
    assert [step.source for step in gpt.steps] == ["system", "user", "agent"] and gpt.info.totals.input_tokens == 9


def test_claude_codes_lines_and_atif_come_back_as_what_they_are(tmp_path, samples):
    (session,) = (samples / "claude-code-entire").glob("tiny-2.0.74*")
    cls = registry.load("source", "claude_code")
    plugin = cls(cls.Config(path=str(session)))
    ((original,),) = [list(plugin.read(ref)) for ref in plugin.list()]
    path = parquet(tmp_path / "lines.parquet", [{"trace": session.read_text()}])
    ((_, (trace,)),) = read(dataset=path, format="claude_code_lines", fields={"lines": "trace"}, license="mit")
    assert trace.steps == original.steps and trace.info.events == original.info.events
    assert trace.info.source.license == "mit"
    from bashgym import jsonl
    from bashgym.atif import writing

    document = jsonl.dumps(writing.document([original])).decode()
    path = parquet(tmp_path / "atif.parquet", [{"doc": document}])
    ((_, (trace,)),) = read(dataset=path, format="atif", fields={"document": "doc"}, license="mit")
    assert trace.steps == original.steps and trace.info.source.dataset == str(path)


def test_jsonl_folders_and_cards_are_read(tmp_path):
    folder = tmp_path / "set"
    folder.mkdir()
    row = {"messages": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "yo"}]}
    (folder / "train.jsonl").write_text("\n".join([json.dumps(row)] * 3))
    (folder / "README.md").write_text("---\nlicense: cc-by-4.0\n---\n# a set\n")
    found = read(dataset=folder)
    assert len(found) == 3 and found[0][1][0].info.source.license == "cc-by-4.0"
    assert len(read(dataset=folder / "train.jsonl")) == 3


def test_a_limit_takes_the_first_rows_and_keeps_them(tmp_path, own_home):
    rows = [{"messages": json.dumps([{"role": "user", "content": str(n)}]), "id": f"s{n}"} for n in range(50)]
    path = parquet(tmp_path / "big.parquet", rows)
    found = read(dataset=path, limit=3, fields={"messages": "messages", "id": "id"}, license="mit")
    assert [ref.id for ref, _ in found] == ["s0", "s1", "s2"]
    assert [trace.steps[0].text for _, (trace,) in found] == ["0", "1", "2"]
    (kept,) = (own_home / "cache" / "hub").glob("*.parquet")
    stamp = kept.stat().st_mtime_ns
    assert len(read(dataset=path, limit=3, license="mit")) == 3 and kept.stat().st_mtime_ns == stamp
    parquet(path, rows[10:])
    assert [t.steps[0].text for _, (t,) in read(dataset=path, limit=2, license="mit")] == ["10", "11"]


def test_rows_that_are_no_sessions_are_kept_aside(tmp_path):
    good = json.dumps([{"role": "user", "content": "hi"}])
    rows = [{"messages": value} for value in (good, "{torn", "null", None, "[]", "words", good)]
    path = parquet(tmp_path / "one.parquet", rows)
    found = read(dataset=path, license="mit")
    assert [bool(traces[0].steps) for _, traces in found] == [True, *[False] * 5, True]
    for number, (ref, (trace,)) in list(enumerate(found))[1:-1]:
        (bad,) = trace.info.malformed
        assert (ref.row, bad.line_no) == (number, number + 1) and json.loads(bad.raw) == rows[number]


SMALL = {
    "sharegpt": [
        {"from": "human", "value": "a"},
        {"from": "gpt", "value": "<tool_call>{}</tool_call>"},
        {"from": "tool", "value": "x"},
    ],
    "openai_messages": [
        {"role": "user", "content": "a"},
        {"role": "assistant", "content": "b", "tool_calls": [{"id": "1", "function": {"name": "f", "arguments": "{"}}]},
        {"role": "tool", "tool_call_id": "1", "content": "c"},
    ],
}


@pytest.mark.parametrize("seed", range(60))
@pytest.mark.parametrize("format", ["anthropic_messages", "openai_messages", "sharegpt", "request_response"])
def test_damaged_messages_never_crash_and_stay_in_their_place(tmp_path, format, seed):
    from bashgym.hub import sessions
    from bashgym.reading.conversation import source_info
    from bashgym.records import SessionRef

    dice = random.Random(f"{format} {seed}")
    turns = json.loads(json.dumps(SMALL.get(format, TALK)))
    for _ in range(3):
        at = dice.randrange(len(turns))
        if isinstance(turns[at], dict) and turns[at] and dice.random() < 0.7:
            turns[at][dice.choice(list(turns[at]))] = dice.choice([None, 1, [], {}, [1], [{}], {"a": []}, "x", True])
        else:
            turns[at] = dice.choice([None, 1, "x", [], {}])
    row = {
        "messages": turns,
        "request": {"messages": turns},
        "response": dice.choice([None, {}, "x", {"content": [1]}]),
    }
    ref = SessionRef(source="hub", id="s", path="p", size=1, sha256="0", row=0)
    row = row if format == "request_response" else {"messages": turns}
    (trace,) = sessions.traces(row, format, ref, source_info("hub", []))
    places = {number for step in trace.steps for number in step.info.line_nos}
    places |= {
        one.extra.bashgym.line_no for step in trace.steps if step.observation for one in step.observation.results
    }
    places |= {one.line_no for one in (*trace.info.malformed, *trace.info.events)}
    assert places - {None} == set(range(1, len(turns) + 1))
    assert from_builtins(to_builtins(trace)) == trace


def test_long_runs_of_odd_text_cost_little_time(tmp_path):
    from bashgym.reading import messages
    from bashgym.reading.conversation import Conversation

    for words in (
        " " * 200_000,
        "<tool_call>" * 20_000,
        "<tool_call>" + " " * 200_000,
        "FUNCTION RESPONSE:" + " " * 200_000 + "x",
    ):
        talk = Conversation()
        messages.sharegpt(talk, [{"from": "gpt", "value": words}, {"from": "human", "value": words}])
        assert len(talk.steps) == 2
