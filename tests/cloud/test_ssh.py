"""Against a real sshd on loopback: what a follower is told has to be what happened over there."""

import ast
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bashgym import processes, sandbox, venv
from bashgym.config import validate
from bashgym.errors import PrivacyError, RecipeError, RunFailed
from bashgym.gate import report
from bashgym.records import Job
from bashgym.registry import load
from bashgym.remote import asked, sent, ssh
from tests.fakes.sshd import Sshd
from tests.test_environment import wheel

ROOT = Path(__file__).resolve().parents[2]

# a training in small: metric lines, a checkpoint, an end; after some steps it waits until a file lets it go on
TRAINS = """
import json, os, pathlib, struct, sys, time
print("hello from", os.getcwd(), flush=True)
with open("metrics.jsonl", "a") as file:
    for step in range(int(sys.argv[1])):
        print(json.dumps({"event": "log", "step": step, "metrics": {"loss": 1.0}}), file=file, flush=True)
        print("step", step, flush=True)
        while str(step) in sys.argv[2].split(",") and not os.path.exists(f"go-{step}"):
            time.sleep(0.05)
out = pathlib.Path("output"); (out / "checkpoint-1").mkdir(parents=True, exist_ok=True)
(out / "checkpoint-1" / "optimizer.pt").write_text("large")
(out / "config.json").write_text("{}")
(out / "a name 'with\\" everything.json").write_text(json.dumps(dict(os.environ)))
head = json.dumps({"w": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}).encode()
(out / "model.safetensors").write_bytes(struct.pack("<Q", len(head)) + head + b"1234")
"""
# ignores every polite signal and has a child in a session of its own which does so as well
STUBBORN = """
import os, signal, subprocess, sys, time
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    signal.signal(number, signal.SIG_IGN)
open(f"{os.path.dirname(__file__)}/alive-{sys.argv[1]}", "w").write(str(os.getpid()))
if sys.argv[1] == "1":
    subprocess.Popen([sys.executable, __file__, "0"], start_new_session=True)
time.sleep(120)
"""


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    if shutil.which("rsync") is None:
        pytest.skip("needs rsync")
    with Sshd(tmp_path_factory.mktemp("it's a box")) as server:
        yield server


@pytest.fixture
def cloud(box: Sshd, tmp_path: Path) -> Callable:
    """The plugin, with a folder over there that no shell would take as it is."""

    def made(**values):
        cls = load("cloud", "ssh")
        there = {"host": "box", "config_file": str(box.config), "remote_folder": str(tmp_path / """over 't"h$ere""")}
        settings = {**there, "remote_python": sys.executable, "grace_seconds": 1.0, **values}
        return cls(validate(cls.Config, settings, "cloud"))

    return made


@pytest.fixture
def job(tmp_path: Path) -> Callable:
    def made(script: str, *arguments: str, **changes) -> Job:
        """A job over a dataset that the leak gate has passed."""
        folder = tmp_path / "a run's"
        (folder / "dataset").mkdir(parents=True, exist_ok=True)
        for split in report.SPLITS:
            (folder / "dataset" / f"{split}.jsonl").write_text("{}\n")
        passed = report.GateReport(
            dataset=report.dataset_hash(folder / "dataset"), passed=True, rows=3, values=0, skipped={}, repaired=0,
            canaries=0, engines={}, sessions=[],
        )  # fmt: skip
        report.write(folder, passed)
        (folder / "inside").mkdir(exist_ok=True)
        (folder / "inside" / "train me.py").write_text(script)
        command = ("python", str(folder / "inside" / "train me.py"), *arguments)
        fields = {"name": "a 'job' $(x)", "folder": str(folder), "command": command, "env": {"GREETING": "it's $HOME"}}
        fields |= {"output": "output", "config": {}, "gpu": {}, "uploads": ("inside",)}
        return Job(**fields | changes)

    return made


def there(folder: Path) -> Path:
    return Path(json.loads((folder / "remote.json").read_text())["there"])


def wait_for(condition, seconds: float = 30.0):
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)
    return found


def living(pids: list[int]) -> list[int]:
    table = processes.running()
    return [pid for pid in pids if pid in table and not table[pid].dead]


def steps(progress) -> list[int]:
    return [one.data["step"] for one in progress if one.kind == "metric"]


