"""An array of conversations cut into pieces: whole, odd, and damaged."""

import json
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bashgym.exports import records
from bashgym.exports.files import Part

OPENING = re.compile(rb'\{"uuid"\s*:\s*"[^"]*+"\s*,\s*"name"')


def chats(n: int) -> list[dict]:
    text = 'brackets } ] { [ and \\ "quotes" \\" and {"uuid": "x", "name": "in a string"}'
    return [{"uuid": f"id-{k}", "name": text, "chat_messages": [{"text": text, "n": [k, {}]}]} for k in range(n)]


def pieces(data: bytes) -> list[bytes]:
    return [bytes(piece) for piece in records.pieces(data, OPENING)]


def named(data: bytes) -> list[str]:
    return list(records.records([Part(None, "conversations.json", data)], OPENING))


@pytest.mark.parametrize("indent", [None, 1])
def test_the_pieces_are_the_elements(indent):
    data = json.dumps(chats(5), indent=indent).encode()
    assert [json.loads(piece) for piece in pieces(data)] == chats(5)
    assert [json.loads(piece) for piece in pieces(b"\xef\xbb\xbf" + data + b"\r\n")] == chats(5)
    assert records.by_brackets(memoryview(data)) == [memoryview(piece) for piece in pieces(data)]


def test_what_msgspec_refuses_is_cut_by_brackets():
    odd = chats(3)
    odd[1]["name"] = "half a pair \ud800"
    odd[2]["chat_messages"] = [float("nan"), 10**400]
    data = json.dumps(odd).encode()
    assert [piece[:20] for piece in pieces(data)] == [json.dumps(one).encode()[:20] for one in odd]
    assert named(data) == ["id-0", "id-1", "id-2"]


@pytest.mark.parametrize("key", [b'"n"', b'"chat_messages": [', b"}]}", b'"name": "'])
def test_damage_to_one_does_not_take_the_others_along(key):
    before, after = (json.dumps(one).encode() for one in (chats(1)[0], chats(3)[2]))
    broken = json.dumps(chats(2)[1]).encode().replace(key, b"", 1)
    found = pieces(b"[" + before + b", " + broken + b", " + after + b"]")
    assert found[0] == before
    assert found[-1] == after
    assert b"".join(found[1:-1]).replace(b" ", b"").startswith(broken.replace(b" ", b"")[:30])


def test_a_download_that_was_cut_keeps_what_came_before():
    data = json.dumps(chats(4)).encode()
    found = pieces(data[:-40])
    assert [json.loads(piece) for piece in found[:3]] == chats(3)
    assert len(found) == 4


def test_one_conversation_alone_and_things_that_are_none():
    assert pieces(json.dumps(chats(1)[0]).encode()) == [json.dumps(chats(1)[0]).encode()]
    assert pieces(b"") == pieces(b"[]") == pieces(b" [ ] ") == []
    assert pieces(b"hello") == [b"hello"]
    assert [bytes(p) for p in pieces(b"[1, 2]")] == [b"1", b"2"]
    assert len(pieces(b"[" * 5000 + b"]" * 5000)) == 1


def test_ids_are_told_apart_and_hostile_ones_replaced():
    data = json.dumps([{"uuid": "a"}, {"uuid": "a"}, {"uuid": "../../etc"}, {}, {"id": "b", "conversation_id": "c"}, 7])
    assert named(data.encode()) == [
        "a",
        "a#2",
        "conversations.json#3",
        "conversations.json#4",
        "c",
        "conversations.json#6",
    ]


@example(b"[" + b'{"uuid": "a", "name": "' * 2000)
@example(b'{"a":' * 3000)
@given(st.binary(max_size=300) | st.text(alphabet='[]{}",:\\ a1', max_size=120).map(str.encode))
def test_any_bytes_are_kept(data):
    kept = b"".join(pieces(data))
    left = bytes(byte for byte in data if byte not in b"[], \t\r\n")
    assert bytes(byte for byte in kept if byte not in b"[], \t\r\n") in (left, left.removeprefix(b"\xef\xbb\xbf"))
