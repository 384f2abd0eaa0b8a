"""Lines: broken ones kept with a reason, unknown ones kept verbatim, base64 lifted out."""

import base64
import hashlib
import json

import pytest

from bashgym.claude_code import lines
from bashgym.errors import InputError
from bashgym.reading import blobs

PICTURE = bytes(range(256)) * 40
IMAGE = {
    "type": "image",
    "source": {"type": "base64", "media_type": "image/png", "data": base64.b64encode(PICTURE).decode()},
}
LIFTED = {"sha256": hashlib.sha256(PICTURE).hexdigest(), "bytes": len(PICTURE)}


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b'{"type": "user", "message": {"role": "us', "not JSON"),
        (b"[1, 2]", "not an object"),
        (b'"a string"', "not an object"),
        (b'{"type": 7}', "type is not text"),
        (b'{"type": "user", "message": "hello"}', "message is not an object"),
        (b'{"type": "user", "message": {"role": "user"}}', "message.content is neither text nor a list"),
        (b'{"type": "user", "message": {"content": ["bare"]}}', "message.content holds something that is no block"),
        (
            b'{"type": "user", "message": {"content": [{"text": "x"}]}}',
            "message.content holds something that is no block",
        ),
        (b'{"type": "assistant", "message": {"content": [{"type": "text"}]}}', "text block without text"),
        (
            b'{"type": "assistant", "message": {"content": [{"type": "tool_use", "id": "a"}]}}',
            "tool_use block without name",
        ),
        (b'{"type": "user", "message": {"content": [{"type": "tool_result", "content": 3}]}}', "tool_result block"),
        (b'{"type": "event", "a": ' + b"[" * 300 + b"]" * 300 + b"}", "nested more than 200 deep"),
    ],
)
def test_a_broken_line_is_kept_with_its_reason(scribe, line, reason):
    scribe.user("hello")
    number = scribe.raw(line)
    scribe.user("still there")
    trace = scribe.trace()
    (bad,) = trace.info.malformed
    assert reason in bad.reason
    assert (bad.line_no, bad.raw, bad.file) == (number, line.decode(), 0)
    assert [step.text for step in trace.steps] == ["hello", "still there"]
    assert (trace.info.source.files[0].lines, trace.info.source.files[0].malformed) == (3, 1)


@pytest.mark.parametrize("level", [("[", "]"), ('{"":', "}"), ('[{"":', "}]")], ids=["lists", "objects", "both"])
def test_the_shortest_lines_are_too_deep_at_the_same_level(level):
    def nested(levels: int) -> lines.Entry | str:
        times = levels // len(level[1])
        return lines.entry(1, b'{"":' + (level[0] * times + "1" + level[1] * times).encode() + b"}")

    assert isinstance(nested(blobs.DEEP), lines.Entry)
    assert nested(blobs.DEEP + len(level[1])) == f"nested more than {blobs.DEEP} deep"


def test_bytes_that_are_no_utf8_are_kept_legibly(scribe):
    scribe.raw(b'{"type": "user\xff"}')
    (bad,) = scribe.trace().info.malformed
    assert bad.raw == '{"type": "user\\xff"}'


def test_an_unfinished_last_line_is_told_from_a_broken_one(scribe):
    scribe.user("hello")
    scribe.raw(b'{"type": "assistant", "mess')
    assert [bad.reason for bad in scribe.trace(end=b"").info.malformed] == ["unfinished last line"]
    assert scribe.trace(end=b"\n").info.malformed[0].reason.startswith("not JSON")


def test_a_last_line_without_newline_that_parses_is_a_line(scribe):
    scribe.user("hello")
    assert [step.text for step in scribe.trace(end=b"").steps] == ["hello"]


def test_blank_lines_are_no_lines_but_keep_the_numbers(scribe):
    scribe.raw(b"")
    scribe.raw(b"  ")
    scribe.user("third")
    (step,) = scribe.trace().steps
    assert step.info.line_nos == [3]


def test_an_unknown_type_is_an_event_verbatim(scribe):
    scribe.line(type="from-the-future", payload={"a": [1, None]}, uuid=None)
    (event,) = scribe.trace().info.events
    assert event.type == "from-the-future"
    assert event.raw == json.loads(scribe.lines[0])
    assert event.ts == "2026-01-01T00:00:01Z"


def test_a_message_without_a_type_is_known_by_its_role(scribe):
    line = {
        "sessionId": "s",
        "message": {"role": "assistant", "id": "m", "usage": {"input_tokens": 3, "output_tokens": 4}},
    }
    scribe.raw(json.dumps(line).encode())
    trace = scribe.trace()
    assert [step.source for step in trace.steps] == ["agent"]
    assert trace.info.totals.output_tokens == 4


def test_images_become_hash_and_size(scribe, write):
    scribe.user([write.text("look"), IMAGE])
    scribe.reply(write.call("t1", "Read", file_path="a.png"))
    scribe.result("t1", [IMAGE], toolUseResult={"file": {"base64": IMAGE["source"]["data"]}, "type": "image"})
    scribe.line(type="progress", data={"deep": [{"data": "data:image/png;base64," + IMAGE["source"]["data"]}]})
    trace = scribe.trace()
    part = {"type": "image", "media_type": "image/png", **LIFTED}
    assert trace.steps[0].message == [write.text("look"), part]
    (result,) = trace.steps[1].observation.results
    assert result.content == [part]
    assert result.extra.bashgym.raw == {"file": {"base64": LIFTED}, "type": "image"}
    assert trace.info.events[0].raw["data"] == {"deep": [{"data": {"media_type": "image/png", **LIFTED}}]}


def test_words_are_never_taken_for_base64(scribe, write):
    long_word = "a" * 5000
    scribe.user(long_word)
    scribe.reply(write.call("t1", "Write", content=long_word), write.text(long_word))
    trace = scribe.trace()
    assert trace.steps[0].message == long_word
    assert trace.steps[1].message == long_word
    assert trace.steps[1].tool_calls[0].arguments == {"content": long_word}


def test_short_base64_stays_in_what_is_kept_verbatim_unless_it_is_marked(scribe, write):
    marked = {"type": "base64", "media_type": "image/png", "data": "aGVsbG8="}
    scribe.line(type="progress", data={"id": "aGVsbG8=", "source": marked, "text": "x " * 4000, "data": "aGVsbG8="})
    scribe.reply(write.call("t1", "Read"))
    scribe.result("t1", toolUseResult={"type": "image", "file": {"base64": "aGVsbG8="}})
    trace = scribe.trace()
    hello = {"sha256": hashlib.sha256(b"hello").hexdigest(), "bytes": 5}
    assert trace.info.events[0].raw["data"] == {
        "id": "aGVsbG8=",
        "source": {**marked, "data": hello},
        "text": "x " * 4000,
        "data": "aGVsbG8=",
    }
    assert trace.steps[0].observation.results[0].extra.bashgym.raw["file"] == {"base64": hello}


def test_what_is_no_base64_after_all_is_hashed_as_text():
    assert blobs.digest("[trimmed")["sha256"] == hashlib.sha256(b"[trimmed").hexdigest()


def test_a_file_that_is_gone_says_so(tmp_path):
    with pytest.raises(InputError, match=r"gone\.jsonl: cannot be read"):
        lines.read(tmp_path / "gone.jsonl")
