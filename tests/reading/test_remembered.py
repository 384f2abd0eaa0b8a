"""What was found out about files: kept while they stay as they are, never longer."""

import os
import sqlite3
import time
from pathlib import Path

import pytest

from bashgym.errors import InputError
from bashgym.reading import files, remembered


class Look:
    """Counts how often it is asked."""

    def __init__(self, path: Path) -> None:
        self.path, self.times = path, 0

    def __call__(self) -> bytes:
        self.times += 1
        return self.path.read_bytes()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "a"
    path.write_bytes(b"one")
    return path


@pytest.fixture
def trusting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remembered, "RACY", -(10**12))


@pytest.mark.usefixtures("trusting")
def test_an_unchanged_file_is_looked_at_once(file):
    look = Look(file)
    assert [remembered.of_files("x", [file], look) for _ in range(3)] == [b"one"] * 3
    assert look.times == 1
    assert remembered.of_files("y", [file], look) == b"one" and look.times == 2, "another question is another entry"


@pytest.mark.usefixtures("trusting")
@pytest.mark.parametrize("change", ["grow", "same size", "same size and time", "another file", "touch"])
def test_a_changed_file_is_looked_at_again(file, change):
    look = Look(file)
    remembered.of_files("x", [file], look)
    before = file.stat()
    if change == "grow":
        file.write_bytes(b"one more")
    elif change == "another file":
        other = file.with_name("b")
        other.write_bytes(b"two")
        os.utime(other, ns=(before.st_atime_ns, before.st_mtime_ns))
        other.replace(file)
    elif change == "touch":
        os.utime(file, (1, 1))
    else:
        file.write_bytes(b"two")
        if change == "same size and time":
            os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert remembered.of_files("x", [file], look) == file.read_bytes()
    assert look.times == 2


def test_a_file_that_changed_a_moment_ago_is_not_trusted(file):
    """It could change again within one tick of the clock, with the same size."""
    look = Look(file)
    for _ in range(2):
        remembered.of_files("x", [file], look)
    assert look.times == 2
    time.sleep(remembered.RACY / 1e9 + 0.2)
    for _ in range(2):
        remembered.of_files("x", [file], look)
    assert look.times == 3


@pytest.mark.usefixtures("trusting")
def test_a_file_that_changes_while_it_is_looked_at_is_not_remembered(file):
    def growing() -> bytes:
        file.write_bytes(file.read_bytes() + b"!")
        return b"half"

    remembered.of_files("x", [file], growing)
    look = Look(file)
    assert remembered.of_files("x", [file], look) == b"one!" and look.times == 1


@pytest.mark.usefixtures("trusting")
def test_entries_that_nobody_uses_are_dropped(file, monkeypatch, own_home):
    remembered.keep(remembered.digest("old"), b"value")
    remembered.keep(remembered.digest("used"), b"value")
    day = remembered.today()
    for later in (20, 40):
        monkeypatch.setattr(remembered, "today", lambda later=later: day + later)
        remembered.opened.cache_clear()
        assert remembered.recall(remembered.digest("used")) == b"value"
    assert remembered.recall(remembered.digest("old")) is None
    remembered.clear()
    assert list((own_home / "cache").iterdir()) == []


@pytest.mark.parametrize("fault", ["not a database", "a folder", "no room", "another table"])
def test_without_a_usable_cache_everything_is_found_again(file, own_home, monkeypatch, fault):
    monkeypatch.setattr(remembered, "RACY", -(10**12))
    place = own_home / "cache" / "history.sqlite"
    place.parent.mkdir()
    if fault == "not a database":
        place.write_bytes(b"x" * 5000)
    elif fault == "a folder":
        place.mkdir()
        (place / "file").touch()
    elif fault == "another table":
        with sqlite3.connect(place) as made:
            made.execute("CREATE TABLE found (a, b)")
    else:
        place.parent.rmdir()
        place.parent.write_text("a file where the folder should be")
    look = Look(file)
    assert [remembered.of_files("x", [file], look) for _ in range(2)] == [b"one"] * 2


def test_reference_reads_packed_files_as_what_they_hold(tmp_path):
    import gzip

    plain, packed = tmp_path / "a.jsonl", tmp_path / "b.jsonl.gz"
    plain.write_bytes(b'{"a": 1}\n')
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    one, other = files.reference("x", "a", plain), files.reference("x", "a", packed)
    assert (one.sha256, one.size) == (other.sha256, other.size)
    packed.write_bytes(packed.read_bytes()[:-6])
    with pytest.raises(InputError, match="cannot be read"):
        files.reference("x", "b", packed)


def test_sparing_notes_what_cannot_be_read(tmp_path):
    gone = tmp_path / "gone"
    with pytest.raises(InputError, match="cannot be read"):
        files.reference("x", "a", gone)
    with files.sparing() as reasons:
        ref = files.reference("x", "a", gone)
    assert (ref.sha256, ref.size) == ("", 0) and len(reasons) == 1 and str(gone) in reasons[0]
    with pytest.raises(InputError):
        files.reference("x", "a", gone)
    os.mkfifo(gone)
    with pytest.raises(InputError, match="no plain file"):
        files.reference("x", "a", gone)
