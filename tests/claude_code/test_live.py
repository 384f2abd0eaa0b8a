"""Sessions while they are written, two at once, and files larger than memory should be asked for."""

import hashlib
import json
import multiprocessing
import time
from pathlib import Path

import pytest

from bashgym import jsonl
from bashgym.claude_code import files, kinds, session
from bashgym.records import SessionRef


def test_a_session_read_at_any_byte_is_a_beginning_of_it_and_never_complete(scribe, write):
    """A live file is read to its last newline; what is whole stays as it is, whatever comes after."""
    scribe.common["version"] = "2.1.200"
    scribe.user("go")
    scribe.reply(write.text("I will look"), id="m1", stop=None)
    scribe.reply(write.call("t1"), id="m1", stop=None)
    scribe.result("t1", "seen")
    scribe.reply(write.text("done"), id="m2", stop="end_turn")
    whole = b"\n".join(scribe.lines) + b"\n"
    final = scribe.trace()
    assert final.info.outcome.ended == "completed"
    for end in range(1, len(whole) - 1):
        scribe.path.write_bytes(whole[:end])
        (ref,) = files.sessions(scribe.path)
        (trace,) = session.read(ref)
        write.accounted(ref, [trace])
        assert trace.info.outcome.ended == "unknown", whole[:end][-80:]
        texts = [step.text for step in trace.steps]
        assert texts == [step.text for step in final.steps][: len(texts)]
        last = whole[:end].rpartition(b"\n")[2]
        torn = last != b"" and last not in scribe.lines
        assert [bad.reason for bad in trace.info.malformed] == ["unfinished last line"] * torn


def play(folder: str, name: str, turns: int) -> None:
    """Another process that writes a session, torn writes included, its last line never finished."""
    with (Path(folder) / f"{name}.jsonl").open("ab", buffering=0) as file:
        last = None
        for number in range(turns):
            uuid = f"{name[:4]}-{number}"
            message = {"role": "user", "content": f"{name} says {number}"}
            line = {"type": "user", "uuid": uuid, "parentUuid": last, "sessionId": name, "message": message}
            raw = json.dumps(line).encode() + b"\n"
            for start in range(0, len(raw), 50):
                file.write(raw[start : start + 50])
            last = uuid


def test_two_sessions_written_at_once_never_mix(tmp_path, write):
    names = ["aaaaaaaa-0000-4000-8000-000000000001", "bbbbbbbb-0000-4000-8000-000000000002"]
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=play, args=(str(tmp_path), name, 3000)) for name in names]
    for writer in writers:
        writer.start()
    reads, rounds = 0, 0
    while any(writer.is_alive() for writer in writers):
        rounds += 1
        for name in names:
            path = tmp_path / f"{name}.jsonl"
            if path.exists() and path.stat().st_size:
                (trace,) = session.read(next(iter(files.sessions(path))))
                texts = [step.text for step in trace.steps]
                assert texts == [f"{name} says {number}" for number in range(len(texts))]
                assert len(trace.info.malformed) <= 1
                reads += 1
        time.sleep(0.005)
    assert reads and rounds
    for ref in files.sessions(tmp_path):
        (trace,) = session.read(ref)
        write.accounted(ref, [trace])
        assert [step.text for step in trace.steps] == [f"{ref.id} says {number}" for number in range(3000)]


def test_two_processes_that_go_on_with_one_session_make_two_branches(scribe, write):
    scribe.user("go", uuid="root")
    for number in range(4):
        scribe.user(f"left {number}", uuid=f"l{number}", parentUuid=f"l{number - 1}" if number else "root")
        scribe.user(f"right {number}", uuid=f"r{number}", parentUuid=f"r{number - 1}" if number else "root")
    trace = scribe.trace()
    text = {step.step_id: step.text for step in trace.steps}
    assert [[text[number] for number in branch.step_ids] for branch in trace.info.branches] == [
        ["go", *(f"left {number}" for number in range(4))],
        ["go", *(f"right {number}" for number in range(4))],
    ]


