"""Copies in other words: consistent, undone by the inverse, never for measuring; by forms or by a model."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bashgym.mining.renamed import in_message, mapping
from bashgym.mining.reworded import reworded
from bashgym.records import Drop
from bashgym.registry import load
from tests.fakes.model_server import KEY, ModelServer
from tests.judge.traces import bash, human, says, trace, write

CODE = "def load_rows(path):\n    return open(path)\n\n\nclass RowLoader:\n    rows = load_rows('a')\n"


def session(request: str = "Add a loader for rows."):
    return trace(
        human(request), write("/app/load_rows.py", CODE),
        bash("python -c 'import load_rows'", "ok: load_rows, RowLoader"),
        says("`load_rows` and RowLoader are there; reload_rows is not."),
    )  # fmt: skip


def found(one, check=lambda data: None, **config):
    cls = load("synthesizer", "augment")
    made = cls(cls.Config(**config))
    made.outgoing = check
    return list(made.synthesize(one, ()))


def test_names_and_requests_are_changed_throughout():
    same = session()
    (one,) = found(same)
    text = json.dumps(one.messages)
    assert one.origin == "augment" and one.meta == {"renamed": 2, "reworded": 1, "train_only": True}
    assert '"load_rows' not in text and " load_rows" not in text and "RowLoader" not in text
    assert "reload_rows" in text  # another word
    assert "read_rows" in text and "/app/read_rows.py" in text and "import read_rows" in text
    assert one.messages[0]["content"] == "Could you add a loader for rows?"
    assert len(one.keys) == len(one.messages) == len(one.steps)
    assert one == found(same)[0]


def test_variants_differ_and_what_cannot_be_changed_is_counted():
    assert len({json.dumps(one.messages) for one in found(session(), variants=3)}) == 3
    assert found(trace(human("hm"), says("yes"))) == [Drop(reason="augment: nothing to say otherwise")]


NAMES = st.lists(
    st.sampled_from(["load_rows", "rowLoader", "RowLoader", "get_user_name", "parseLine", "sumTotal", "sum_total"]),
    min_size=1, max_size=5, unique=True,
)  # fmt: skip


@given(NAMES, st.text(alphabet="ab_ .(Rows", max_size=60), st.integers(0, 50))
@settings(max_examples=150)
def test_renaming_is_undone_by_its_inverse(names, noise, seed):
    code = "\n".join(f"def {name}(x):\n    return {name}(x)" for name in names) + noise
    call = {"id": "c", "type": "function", "function": {"name": "Write", "arguments": {"content": code}}}
    messages = [{"role": "user", "content": noise}, {"role": "assistant", "content": code, "tool_calls": [call]}]
    changed = mapping(messages, 10, str(seed))
    assert len(set(changed.values())) == len(changed) and not set(changed) & set(changed.values())
    back = {new: old for old, new in changed.items()}
    there = [in_message(message, changed) for message in messages]
    assert [in_message(message, back) for message in there] == messages
    assert there[1]["tool_calls"][0]["function"]["name"] == "Write"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Fix the parser", "Could you fix the parser?"),
        ("please add a test. It must be fast.", "Could you add a test? It must be fast."),
        ("What is this?", None), ("the parser is broken", None), ("Run it?", None),
        ("Fix a.py now.", "Could you fix a.py now?"), ("Add:\n- a\n- b", None), ("", None),
    ],
)  # fmt: skip
def test_only_plain_commands_are_reworded(text, expected):
    assert reworded(text, 0) == expected


def test_a_model_rewords(monkeypatch):
    monkeypatch.setenv("MODEL_KEY", KEY)
    with ModelServer(lambda prompt: {"request": "A loader for rows is needed."}) as server:
        config = {"requests": "endpoint", "url": server.openai, "model": "claude-haiku-4-5", "key_env": "MODEL_KEY"}
        (one,) = found(session(), **config)
        assert one.messages[0]["content"] == "A loader for rows is needed."
        assert len(server.requests) == 1
        (unsent,) = found(session("Make a loader for lines."), check=None, **config)
        assert unsent.meta["reworded"] == 0 and len(server.requests) == 1
        dropped, kept = found(session("Make a loader for bytes."), max_usd=0.0, **config)
        assert dropped == Drop(reason="augment: over the day's limit") and kept.meta["reworded"] == 0
