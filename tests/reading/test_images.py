"""Images: no pixels in a trace, found again by hash, written once and in ATIF's shape."""

import base64
import gzip
import hashlib
import json

import pytest

from bashgym import jsonl
from bashgym.claude_code import files, session
from bashgym.reading import images
from bashgym.trace import to_builtins

PICTURE, SMALL, PAPER = b"\x89PNG" + bytes(range(256)) * 40, b"GIF89a tiny", b"%PDF-1.7 paper"


def block(content, media_type, kind="image"):
    data = base64.b64encode(content).decode()
    return {"type": kind, "source": {"type": "base64", "media_type": media_type, "data": data}}


def line(role, content, **more):
    return {
        "type": role,
        "uuid": f"u{id(content)}",
        "sessionId": "s",
        "message": {"role": role, "content": content},
        **more,
    }


@pytest.fixture
def ref(tmp_path):
    """A session that shows a picture twice, a small one in a result (and in its raw twin), and a document."""
    call = {"type": "tool_use", "id": "t1", "name": "Read", "input": {}}
    answer = {"type": "tool_result", "tool_use_id": "t1", "content": [block(SMALL, "image/gif")]}
    twin = {"type": "image", "file": {"base64": base64.b64encode(SMALL).decode(), "type": "image/gif"}}
    found = [
        line("user", [{"type": "text", "text": "look"}, block(PICTURE, "image/png")]),
        line("assistant", [call]),
        line("user", [answer], toolUseResult=twin),
        line("user", [block(PICTURE, "image/png"), block(PAPER, "application/pdf", "document")]),
        {"type": "api-request-blob", "message": {"content": [block(SMALL, "image/gif")]}},
    ]
    (tmp_path / "chat.jsonl").write_bytes(b"".join(json.dumps(one).encode() + b"\n" for one in found) + b"{torn base64")
    (one,) = files.sessions(tmp_path)
    return one


def test_a_trace_holds_no_pixels_and_its_images_are_found_again(ref, tmp_path):
    (trace,) = session.read(ref)
    kept = jsonl.dumps(to_builtins(trace))
    for content in (PICTURE, SMALL, PAPER):
        assert base64.b64encode(content)[:12] not in kept
    wanted = {part["sha256"] for part in images.parts(trace)}
    assert wanted == {hashlib.sha256(content).hexdigest() for content in (PICTURE, SMALL, PAPER)}
    assert {one.content: one.media_type for one in images.find(ref, wanted)} == {
        PICTURE: "image/png",
        SMALL: "image/gif",
        PAPER: "application/pdf",
    }
    assert list(images.find(ref, ["0" * 64])) == []


def test_files_lie_where_atif_is_told_they_do(ref, tmp_path):
    (trace,) = session.read(ref)
    written = images.write(ref, trace, tmp_path / "export")
    shown = [images.atif(part) for part in images.parts(trace)]
    assert len(shown) == 4 and len(written) == 3
    for one in shown:
        assert set(one) == {"type", "source"} and set(one["source"]) == {"media_type", "path"}
        file = tmp_path / "export" / one["source"]["path"]
        assert hashlib.sha256(file.read_bytes()).hexdigest() == file.stem
    assert {file.name[64:] for file in (tmp_path / "export" / "blobs").iterdir()} == {".png", ".gif", ".pdf"}
    before = {file: file.stat().st_mtime_ns for file in written.values()}
    assert {file: file.stat().st_mtime_ns for file in images.write(ref, trace, tmp_path / "export").values()} == before


def test_archived_sessions_show_their_images(ref, tmp_path):
    packed = tmp_path / "chat.jsonl.gz"
    packed.write_bytes(gzip.compress((tmp_path / "chat.jsonl").read_bytes()))
    assert sum(1 for _ in images.images_in(packed)) == sum(1 for _ in images.images_in(tmp_path / "chat.jsonl")) == 6


def test_a_torn_line_keeps_no_pixels_either(tmp_path):
    whole = json.dumps(line("user", [block(PICTURE, "image/png")])).encode()
    (tmp_path / "chat.jsonl").write_bytes(b'{"type": "summary", "leafUuid": "x"}\n' + whole[: len(whole) - 40])
    (ref,) = files.sessions(tmp_path)
    (trace,) = session.read(ref)
    (bad,) = trace.info.malformed
    data = base64.b64encode(PICTURE).decode()
    assert bad.reason == "unfinished last line"
    assert bad.raw.startswith('{"type": "user"') and data[:100] not in bad.raw and "characters of base64" in bad.raw


def test_a_copied_line_is_kept_without_its_pixels(tmp_path):
    shown = json.dumps(line("user", [block(SMALL, "image/gif"), block(PICTURE, "image/png")])).encode() + b"\n"
    (tmp_path / "chat.jsonl").write_bytes(shown + shown)
    (ref,) = files.sessions(tmp_path)
    (trace,) = session.read(ref)
    (event,) = trace.info.events
    assert event.type == "duplicate:user"
    kept = jsonl.dumps(to_builtins(trace))
    assert base64.b64encode(SMALL) not in kept and base64.b64encode(PICTURE)[:40] not in kept


def test_a_part_that_lies_about_its_hash_leads_nowhere():
    assert not images.is_hash("../../etc/passwd") and not images.is_hash(None) and not images.is_hash("A" * 64)
    part = {"type": "image", "media_type": "image/../../x", "sha256": "0" * 64}
    assert images.relative(part) == f"blobs/{'0' * 64}.bin"
