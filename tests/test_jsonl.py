"""Lines and files: nothing torn, nothing lost."""

import json
import multiprocessing
import os
import subprocess
import sys
import time
from pathlib import Path

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
    assert jsonl.parse(str(2**80).encode()) in (2**80, float(2**80))
    assert jsonl.parse(b"\xef\xbb\xbf{}") == {}
    assert json.loads(jsonl.dumps({"a": "\ud800"})) == {"a": "\ud800"}


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