@pytest.fixture
def hole(tmp_path, write):
    """A session of more than 2 GB, nearly all of which is one line of nothing (a hole, so that no disk is filled)."""
    path = tmp_path / f"{write.SESSION}.jsonl"
    line = {"type": "user", "uuid": "u1", "sessionId": write.SESSION, "message": {"role": "user", "content": "first"}}
    with path.open("wb") as file:
        file.write(json.dumps(line).encode() + b"\n")
        file.seek(2_200_000_000)
        file.write(b"\n" + json.dumps({**line, "uuid": "u2"}).replace("first", "last").encode() + b"\n")
    if path.stat().st_blocks * 512 > 100_000_000:
        pytest.skip("needs a file system that knows holes")
    return path


def read_apart(path: str, answer) -> None:
    ref = SessionRef(source="claude_code", id="large", path=path, size=0, sha256="")
    (trace,) = session.read(ref)
    # of this process alone: what getrusage tells begins with the memory of the process that started it
    (line,) = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM:")]
    peak = int(line.split()[1]) * 1024
    bad = [(one.line_no, one.reason, len(one.raw)) for one in trace.info.malformed]
    answer.put(([step.text for step in trace.steps], bad, trace.info.source.files[0].bytes, peak))


def test_a_file_of_more_than_two_gigabytes_is_read_as_a_stream(hole):
    context = multiprocessing.get_context("spawn")
    answer = context.Queue()
    reader = context.Process(target=read_apart, args=(str(hole), answer))
    reader.start()
    texts, bad, size, peak = answer.get(timeout=300)
    reader.join()
    assert texts == ["first", "last"]
    ((line_no, reason, kept),) = bad
    assert (line_no, kept) == (2, jsonl.KEPT) and "MB; only its start is kept" in reason
    assert size == hole.stat().st_size > 2_200_000_000
    assert peak < 600_000_000


def test_the_hash_of_a_file_is_that_of_what_was_read(scribe, write):
    """Also where it has grown since it was listed; unchanged, it is as it was listed."""
    scribe.user("one")
    scribe.trace()
    (ref,) = files.sessions(scribe.path)
    for grown in (b"", b'{"type": "summary", "leafUuid": "u1"}\n'):
        with scribe.path.open("ab") as file:
            file.write(grown)
        (trace,) = session.read(ref)
        (source,) = trace.info.source.files
        assert source.sha256 == hashlib.sha256(scribe.path.read_bytes()).hexdigest()
        assert (source.bytes, source.lines) == (scribe.path.stat().st_size, 1 + bool(grown))
        write.accounted(ref, [trace])


def test_bytes_in_front_line_ends_and_other_encodings(scribe, write):
    scribe.user("one")
    scribe.user("two")
    plain = scribe.lines
    content = b"\xef\xbb\xbf" + plain[0] + b"\r\n" + plain[1] + b"\r\n"
    scribe.lines = [content[:-1]]
    trace = scribe.trace()
    assert [step.text for step in trace.steps] == ["one", "two"] and not trace.info.malformed
    scribe.lines = [b"\n".join(plain).decode().encode("utf-16")]
    trace = scribe.trace(end=b"")
    assert not trace.steps and trace.info.malformed
    assert trace.info.malformed[0].reason.startswith("not JSON: not UTF-8")


def test_real_sessions_hold_known_types_only(samples):
    """Events are of the types that Claude Code is known to write; whatever else there is would be told."""
    unknown = {}
    for folder in (*samples.glob("claude-code-*"), *samples.glob("rig-claude-code/*")):
        for ref in files.sessions(folder):
            for trace in session.read(ref):
                if found := kinds.unknown(trace):
                    unknown[folder.name, Path(ref.path).name] = dict(found)
    assert unknown == {("claude-code-log", "edge_cases.jsonl"): {"": 1}}
