"""The Ray executor on a real cluster of two cores: the same bytes as the local one; strangers' machines get nothing."""

import importlib.util
import io
import json
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from bashgym import recipe
from bashgym.display import Terminal
from bashgym.errors import BashGymError, InputError, RunFailed
from bashgym.registry import load
from bashgym.run import bare
from bashgym.stages import elsewhere, sessions

ROOT = Path(__file__).resolve().parents[2]
WORDS = ("run", "recipe=quickstart", "dataset.classes=[gold,silver,unverified]", "--until", "dataset", "--json")


def executor(**config: object):
    cls = load("executor", "ray")
    return cls(cls.Config(**config))


@pytest.fixture(scope="module")
def cluster() -> Iterator[str]:
    """`ray start --head`, in a session of its own so that only its own processes end with it."""
    if importlib.util.find_spec("ray") is None:  # it reads its environment when it is imported
        pytest.skip("needs ray")
    patch = pytest.MonkeyPatch()
    patch.setenv("RAY_AUTH_MODE", "token")
    patch.setenv("RAY_AUTH_TOKEN", secrets.token_hex(32))  # else Ray writes one into the home folder
    folder = tempfile.mkdtemp(prefix="bg-ray-")  # a path of a socket has 107 characters at most
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [
        Path(sys.executable).with_name("ray"), "start", "--head", "--num-cpus=2", "--block", f"--port={port}",
        f"--temp-dir={folder}", "--include-dashboard=false", "--disable-usage-stats",
        "--object-store-memory=100000000",
    ]  # fmt: skip
    log = Path(folder, "start.log")
    with log.open("w") as out:
        head = subprocess.Popen(command, stdout=out, stderr=out, start_new_session=True)
    try:
        deadline = time.monotonic() + 60
        while "Ray runtime started" not in log.read_text():
            assert head.poll() is None and time.monotonic() < deadline, log.read_text()
            time.sleep(0.2)
        yield re.search(r"--address='([^']+)'", log.read_text())[1]
    finally:
        os.killpg(head.pid, signal.SIGTERM)
        try:
            head.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(head.pid, signal.SIGKILL)
        shutil.rmtree(folder, ignore_errors=True)
        patch.undo()


@pytest.mark.slow
def test_a_dataset_is_the_same_bytes(cluster: str, bashgym: Callable, own_home: Path, tmp_path: Path):
    made = {}
    for name, words in {"local": ("executor=local",), "ray": ("executor=ray", f"executor.address={cluster}")}.items():
        for kept in (own_home / "store", own_home / "cache"):
            shutil.rmtree(kept, ignore_errors=True)
        folder = tmp_path / name
        done = bashgym(*WORDS, *words, f"run_dir={folder}")
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["sessions"]["reused"] == 0
        made[name] = {file.name: file.read_bytes() for file in sorted((folder / "dataset").glob("*.jsonl"))}
    assert made["ray"] == made["local"] and sum(map(len, made["ray"].values())) > 10_000


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_order_errors_and_lost_workers(cluster: str, own_home: Path):
    assert list(executor(address=cluster).map(str, range(30))) == [str(number) for number in range(30)]
    with pytest.raises(InputError, match="no such file here"):
        list(executor(address=cluster).map(raising, ["no such file here"]))
    with pytest.raises(RunFailed, match="was lost"):
        list(executor(address=cluster).map(os._exit, [9]))
    assert not list((own_home / "tmp").glob(".token-*"))


def raising(text: str) -> None:
    raise InputError(text)


def test_without_a_cluster_there_is_a_way_out(own_home: Path):
    with pytest.raises(RunFailed, match=r"executor\.address=127.0.0.1:9.*ray start --head"):
        list(executor(address="127.0.0.1:9").map(str, [1]))


class Strange:
    """What Ray tells of a cluster with a machine that nobody named."""

    def get_runtime_context(self) -> "Strange":
        return self

    def get_node_id(self) -> str:
        return "here"

    def nodes(self) -> list[dict]:
        about = {"Alive": True, "Resources": {"CPU": 2.0}}
        mine = {**about, "NodeID": "here", "NodeManagerAddress": "10.0.0.1", "NodeManagerHostname": "desk"}
        return [mine, {**about, "NodeID": "b", "NodeManagerAddress": "10.0.0.7", "NodeManagerHostname": "attic"}]


def test_a_machine_that_is_not_trusted_gets_no_work():
    with pytest.raises(RunFailed, match=r"executor\.trusted: 10\.0\.0\.7"):
        executor().nodes(Strange())
    assert executor(trusted=["attic"]).nodes(Strange()) == {"here": 2, "b": 2}


def test_before_sessions_are_read_elsewhere_their_user_is_asked(own_home: Path, tmp_path: Path, monkeypatch):
    tasks = [SimpleNamespace(key=name) for name in ("one", "two", "canaries")]

    def worked(yes: bool, *words: str) -> None:
        run = bare(recipe.load(["recipe=quickstart", "executor=ray", *words]), tmp_path, Terminal(yes=yes))
        monkeypatch.setattr(run, "plugin", refused)
        sessions.worked(run, tasks[:2], tasks[2])

    def refused(choice: object) -> None:
        raise RunFailed("it goes on")

    monkeypatch.setattr(sys, "stdin", io.StringIO())
    with pytest.raises(BashGymError, match=r"sessions are read on attic as they are.*nobody.*--yes"):
        worked(False, "executor.trusted=[attic]")
    monkeypatch.setattr(sys, "stdin", typed := io.StringIO("n\n"))
    monkeypatch.setattr(typed, "isatty", lambda: True, raising=False)
    with pytest.raises(BashGymError, match="no session was read on another machine"):
        worked(False, "executor.trusted=[attic]")
    for yes, words in (True, ["executor.trusted=[attic]"]), (False, []):
        with pytest.raises(RunFailed, match="it goes on"):
            worked(yes, *words)


def test_a_machine_that_knows_other_secrets_is_told(own_home: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HF_TOKEN", "hf_" + "k3Jd9" * 6)
    asked = elsewhere.ask(own_home / "tmp")
    mine = elsewhere.here(asked)
    assert list(elsewhere.differences(mine, mine)) == [] and mine.known
    monkeypatch.delenv("HF_TOKEN")
    (told,) = elsewhere.differences(mine, elsewhere.here(asked))
    assert "other secrets" in told
    Path(asked.token).unlink()
    (told,) = elsewhere.differences(mine, elsewhere.here(asked))
    assert "does not see this machine's files" in told
