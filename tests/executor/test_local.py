"""The local executor: order kept, little in flight, workers that never outlive their parent."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bashgym.errors import RunFailed
from bashgym.registry import load

ROOT = Path(__file__).resolve().parent.parent.parent


def executor(**config: object):
    cls = load("executor", "local")
    return cls(cls.Config(**config))


def test_results_come_in_order_and_refs_are_taken_late():
    taken = []

    def refs():
        for number in range(40):
            taken.append(number)
            yield number

    results = executor(workers=2).map(str, refs())
    assert next(results) == "0"
    assert len(taken) < 20
    assert list(results) == [str(number) for number in range(1, 40)]


HERE = os.getpid()
PID = "__import__('os').getpid()"


class Large(str):
    """A task that says its size."""

    size = 17 << 20


def test_little_work_needs_no_workers_and_what_is_left_goes_to_them():
    assert set(executor().map(eval, [PID] * 5)) == {HERE}
    first, *others = executor().map(eval, [f"__import__('time').sleep(2.1) or {PID}", PID, PID])
    assert first == HERE and HERE not in others


def test_a_large_task_is_a_workers():
    assert HERE not in set(executor().map(eval, [Large(PID), PID]))


def test_fresh_workers_take_over():
    pids = list(executor(workers=2, sessions_per_worker=3).map(eval, ["__import__('os').getpid()"] * 20))
    assert len(set(pids)) >= 4
    assert all(pids.count(one) <= 6 for one in pids)


def test_a_workers_error_is_the_callers():
    with pytest.raises(ValueError, match="invalid literal"):
        list(executor(workers=1).map(int, ["x"]))


def test_a_killed_worker_is_told():
    with pytest.raises(RunFailed, match=r"executor\.workers=1"):
        list(executor(workers=1).map(os._exit, [9]))


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split(")")[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.skipif(not Path("/proc").exists(), reason="reads /proc")
def test_workers_end_with_a_killed_parent():
    code = (
        "import time, os\nfrom bashgym.registry import load\ncls = load('executor', 'local')\n"
        "if __name__ == '__main__':\n"
        "    results = cls(cls.Config(workers=2)).map(time.sleep, [0, 60, 60])\n"
        "    next(results)\n    print('up', flush=True)\n    next(results)\n"
    )
    file = Path(os.environ["BASHGYM_HOME"]) / "parent.py"
    file.write_text(code)
    parent = subprocess.Popen(
        [sys.executable, str(file)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert parent.stdout and parent.stdout.readline() == "up\n"
    children = [
        int(path.parent.name)
        for path in Path("/proc").glob("[0-9]*/stat")
        if path.exists() and path.read_text().split(")")[1].split()[1] == str(parent.pid)
    ]
    assert children
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    deadline = time.monotonic() + 10
    while any(alive(pid) for pid in children) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not [pid for pid in children if alive(pid)]
