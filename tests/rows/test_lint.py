"""The lint: every fault it knows, in a row that has no other; and a run that is refused."""

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bashgym.rows import template
from bashgym.rows.lint import Fault, lint
from bashgym.rows.template import Template
from tests.test_run import new_home, some_sessions, words

READ = {
    "type": "function",
    "function": {"name": "Read", "parameters": {"required": ["path"], "properties": {"path": {}}}},
}


def call(name: str = "Read", arguments: Any = None, id: str = "c1") -> dict[str, Any]:
    return {"id": id, "type": "function", "function": {"name": name, "arguments": arguments or {"path": "a"}}}


def good() -> dict[str, Any]:
    messages = [
        {"role": "user", "content": "look", "train": False},
        {"role": "assistant", "content": "", "tool_calls": [call()], "train": True},
        {"role": "tool", "tool_call_id": "c1", "content": "x", "train": False},
        {"role": "assistant", "content": "Done.", "train": True},
    ]
    return {"id": "r", "messages": messages, "tools": [READ]}


def linted(folder: Path, *rows: Any, schema: str = "chat", chosen: Template | None = None) -> list[Fault]:
    file = folder / "train.jsonl"
    file.write_text("".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows))
    return lint(file, schema, chosen)


def changed(change: Callable[[dict[str, Any]], Any]) -> dict[str, Any]:
    row = copy.deepcopy({**good(), "id": "bad"})
    change(row)
    return row


DEFECTS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "tool arguments encoded twice": lambda row: row["messages"][1]["tool_calls"][0]["function"].update(
        arguments='{"path": "a"}'
    ),
    "empty tool arguments": lambda row: row["messages"][1]["tool_calls"][0]["function"].update(arguments={"path": ""}),
    "result of no call (orphan call id)": lambda row: row["messages"].insert(
        1, {"role": "tool", "tool_call_id": "c9", "content": "x"}
    ),
    "call without a result (orphan call id)": lambda row: row["messages"].pop(2),
    "two calls of one id": lambda row: row["messages"][1].update(tool_calls=[call(), call()]),
    "call of a tool that the row does not declare": lambda row: row.update(tools=[]),
    "nothing left to learn": lambda row: [one.update(train=False) for one in row["messages"]],
    "a message that is not the assistant's would be learnt": lambda row: row["messages"][0].update(train=True),
}


@pytest.mark.parametrize("name", DEFECTS)
def test_each_defect_is_named_counted_and_shown(name: str, tmp_path: Path):
    bad = changed(DEFECTS[name])
    found = linted(tmp_path, good(), bad, {**bad, "id": "bad too"})
    assert Fault(name, 2, "bad") in found and len(found) == 1


def test_a_sound_row_has_none_and_a_broken_line_has(tmp_path: Path):
    assert linted(tmp_path, good(), chosen=template.chosen("chatml_tools", "scratch")) == []
    masked = changed(DEFECTS["tool arguments encoded twice"])
    masked["messages"][1]["train"] = False  # shown, as it happened, and not learnt
    assert linted(tmp_path, masked) == []
    last = good()
    last["messages"] = last["messages"][:2]  # the reply that is learnt may end with its calls
    assert linted(tmp_path, last) == []
    ((_, rows, first),) = linted(tmp_path, good(), '{"half": ')
    assert (rows, first) == (1, "line 2")


def test_a_template_that_leaves_calls_out(tmp_path: Path):
    plain = "{% for m in messages %}<|{{ m['role'] }}|>{{ m['content'] }}\n{% endfor %}"
    fault = "calls that the chat template leaves out (template mismatch)"
    assert linted(tmp_path, good(), chosen=Template("plain", plain, "", "")) == [Fault(fault, 1, "r")]
    strict = "{% for m in messages %}{% if m['role'] == 'tool' %}{{ raise_exception('no') }}{% endif %}{% endfor %}"
    fault = "messages that the chat template refuses (template mismatch)"
    assert linted(tmp_path, good(), chosen=Template("strict", strict, "", "")) == [Fault(fault, 1, "r")]


CHATML, LLAMA = (template.chosen(name, "scratch") for name in ("chatml_tools", "llama2_tools"))
ASKED = CHATML.asked([{"role": "user", "content": "go"}], [])


@pytest.mark.parametrize(
    ("schema", "row", "fault"),
    [
        ("preference", {"prompt": ASKED, "chosen": "a", "rejected": "a"}, "chosen and rejected are the same"),
        ("preference", {"prompt": ASKED, "chosen": "a", "rejected": " "}, "nothing left to learn"),
        ("preference", {"prompt": "", "chosen": "a", "rejected": "b"}, "empty prompt"),
        ("feedback", {"prompt": ASKED, "completion": "", "label": True}, "nothing left to learn"),
        ("prompt_completion", {"prompt": ASKED, "completion": ""}, "nothing left to learn"),
        ("prompts", {"prompt": ASKED, "kind": ""}, "no verifier"),
    ],
)
def test_rows_of_text(schema: str, row: dict[str, Any], fault: str, tmp_path: Path):
    assert linted(tmp_path, {"id": "t", **row}, schema=schema) == [Fault(fault, 1, "t")]


def test_text_of_another_template(tmp_path: Path):
    row = {"id": "t", "prompt": ASKED, "chosen": "a", "rejected": "b"}
    assert linted(tmp_path, row, schema="preference", chosen=CHATML) == []
    fault = Fault("prompt of another chat template (template mismatch)", 1, "t")
    assert linted(tmp_path, row, schema="preference", chosen=LLAMA) == [fault]


FORGETFUL = '''"""Chat rows that lose their tools, for a test."""

from bashgym.records import Row
from bashgym.rows import conversations
from bashgym.training import stanzas


class Format:
    schema = "chat"

    class Config(conversations.ConversationConfig):
        pass

    def __init__(self, config: Config) -> None:
        self.config = config

    def stanza(self) -> dict:
        return dict(stanzas.CHAT)

    def render(self, example):
        for made in conversations.rows(example, self.config):
            if hasattr(made, "messages"):
                yield Row(id=made.id, data={"id": made.id, "messages": made.messages, "tools": []}, keys=made.keys)
'''


@pytest.mark.slow
def test_a_run_is_refused_before_anything_is_trained(bashgym: Callable, tmp_path: Path):
    for folder in ("plugins/format", "conf/format"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "plugins" / "format" / "forgetful.py").write_text(FORGETFUL)
    (tmp_path / "conf" / "format" / "forgetful.yaml").write_text("plugin: forgetful\n")
    projects = some_sessions(tmp_path / "sessions", 4)
    argv = [
        word for word in words(projects, tmp_path / "run", "format=forgetful") if word not in ("--until", "dataset")
    ]
    done = bashgym(*argv, BASHGYM_HOME=str(new_home(tmp_path / "home")))
    assert done.returncode == 1
    (line,) = [one for one in done.stderr.splitlines() if one.startswith("bashgym: ")]
    assert "train.jsonl is not fit to be trained on: " in line
    assert " x call of a tool that the row does not declare, first " in line and "bashgym examples show" in line
    assert not (tmp_path / "run" / "model").exists() and not (tmp_path / "run" / "axolotl.yaml").exists()