def test_a_training_there_and_back(cloud, job, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HF_TOKEN", "canary-5151")
    place, sent = cloud(), job(TRAINS, "3", "")
    folder = Path(sent.folder)
    submission = place.submit(sent)
    progress = list(place.follow(submission))
    assert steps(progress) == [0, 1, 2]
    assert progress[-1].data == {"state": "succeeded", "exit_code": 0, "reason": ""}
    over = there(folder)
    assert (folder / "logs/train.log").read_text().startswith(f"hello from {over}\n")
    place.down(submission)
    assert over.stat().st_mode & 0o777 == 0o700, "nothing is removed before the model is here, and nobody else reads it"
    output = place.fetch(submission)
    assert output == folder / "output" and not (output / "checkpoint-1").exists()
    seen = json.loads((output / "a name 'with\" everything.json").read_text())
    assert seen["GREETING"] == "it's $HOME" and seen["PYTHONPATH"] == f"{over}/inside"
    assert "canary-5151" not in json.dumps(seen) and seen["HF_HUB_OFFLINE"] == "1"
    place.down(submission)
    assert not over.exists() and place.fetch(submission) == output
    place.down(submission)


def test_only_what_the_gate_passed_leaves(cloud, job, tmp_path: Path):
    place, sent = cloud(), job(TRAINS, "1", "")
    (Path(sent.folder) / "inside" / "link").symlink_to(tmp_path)
    with pytest.raises(PrivacyError, match="leads out of"):
        place.submit(sent)
    (Path(sent.folder) / "inside" / "link").unlink()
    (Path(sent.folder) / "dataset" / "train.jsonl").write_text('{"secret": 1}\n')
    with pytest.raises(PrivacyError, match="changed after the leak gate"):
        place.submit(sent)
    assert not list((tmp_path / """over 't"h$ere""").rglob("*.py"))


def test_connections_lost_on_the_way_double_nothing(cloud, job, box: Sshd):
    place, sent = cloud(), job(TRAINS, "12", "2,6")
    submission = place.submit(sent)
    seen = []
    for one in place.follow(submission):
        seen.append(one)
        if (step := one.data.get("step")) in (2, 6):
            assert box.cut() > 0
            (there(Path(sent.folder)) / f"go-{step}").touch()
    assert steps(seen) == list(range(12)) and seen[-1].data["state"] == "succeeded"
    assert "the training goes on there" in next(one.data["message"] for one in seen if one.kind == "log")
    lines = (Path(sent.folder) / "logs/train.log").read_text().splitlines()
    assert lines[1:] == [f"step {number}" for number in range(12)]


FOLLOWER = """
import pathlib, sys
import msgspec
from bashgym.records import Job
from bashgym.registry import load
cls = load("cloud", "ssh")
place = cls(cls.Config(**msgspec.json.decode(sys.argv[1])))
submission = place.submit(msgspec.json.decode(sys.argv[2], type=Job))
for progress in place.follow(submission):
    print(progress, flush=True)
"""


def run_follower(place, sent: Job) -> subprocess.Popen:
    import msgspec

    words = [place.config.model_dump_json(), msgspec.json.encode(sent).decode()]
    return subprocess.Popen([sys.executable, "-c", FOLLOWER, *words], cwd=ROOT, stdout=subprocess.PIPE, text=True)


def test_a_killed_client_is_taken_up(cloud, job):
    place, sent = cloud(), job(TRAINS, "14", "3")
    follower = run_follower(place, sent)
    assert '"step": 1' in "".join(line for line, _ in zip(follower.stdout, range(2), strict=False)).replace("'", '"')
    follower.kill()
    follower.wait(timeout=10)
    note = Path(sent.folder) / "remote.json"  # as it would be, had it been killed before the machine's answer came
    note.write_text(json.dumps(json.loads(note.read_text()) | {"state": "submitting"}))
    submission = place.submit(sent)
    assert submission.id == json.loads((Path(sent.folder) / "remote.json").read_text())["id"]
    with pytest.raises(RunFailed, match="training running"):
        place.fetch(submission)
    (there(Path(sent.folder)) / "go-3").touch()
    assert steps(place.follow(submission)) == list(range(14))
    assert (Path(sent.folder) / "metrics.jsonl").read_text().count("\n") == 14
    assert place.fetch(submission).is_dir()


def test_cancel_ends_a_tree_that_ignores_signals(cloud, job):
    place, sent = cloud(grace_seconds=0.3), job(STUBBORN, "1")
    submission = place.submit(sent)
    files = [there(Path(sent.folder)) / "inside" / f"alive-{depth}" for depth in (0, 1)]
    wait_for(lambda: all(file.exists() and file.read_text() for file in files))
    pids = [int(file.read_text()) for file in files]
    place.cancel(submission)
    assert not living(pids)
    told = list(place.follow(submission))[-1].data
    assert told["state"] == "cancelled" and there(Path(sent.folder)).exists()
    place.down(submission)


def test_the_machine_itself_ends_a_training_in_time(cloud, job):
    """Nobody follows it: the limit is enforced over there, by its own clock, also where SIGTERM is ignored."""
    place, sent = cloud(limits={"max_hours": 1.0 / 3600}, grace_seconds=0.2), job(STUBBORN, "1")
    submission = place.submit(sent)
    over = there(Path(sent.folder))
    wait_for(lambda: json.loads((over / "job.json").read_text())["state"] == "failed")
    told = list(place.follow(submission))[-1].data
    assert told["state"] == "failed" and "cloud.limits.max_hours" in told["reason"]
    pids = [int((over / "inside" / f"alive-{depth}").read_text()) for depth in (0, 1)]
    assert not living(pids)


def test_a_failed_training_goes_on_from_what_it_left_there(cloud, job):
    script = "import pathlib, sys\nnote = pathlib.Path('output/checkpoint-1')\nif note.exists(): print('taken up')\n"
    script += "note.mkdir(parents=True, exist_ok=True)\nraise MemoryError('too large')"
    place = cloud()
    first = place.submit(job(script))
    told = list(place.follow(first))[-1].data
    assert told["state"] == "failed" and "training.batch_size" in told["reason"]
    with pytest.raises(RunFailed, match=r"training failed.*train\.log"):
        place.fetch(first)
    place.down(first)
    second = place.submit(job(script))
    assert second.id != first.id and list(place.follow(second))[-1].data["state"] == "failed"
    assert "taken up" in (Path(first.folder) / "logs/train.log").read_text()


def test_what_differs_from_its_hash_is_not_taken(cloud, job, monkeypatch: pytest.MonkeyPatch):
    place, sent = cloud(keep=True), job(TRAINS, "1", "")
    submission = place.submit(sent)
    assert list(place.follow(submission))[-1].data["state"] == "succeeded"
    ask = ssh.Machine.ask

    def changed(self, word, *arguments, **named):
        told = ask(self, word, *arguments, **named)
        if word == "hashes":
            (there(Path(sent.folder)) / "output" / "config.json").write_text('{"changed": "after the hashes"}')
        return told

    monkeypatch.setattr(ssh.Machine, "ask", changed)
    with pytest.raises(RunFailed, match=r"1 files are not what box has, 'config\.json'"):
        place.fetch(submission)
    assert not (Path(sent.folder) / "output").exists()
    monkeypatch.undo()
    assert json.loads((place.fetch(submission) / "config.json").read_text()) == {"changed": "after the hashes"}
    place.down(submission)
    assert there(Path(sent.folder)).exists()


def errors(place, sent: Job) -> list[str]:
    return [one.message for one in place.preflight(sent) if one.level == "error"]


def test_who_does_not_let_us_in_is_told_in_one_line(cloud, job, box: Sshd, tmp_path: Path):
    sent = job(TRAINS, "1", "")
    assert "set cloud.host=NAME" in errors(cloud(host=""), sent)[0]
    with Sshd(tmp_path / "other") as other:
        place = cloud(config_file=str(other.config))
        other.vouched(None)
        (unknown,) = errors(place, sent)
        assert "host key is not known" in unknown and f"ssh -F {other.config} box" in unknown
        other.vouched(box.folder / "host_key.pub")
        (changed,) = errors(place, sent)
        assert "may be an attack" in changed
        other.vouched(other.folder / "host_key.pub")
        (other.folder / "user_key.pub").write_text("")
        (locked,) = errors(place, sent)
        assert "ssh-copy-id" in locked
    (down,) = errors(place, sent)
    assert "nothing listens for ssh" in down and "\n" not in unknown + changed + locked + down


def test_rewards_are_held_to_a_box_that_holds_there(cloud, job):
    """The sandbox is sent and tried over there: it says what this machine says, which is the same one."""
    python = Path(sys.executable)
    sent = job(TRAINS, "1", "")
    tests = {"label": "unit_tests", "config": {"box": "landlock"}}
    order = {"rewards": [tests, {"label": "style", "config": {}}], "selftest": {"rewards": ["unit_tests"]}}
    (Path(sent.folder) / "inside" / "rewards.json").write_text(json.dumps(order))
    told = {one.message for one in cloud(remote_python=str(python)).preflight(sent) if "axolotl" not in one.message}
    works = sandbox.tried("landlock") == ""
    assert len(told) == 1 and ("the box landlock, which holds there" in str(told)) == works
    assert works or "nothing is run without a box" in str(told)


def test_what_is_sent_can_be_read_by_an_older_python():
    """The first Python that is asked is the machine's own; annotations are not evaluated there."""
    for name in ssh.SHIPPED:
        ast.parse((ROOT / "bashgym" / name).read_text(), feature_version=(3, 8))
    compile(ssh.supervisor(folder="a 'b\""), "sent", "exec")


@pytest.mark.slow
def test_the_environment_is_made_there_once(cloud, job, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Two small packages in two groups, as torch and Axolotl are; no network is needed."""
    (tmp_path / "constraints.txt").write_text("bgfirst==1.0\n")
    groups = ((wheel(tmp_path, "bgfirst"),), (wheel(tmp_path, "bgsecond"),))
    pins = venv.Pins(groups, tmp_path / "constraints.txt", ("bgfirst", "bgsecond"), 0.05, "pip")
    for module in (sent, asked):
        monkeypatch.setattr(module, "Pins", lambda: pins)
    search = f"{Path(sys.executable).parent}:/usr/bin:/bin"
    with Sshd(tmp_path / "new", f"SetEnv BASHGYM_ENVS={tmp_path / 'envs'} PIP_NO_INDEX=1 PATH={search}\n") as new:
        place = cloud(config_file=str(new.config), remote_python="")
        one = job("import bgfirst, bgsecond, sys; print(sys.executable)", "1", "")
        (told,) = place.preflight(one)
        assert told.level == "info" and "is made on box first" in told.message
        submission = place.submit(one)
        assert list(place.follow(submission))[-1].data["state"] == "succeeded"
        log = (Path(one.folder) / "logs/train.log").read_text()
        (made,) = (tmp_path / "envs").glob("*/bin/python")
        assert "Successfully installed bgsecond" in log and log.splitlines()[-1] == str(made)
        ready = json.loads((made.parents[1] / "ready.json").read_text())
        assert ready["versions"] == {"bgfirst": "1.0", "bgsecond": "1.0"}
        again = place.submit(one)
        assert list(place.follow(again))[-1].data["state"] == "succeeded"
        assert (Path(one.folder) / "logs/train.log").read_text() == f"{made}\n"


@pytest.mark.parametrize("host", ["-oProxyCommand=touch x", "a b", "me@-x", "box;ls", "box:2222"])
def test_a_host_that_ssh_or_a_shell_would_take_for_more(cloud, host: str):
    with pytest.raises(RecipeError, match=r"cloud\.host: name a host"):
        cloud(host=host)


def test_preflight_names_what_the_machine_lacks(cloud, job, tmp_path: Path):
    python = tmp_path / "env" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.symlink_to(sys.executable)
    sent = job(TRAINS, "1", "", gpu={"min_vram_gb": 9000, "count": 1}, config={"base_model": "/nowhere/model"})
    place = cloud(remote_python=str(python), free_disk_gb=1e9, remote_folder="/etc/passwd/jobs")
    told = errors(place, sent)
    for part in (
        "nothing can be written",
        "cloud.free_disk_gb",
        "no axolotl beside",
        "copy it to the same path",
        "9000",
    ):
        assert [line for line in told if part in line], part
    (python.parent / "axolotl").write_text("#!/bin/sh\n")
    (python.parent / "axolotl").chmod(0o755)
    assert errors(cloud(remote_python=str(python)), job(TRAINS, "1", "")) == []
    (missing,) = errors(cloud(remote_python="/nowhere/python"), sent)
    assert "no `/nowhere/python` there" in missing


def test_a_full_disk_and_no_rsync_there(cloud, job, tmp_path: Path):
    """A limit on the size of files stands in for a full disk: writing fails in the same call."""
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("sh", "cat"):
        (tools / name).symlink_to(shutil.which(name))
    sent = job(TRAINS, "1", "")
    (Path(sent.folder) / "inside" / "large").write_bytes(os.urandom(300_000))
    with Sshd(tmp_path / "full", "ForceCommand trap '' XFSZ; ulimit -f 100; sh -c \"$SSH_ORIGINAL_COMMAND\"\n") as full:
        place = cloud(config_file=str(full.config))
        with pytest.raises(RunFailed, match=r"cannot be written.*is the disk full\?"):
            place.submit(sent)
    with Sshd(tmp_path / "bare", f"SetEnv PATH={tools}\n") as bare:
        place = cloud(config_file=str(bare.config))
        assert "there is no rsync there; install it" in "".join(errors(place, sent))
        with pytest.raises(RunFailed, match="no rsync there"):
            place.submit(sent)


def test_a_machine_that_is_gone_is_told_with_what_to_type(cloud, job, tmp_path: Path):
    with Sshd(tmp_path / "soon gone") as gone:
        place, sent = cloud(config_file=str(gone.config), patience_minutes=0), job(STUBBORN, "0")
        submission = place.submit(sent)
    with pytest.raises(RunFailed, match="nothing listens"):
        list(place.follow(submission))
    with pytest.raises(RunFailed, match=r"may still run.*xargs kill"):
        place.down(submission)
    ours = [pid for pid in processes.running() if processes.marked(pid, submission.id)]
    assert len(ours) == 2, "the supervisor and the training, which need no client"
    for pid in ours:
        os.kill(pid, signal.SIGKILL)
