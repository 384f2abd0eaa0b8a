"""Copies of session files: what is copied, when again, what goes for the quota, what stays out."""

import gzip
import json
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from bashgym import paths
from bashgym.capture import archive, hooks, spool
from bashgym.errors import InputError

ONE, TWO, THREE = (f"{number}aaaaaaa-0000-4000-8000-000000000001" for number in "123")


@pytest.fixture
def projects(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", str(tmp_path / "claude"))
    return tmp_path / "claude" / "projects"


def write(file: Path, *lines: object, age: int = 0) -> Path:
    """A file of JSON Lines, last written `age` days ago."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    then = time.time() - age * 86_400
    os.utime(file, (then, then))
    return file


def line(session: str, cwd: str = "/project", **more: object) -> dict[str, object]:
    return {"sessionId": session, "cwd": cwd, "type": "user", **more}


def copies() -> dict[str, bytes]:
    root = paths.archive() / "claude_code"
    return {str(path.relative_to(root)): gzip.decompress(path.read_bytes()) for path in root.rglob("*.gz")}


def counted(found: dict[str, object]) -> dict[str, object]:
    return {name: count for name, count in found.items() if count}


def test_every_file_of_a_session_is_copied_once(projects: Path):
    files = [
        write(projects / "-p" / f"{ONE}.jsonl", line(ONE)),
        write(projects / "-p" / "agent-0a1b2c3d.jsonl", line(ONE)),
        write(projects / "-p" / ONE / "subagents" / "agent-9.jsonl", line(ONE)),
        write(projects / "-p" / ONE / "subagents" / "agent-9.meta.json", {"toolUseId": "t"}),
        write(projects / "-p" / ONE / "tool-results" / "long.txt", "spilled"),
        write(projects / "-p" / f"{TWO}.jsonl", line(TWO)),
    ]
    write(projects / "-p" / "memory" / "MEMORY.md", "no session's")
    (projects / "-p" / "link.jsonl").symlink_to(files[0])
    assert counted(archive.rescue()) == {"copied": 2}
    assert copies() == {f"{file.relative_to(projects)}.gz": file.read_bytes() for file in files}
    assert counted(archive.rescue()) == {"unchanged": 2}
    for path in (paths.archive() / "claude_code").rglob("*"):
        assert path.stat().st_mode & 0o777 == (0o700 if path.is_dir() else 0o600), path
    with files[0].open("a") as file:
        file.write("{}\n")
    assert counted(archive.rescue()) == {"copied": 1, "unchanged": 1}
    assert copies()[f"-p/{ONE}.jsonl.gz"] == files[0].read_bytes()


def test_what_the_agent_deletes_stays(projects: Path):
    file = write(projects / "-p" / f"{ONE}.jsonl", line(ONE))
    archive.rescue()
    was = copies()
    file.unlink()
    assert counted(archive.rescue()) == {}
    assert copies() == was


def test_a_copy_is_replaced_only_by_what_continues_it(projects: Path):
    file = write(projects / "-p" / f"{ONE}.jsonl", line(ONE), line(ONE, n=1), age=2)
    archive.rescue()
    was = file.read_bytes()
    write(file, line(ONE), age=1)
    assert counted(archive.rescue()) == {"copied": 1, "set_aside": 1}
    assert copies() == {f"-p/{ONE}.jsonl.gz": file.read_bytes(), f"-p/{ONE}.jsonl.1.gz": was}
    write(file, "rewritten")
    assert counted(archive.rescue()) == {"copied": 1, "set_aside": 1}
    assert len(copies()) == 3


def test_a_damaged_copy_is_replaced(projects: Path):
    file = write(projects / "-p" / f"{ONE}.jsonl", line(ONE))
    archive.rescue()
    copy = paths.archive() / "claude_code" / "-p" / f"{ONE}.jsonl.gz"
    copy.write_bytes(copy.read_bytes()[:-12])
    assert counted(archive.rescue()) == {"copied": 1}
    assert copies() == {f"-p/{ONE}.jsonl.gz": file.read_bytes()}


def test_the_quota_takes_the_oldest_sessions_whole(projects: Path):
    """And says so; they are not copied again and again, but come back when they change or the quota grows."""
    for age, session in enumerate((THREE, TWO, ONE)):
        noise = os.urandom(20_000).hex()
        write(projects / "-p" / f"{session}.jsonl", line(session, text=noise), age=age)
        write(projects / "-p" / session / "subagents" / "agent-1.jsonl", line(session), age=age)
    quota = paths.archive() / "quota"
    quota.parent.mkdir(parents=True)
    quota.write_text("50 kB\n")
    assert counted(archive.rescue()) == {"copied": 3, "dropped": 1}
    assert {name.split("/")[1].split(".")[0] for name in copies()} == {TWO, THREE}
    assert not (paths.archive() / "claude_code" / "-p" / ONE).exists()
    state = archive.state()
    assert (state["quota"], state["dropped"], state["failed"]) == (50_000, 1, 0)
    assert 20_000 < state["dropped_bytes"] < 25_000
    assert ONE not in (paths.archive() / "log.jsonl").read_text(), "what was dropped is not named"
    assert counted(archive.rescue()) == {"unchanged": 2, "over_quota": 1}
    quota.write_text("1 GB")
    assert counted(archive.rescue()) == {"copied": 1, "unchanged": 2}


def test_the_newest_session_stays_whatever_the_quota(projects: Path):
    write(projects / "-p" / f"{ONE}.jsonl", line(ONE), age=1)
    write(projects / "-p" / f"{TWO}.jsonl", line(TWO))
    (paths.archive()).mkdir()
    (paths.archive() / "quota").write_text("0")
    archive.rescue()
    assert list(copies()) == [f"-p/{TWO}.jsonl.gz"]


@pytest.mark.parametrize(
    ("said", "means"), [("5 GB", 5e9), ("1.5tb", 1.5e12), ("300", 300), ("2 MiB\n", 2e6), ("64k", 64e3)]
)
def test_quota(said: str, means: float):
    paths.archive().mkdir()
    (paths.archive() / "quota").write_text(said)
    assert archive.quota() == means


@pytest.mark.parametrize("said", ["", "lots", "-1 GB", "5 GB please"])
def test_a_quota_that_means_nothing_is_told(said: str):
    paths.archive().mkdir()
    (paths.archive() / "quota").write_text(said)
    with pytest.raises(InputError, match=r"archive/quota.* is no size"):
        archive.rescue()


def test_what_is_excluded_or_forgotten_is_not_copied(projects: Path, tmp_path: Path):
    """One excluded folder at any time, or in any file of the session, keeps all of it out."""
    write(projects / "-p" / f"{ONE}.jsonl", line(ONE), line(ONE, cwd="/secret/deep"))
    write(projects / "-p" / f"{TWO}.jsonl", line(TWO))
    write(projects / "-p" / TWO / "subagents" / "agent-1.jsonl", line(TWO, cwd="/secret"))
    write(projects / "-p" / f"{THREE}.jsonl", line(THREE))
    (paths.home() / "exclude").write_text("/secret\n")
    (paths.home() / "forgotten").write_text(hooks.module("archive").digest("x/" + THREE) + "\n")
    assert counted(archive.rescue()) == {"excluded": 2, "forgotten": 1}
    assert copies() == {}


def test_rules_that_cannot_be_understood_stop_it(projects: Path):
    write(projects / "-p" / f"{ONE}.jsonl", line(ONE))
    (paths.home() / "exclude").write_text("no such thing\n")
    with pytest.raises(InputError, match="exclude:1"):
        archive.rescue()
    assert copies() == {}


def test_a_file_that_cannot_be_read_is_told(projects: Path, monkeypatch: pytest.MonkeyPatch):
    """The disk keeps a reserve; here it is larger than any disk."""
    write(projects / "-p" / f"{ONE}.jsonl", line(ONE))
    write(projects / "-p" / f"{TWO}.jsonl", line(TWO))
    monkeypatch.setattr(hooks.module("archive"), "RESERVE", 1 << 60)
    found = archive.rescue()
    assert (found["failed"], found["copied"]) == (2, 0)
    assert sorted(found["failures"]) == [f"-p/{name}.jsonl: No space left on device" for name in (ONE, TWO)]
    assert archive.state()["failed"] == 1, "the same reason is told once"
    assert copies() == {}


def test_a_copy_that_was_killed_leaves_nothing_behind(projects: Path):
    write(projects / "-p" / f"{ONE}.jsonl", line(ONE))
    dead = write(paths.archive() / "claude_code" / "-p" / ".part-dead", "half")
    archive.rescue()
    assert not dead.exists()
    assert len(copies()) == 1


def spooled(session: str, size: int = 10, hours: int = 2) -> Path:
    """What hooks told of a session, the last time `hours` ago."""
    path = spool.folder() / f"{session}.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x" * size)
    then = time.time() - hours * 3600
    os.utime(path, (then, then))
    return path


def start(projects: Path, excluded: str = "/nowhere") -> None:
    """What the hook's child does at the start of a session."""
    transcript = str(projects / "-new" / "new.jsonl")
    hooks.module("archive").unended(str(paths.home()), transcript, lambda cwd: cwd == excluded, lambda _: False)


def test_the_next_session_archives_what_a_crash_left(projects: Path):
    """Not what runs still, nor what hooks never saw; nor what is excluded."""
    write(projects / "-p" / f"{ONE}.jsonl", line(ONE))
    write(projects / "-p" / ONE / "subagents" / "agent-1.jsonl", line(ONE))
    write(projects / "-p" / f"{TWO}.jsonl", line(TWO))
    write(projects / "-q" / f"{THREE}.jsonl", line(THREE, "/private"))
    spooled(ONE), spooled(TWO, hours=0), spooled(THREE)
    start(projects, excluded="/private")
    assert set(copies()) == {f"-p/{ONE}.jsonl.gz", f"-p/{ONE}/subagents/agent-1.jsonl.gz"}
    start(projects)
    assert set(copies()) > {f"-q/{THREE}.jsonl.gz"} and f"-p/{TWO}.jsonl.gz" not in copies()


def test_the_spool_has_a_quota(projects: Path, bashgym: Callable):
    """The oldest go; the newest, and what is still written to, never."""
    oldest, older, newest = (spooled(name, 600, hours) for name, hours in ((ONE, 9), (TWO, 5), (THREE, 2)))
    living = spooled("4", 5_000, 0)
    (paths.spool() / "quota").write_text("1.3 KB")
    start(projects)
    assert [path.exists() for path in (oldest, older, newest, living)] == [False, True, True, True]
    (note,) = hooks.module("archive").notes(str(paths.archive() / "log.jsonl"))
    assert (note["what"], note["bytes"], note["quota"]) == ("spool_dropped", 600, 1300)
    done = bashgym("capture", "status").stdout
    assert "1 sessions, 0.0 MB, gave way to its quota" in done
    said = {check["name"]: check for check in json.loads(bashgym("doctor", "--json").stdout)}["spool"]
    assert "what hooks told of 1 sessions gave way to the quota of 1.3 KB" in said["said"] and said["do"]
    (paths.spool() / "quota").write_text("1 B")
    start(projects)
    assert [path.exists() for path in (oldest, older, newest, living)] == [False, False, True, True]


def test_no_history_is_no_error(projects: Path):
    assert counted(archive.rescue()) == {}


def test_loose_events_are_brought_in():
    event = {"session_id": ONE, "hook_event_name": "Stop", "cwd": "/project"}
    loose = spool.folder() / "loose"
    write(loose / "b.json", event)
    write(loose / "a.json", {**event, "hook_event_name": "PreCompact"}, age=1)
    write(loose / "c.json", {**event, "cwd": "/secret"})
    write(loose / "d.json", {**event, "session_id": TWO})
    (loose / "e.json").write_bytes(b'{"session_id": "' + ONE.encode() + b'", torn')
    (paths.home() / "exclude").write_text("/secret\n")
    (paths.home() / "forgotten").write_text(hooks.module("archive").digest("x/" + TWO) + "\n")
    assert archive.rescue()["events"] == 3
    assert list(loose.iterdir()) == []
    assert [path.name for path in spool.folder().glob("*.jsonl")] == [f"{ONE}.jsonl"]
    lines = [json.loads(raw) for raw in spool.file_of(ONE).read_bytes().splitlines()]
    assert [one["event"].get("hook_event_name") for one in lines] == ["PreCompact", "Stop", None]
    assert lines[2]["event"]["unparsed"].endswith("torn")
    assert lines[0]["ts"] < lines[1]["ts"]
