"""Zips as attackers make them, and as people do; nothing is ever written where a zip says."""

import io
import json
import struct
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bashgym import paths
from bashgym.errors import InputError
from bashgym.exports import files

LIMITS = files.Limits(megabytes=8, ratio=200)
NONE: frozenset[str] = frozenset()
CHATS = json.dumps([{"uuid": "a", "name": "b", "chat_messages": []}]).encode()


def packed(path: Path, members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name) if method == zipfile.ZIP_STORED else name, content)
    return path


def parts(path: Path, others: frozenset[str] = NONE, limits: files.Limits = LIMITS) -> list[files.Part]:
    return files.parts(path, others, limits, "source.x.path")


def said(path: Path, limits: files.Limits = LIMITS) -> str:
    """The one line that refuses `path`."""
    with pytest.raises(InputError) as caught:
        parts(path, limits=limits)
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith("source.x.path: ")
    return str(caught.value)


@pytest.mark.parametrize("folder", ["", "export/", "a/b/"])
def test_a_zip_a_folder_and_the_file_itself_are_the_same(tmp_path, folder):
    zipped = packed(tmp_path / "x.zip", {f"{folder}conversations.json": CHATS, f"{folder}user.json": b"{}"})
    place = tmp_path / "unpacked" / folder
    place.mkdir(parents=True)
    (place / "conversations.json").write_bytes(CHATS)
    (place / "user.json").write_bytes(b"{}")
    for path in (zipped, tmp_path / "unpacked", place / "conversations.json"):
        (part,) = parts(path)
        assert bytes(part.content) == CHATS
        assert part.name == "conversations.json"
    assert parts(zipped)[0].place == f"{zipped}/conversations.json"


def test_numbered_files_and_those_asked_for_come_along(tmp_path):
    members = {f"conversations-00{n}.json": CHATS for n in range(3)} | {"message_feedback.json": b"[]", "a.json": b"1"}
    found = parts(packed(tmp_path / "x.zip", members), frozenset({"message_feedback.json"}))
    assert [part.name for part in found] == [*(f"conversations-00{n}.json" for n in range(3)), "message_feedback.json"]


@pytest.mark.parametrize(
    "name",
    ["../conversations.json", "/etc/conversations.json", "a/../../conversations.json", "C:\\conversations.json",
     "..\\conversations.json", "\\\\host\\share\\conversations.json", "a/..", "../../.ssh/authorized_keys"],
)  # fmt: skip
def test_names_that_lead_out_are_refused_aloud(tmp_path, name):
    path = tmp_path / "inside" / "x.zip"
    path.parent.mkdir()
    packed(path, {"conversations.json": CHATS, name: b"evil"}, zipfile.ZIP_STORED)
    before = sorted(tmp_path.rglob("*"))
    assert "names a place outside the zip" in said(path)
    assert sorted(tmp_path.rglob("*")) == before


def test_a_bomb_is_refused_by_what_it_declares(tmp_path):
    bomb = packed(tmp_path / "x.zip", {"conversations.json": b" " * (4 << 20)})
    assert "times its size, as zip bombs do; if you trust it, raise source.x.max_ratio (now 200)" in said(bomb)
    assert "raise source.x.max_unpacked_mb (now 1)" in said(bomb, files.Limits(1, 10_000))
    assert len(parts(bomb, limits=files.Limits(8, 10_000))[0].content) == 4 << 20


def test_all_files_together_are_held_to_the_limit(tmp_path):
    content = json.dumps([{"uuid": str(n), "name": "x" * 40} for n in range(9_000)]).encode()
    assert 0.5 < len(content) / (1 << 20) < 1
    members = {f"conversations-00{n}.json": content for n in range(3)}
    packed(tmp_path / "x.zip", members)
    assert "conversations-001.json unpacks to" in said(tmp_path / "x.zip", files.Limits(1, 2000))
    assert len(parts(tmp_path / "x.zip", limits=files.Limits(3, 2000))) == 3


def lying(content: bytes, declared: int) -> bytes:
    """A zip whose one member unpacks to more than both its headers say."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("conversations.json", content)
    data = bytearray(buffer.getvalue())
    for signature, offset in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        struct.pack_into("<I", data, data.index(signature) + offset, declared)
    return bytes(data)


def test_a_bomb_that_lies_about_its_size_is_refused(tmp_path):
    (tmp_path / "x.zip").write_bytes(lying(b" " * (64 << 20), 100))
    said(tmp_path / "x.zip")


def test_a_member_is_never_unpacked_beyond_what_is_allowed(tmp_path):
    path = packed(tmp_path / "x.zip", {"conversations.json": CHATS})
    with zipfile.ZipFile(path) as archive, pytest.raises(InputError, match="larger than it says it is"):
        files.unpack(archive, archive.infolist()[0], 3, "x")


def test_encrypted_damaged_and_oddly_packed_zips_have_a_line_each(tmp_path):
    path = packed(tmp_path / "x.zip", {"conversations.json": CHATS})
    data = bytearray(path.read_bytes())
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(signature) + offset] |= 1
    (tmp_path / "locked.zip").write_bytes(data)
    assert "is encrypted; unpack it yourself" in said(tmp_path / "locked.zip")
    (tmp_path / "cut.zip").write_bytes(path.read_bytes()[:60])
    assert "neither a zip (or it is damaged)" in said(tmp_path / "cut.zip")
    flipped = bytearray(path.read_bytes())
    flipped[50] ^= 0xFF
    (tmp_path / "flipped.zip").write_bytes(flipped)
    assert "damaged" in said(tmp_path / "flipped.zip")
    assert "method 14" in said(packed(tmp_path / "l.zip", {"conversations.json": CHATS}, zipfile.ZIP_LZMA))


def test_what_is_no_export_says_what_to_name(tmp_path):
    assert "is not there; name the export's zip" in said(tmp_path / "nowhere")
    packed(tmp_path / "x.zip", {"photos/cat.png": b"x"})
    assert "holds no conversations.json; name an export" in said(tmp_path / "x.zip")
    assert "(name one of the zips in it)" in said(tmp_path)
    (tmp_path / "notes.txt").write_text("hello")
    assert "neither a zip" in said(tmp_path / "notes.txt")


def test_nothing_is_left_on_disk(tmp_path):
    found = parts(packed(tmp_path / "x.zip", {"conversations.json": CHATS}))
    assert bytes(found[0].content) == CHATS
    assert list(paths.home().rglob("*")) == []


ZIP = io.BytesIO()
with zipfile.ZipFile(ZIP, "w", zipfile.ZIP_DEFLATED) as made:
    made.writestr("conversations.json", CHATS * 20)
    made.writestr("message_feedback.json", b"[]")


@given(st.lists(st.tuples(st.integers(0, len(ZIP.getvalue()) - 1), st.integers(0, 255)), min_size=1, max_size=8))
def test_damage_anywhere_ends_in_parts_or_in_one_line(tmp_path_factory, changes):
    data = bytearray(ZIP.getvalue())
    for position, byte in changes:
        data[position] = byte
    path = tmp_path_factory.mktemp("zip") / "x.zip"
    path.write_bytes(data)
    try:
        found = parts(path, frozenset({"message_feedback.json"}))
    except InputError as error:
        assert "\n" not in str(error)
    else:
        assert any(part.name == "conversations.json" for part in found)
