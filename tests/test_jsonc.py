"""Settings are changed where they must be, and nowhere else."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bashgym import jsonc

WORDS = st.text('ab"\\/*,:{}[] \tü', max_size=6)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-99, 99) | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=8,
)
GAPS = st.sampled_from(["", " ", "\n", "\n\t", "\r\n  ", "\n    ", " /* {,} */ ", ' // note, ["]\n  ', "\n// x\r\n"])


@st.composite
def texts(draw: st.DrawFn, value: object = None, top: bool = True) -> str:
    """JSON of a value with blanks, comments and trailing commas anywhere."""
    value = draw(st.dictionaries(WORDS, VALUES, max_size=4)) if top and value is None else value
    gap = lambda: draw(GAPS)  # noqa: E731
    if isinstance(value, dict):
        parts = [f"{json.dumps(k)}{gap()}:{gap()}{draw(texts(v, False))}{gap()}" for k, v in value.items()]
        body = "{", parts, "}"
    elif isinstance(value, list):
        body = "[", [draw(texts(one, False)) + gap() for one in value], "]"
    else:
        body = json.dumps(value, ensure_ascii=draw(st.booleans())), [], ""
    inner = ("," + gap()).join(body[1]) + (("," + gap()) if body[1] and draw(st.booleans()) else "")
    text = body[0] + (gap() + inner + body[2] if body[2] else "")
    return draw(st.sampled_from(["", "\ufeff"])) + gap() + text + gap() if top else text


@given(st.dictionaries(WORDS, VALUES, max_size=4), st.data())
def test_any_layout_is_read(value: dict, data: st.DataObject):
    assert jsonc.parse(data.draw(texts(value))).value == value


@given(texts(), WORDS.filter(bool), VALUES)
def test_what_is_put_in_is_there_and_comes_out_without_a_trace(text: str, key: str, value: object):
    before = jsonc.parse(text)
    added = jsonc.appended(text, before, value, key)
    after = jsonc.parse(added)
    assert after.value == {**before.value, key: value}
    taken = jsonc.without(added, after, len(after.members) - 1)
    assert jsonc.parse(taken).value == {one.key: one.node.value for one in before.members}
    if before.members:
        assert taken == text
    assert taken.split() == text.split() or not before.members


@given(texts(), st.data())
def test_taking_out_leaves_the_others_and_every_comment(text: str, data: st.DataObject):
    node = jsonc.parse(text)
    if not node.members:
        return
    index = data.draw(st.integers(0, len(node.members) - 1))
    taken = jsonc.without(text, node, index)
    left = [one for number, one in enumerate(node.members) if number != index]
    assert [(one.key, one.node.value) for one in jsonc.parse(taken).members] == [(o.key, o.node.value) for o in left]
    outside = text[: node.members[index].start] + text[node.members[index].end :]
    for comment in ("note", "{,}", "// x"):
        assert taken.count(comment) == outside.count(comment)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", 1), ("{", 1), ('{"a" 1}', 1), ('{\n"a":1\n"b":2}', 3), ("{a:1}", 1), ("{'a':1}", 1), ("[1,,2]", 1),
        ('{"a":1}\n}', 2), ("{}/* open", 1), ("[1}", 1), ("{1:2}", 1), ("nul", 1),
    ],
)  # fmt: skip
def test_what_is_no_json_is_told_with_its_line(text: str, line: int):
    with pytest.raises(jsonc.NotJson, match=f"line {line}:"):
        jsonc.parse(text)


def test_depth_is_no_crash():
    with pytest.raises(jsonc.NotJson):
        jsonc.parse("[" * 100_000)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("{}", '{\n  "k": [\n    1\n  ]\n}'),
        ('{"a":1}', '{"a":1, "k": [1]}'),
        ('{\n\t"a": 1\n}\n', '{\n\t"a": 1,\n\t"k": [\n\t\t1\n\t]\n}\n'),
        ('{\r\n    "a": 1, // one\r\n}', '{\r\n    "a": 1, // one\r\n    "k": [\r\n        1\r\n    ],\r\n}'),
        ('{\n  "a": 1 // one\n}', '{\n  "a": 1, // one\n  "k": [\n    1\n  ]\n}'),
        ("{\n  // nothing yet\n}", '{\n  // nothing yet\n  "k": [\n    1\n  ]\n}'),
    ],
)
def test_it_is_laid_out_as_its_owner_does(before: str, after: str):
    assert jsonc.appended(before, jsonc.parse(before), [1], "k") == after


def test_of_repeated_keys_the_last_counts():
    assert jsonc.parse('{"a":1,"a":2}').get("a").value == 2
