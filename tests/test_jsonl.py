"""Lines and files: nothing torn, nothing lost."""

import json
import multiprocessing
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bashgym import jsonl

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(json_values)
def test_dumps_and_parse_are_inverse(value):
    assert jsonl.parse(jsonl.dumps(value)) == value


def test_what_orjson_refuses_is_still_read():
    assert jsonl.parse(b'{"a": "\\ud800"}') == {"a": "\ud800"}
    assert jsonl.parse(b"\xef\xbb\xbf{}") == {}
    assert json.loads(jsonl.dumps({"a": "\ud800"})) == {"a": "\ud800"}


@pytest.mark.parametrize(
    "number", [2**64, 2**63, -(2**63), -(2**63) - 1, 2**80, -(10**18), 10**19 - 1, 123456789 * 10**12]
)
def test_big_integers_survive(number):
    """orjson alone would make floats of them, silently."""
    for line in (f"{number}", f'{{"a": [{number}, "x"]}}', f"[1.5, {number}]", f"[{number},{number}]"):
        assert jsonl.parse(line.encode()) == json.loads(line)
    text = f'"{number}{number}"'
    assert jsonl.parse(text.encode()) == json.loads(text)
    assert jsonl.parse(jsonl.dumps({"a": number})) == {"a": number}


def test_what_nobody_reads_is_a_value_error():
    for line in (b"[" * 5000, b"9" * 5000, b"\xff\xfe{\x00}\x00", b"{", b"\xed\xa0"):
        with pytest.raises(ValueError):
            jsonl.parse(line)


def test_a_line_longer_than_memory_allows_is_passed_over(tmp_path, monkeypatch):
    monkeypatch.setattr(jsonl, "LONGEST", 3000)
    monkeypatch.setattr(jsonl, "BLOCK", 1000)
    path = tmp_path / "long.jsonl"
    content = b'{"a":1}\n' + b"x" * 9000 + b'\n{"b":2}\n' + b" " * 2999 + b"\n" + b" " * 9000
    path.write_bytes(content)
    seen = []
    with path.open("rb") as file:
        found = list(jsonl.pieces(file, seen.append))
    assert b"".join(seen) == content
    assert [(one.number, one.ended, one.fault is None) for one in found] == [
        (1, True, True),
        (2, True, False),
        (3, True, True),
        (5, False, False),
    ]
    assert [line.error is None for line in jsonl.read_lines(path)] == [True, False, True, False]


def test_bad_lines_are_lines_too(tmp_path):
    path = tmp_path / "x.jsonl"
    path.write_bytes(b'{"a":1}\n\nnot json\n\xff\xfe\n' + b"[" * 100_000 + b'\r\n{"b":2}')
    lines = list(jsonl.read_lines(path))
    assert [line.number for line in lines] == [1, 3, 4, 5, 6]
    assert [line.error is None for line in lines] == [True, False, False, False, True]


def append_many(path: Path, name: str) -> None:
    for number in range(50):
        jsonl.append(path, {"name": name, "number": number, "filling": name * 20_000})


def test_parallel_appends_do_not_tear(tmp_path):
    path = tmp_path / "spool.jsonl"
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=append_many, args=(path, name)) for name in "abcd"]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    lines = list(jsonl.read_lines(path))
    assert len(lines) == 200 and all(line.error is None for line in lines)


def test_replace_is_whole_or_not_at_all(tmp_path):
    path = tmp_path / "file"
    code = (
        "import sys; from pathlib import Path; from bashgym import jsonl\n"
        "print('up', flush=True)\nn = 0\n"
        "while True:\n    n += 1; jsonl.replace(Path(sys.argv[1]), str(n % 10).encode() * 3_000_000)\n"
    )
    for _ in range(5):
        process = subprocess.Popen(
            [sys.executable, "-c", code, str(path)],
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent)},
        )
        assert process.stdout and process.stdout.readline()
        time.sleep(0.07)
        process.kill()
        process.wait()
        content = path.read_bytes() if path.exists() else b""
        assert len(set(content)) <= 1 and len(content) in (0, 3_000_000)
