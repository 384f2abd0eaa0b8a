"""Real processes all the way: what a follower is told has to be what happened."""

import json
import os
import signal
import struct
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from bashgym import paths, processes
from bashgym.config import validate
from bashgym.errors import InputError, RunFailed
from bashgym.records import Job, Submission
from bashgym.registry import load

ROOT = Path(__file__).resolve().parents[2]

# a training in small: metric lines, a checkpoint, an end
TRAINS = """
import json, pathlib, struct, sys
print("hello from", sys.argv[0])
with open("metrics.jsonl", "a") as file:
    for step in range(3):
        line = {"event": "log", "step": step, "max_steps": 3, "epoch": 0.5, "metrics": {"loss": 3 - step}}
        print(json.dumps(line), file=file, flush=True)
out = pathlib.Path("output"); out.mkdir(exist_ok=True)
(out / "config.json").write_text("{}")
head = json.dumps({"w": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}).encode()
(out / "model.safetensors").write_bytes(struct.pack("<Q", len(head)) + head + b"1234")
"""

# ignores every polite signal and has a child and a grandchild, one in a session of its own, which do so as well
STUBBORN = """
import os, signal, subprocess, sys, time
for number in (signal.SIGINT, signal.SIGTERM):
    signal.signal(number, signal.SIG_IGN)
depth = int(sys.argv[1])
open(f"alive-{depth}", "w").write(str(os.getpid()))
if depth:
    subprocess.Popen([sys.executable, __file__, str(depth - 1)], start_new_session=depth == 1)
time.sleep(120)
"""

# stops at Ctrl-C after it has saved, as Axolotl does
POLITE = """
import time
open("started", "w").close()
try:
    time.sleep(120)
except KeyboardInterrupt:
    open("saved", "w").close()
    raise SystemExit(1)
"""


def cloud(**values):
    cls = load("cloud", "local")
    return cls(validate(cls.Config, {"python": sys.executable, "grace_seconds": 1.0} | values, "cloud"))


def job(folder: Path, script: str, *arguments: str, **changes) -> Job:
    (folder / "train.py").write_text(script)
    fields = {
        "name": "test",
        "folder": str(folder),
        "command": ("python", str(folder / "train.py"), *arguments),
        "env": {"GREETING": "hi"},
        "output": "output",
        "config": {},
        "gpu": {},
    }
    return Job(**fields | changes)


def wait_for(condition, seconds: float = 20.0):
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)
    return found


def alive(pid: int) -> bool:
    process = processes.from_proc().get(pid) if sys.platform == "linux" else processes.from_ps().get(pid)
    return process is not None and not process.dead


def last(place, submission):
    return list(place.follow(submission))[-1].data


def test_a_job_that_succeeds(tmp_path):
    place = cloud()
    submission = place.submit(job(tmp_path, TRAINS))
    progress = list(place.follow(submission))
    assert [(one.kind, one.data.get("step")) for one in progress[:-1]] == [("metric", step) for step in range(3)]
    assert progress[0].data["metrics"] == {"loss": 3}
    assert progress[-1].kind == "state"
    assert progress[-1].data == {"state": "succeeded", "exit_code": 0, "reason": ""}
    assert place.fetch(submission) == tmp_path / "output"
    assert "hello from" in (tmp_path / "logs/train.log").read_text()
    place.down(submission)
    assert json.loads((tmp_path / "job.json").read_text())["state"] == "succeeded"


def test_a_second_job_in_the_folder_yields_only_its_own_metrics(tmp_path):
    place = cloud()
    first = place.submit(job(tmp_path, TRAINS))
    assert last(place, first)["state"] == "succeeded"
    second = place.submit(job(tmp_path, TRAINS))
    assert len(list(place.follow(second))) == 4
    assert len((tmp_path / "metrics.jsonl").read_text().splitlines()) == 6
    with pytest.raises(RunFailed, match="another job"):
        list(place.follow(first))


def test_a_failure_is_told_with_its_cause(tmp_path):
    script = """
import subprocess, sys
subprocess.run([sys.executable, "-c", "raise ValueError('\\x1b[31mdataset\\x1b[0m has no rows')"], check=True)
"""
    place = cloud()
    submission = place.submit(job(tmp_path, script))
    told = last(place, submission)
    # the launcher's own CalledProcessError comes last in the log and says nothing
    assert told == {"state": "failed", "exit_code": 1, "reason": "ValueError: dataset has no rows"}
    with pytest.raises(RunFailed, match=r"dataset has no rows.*train\.log"):
        place.fetch(submission)


def test_a_killed_training_is_told_as_killed(tmp_path):
    place = cloud()
    submission = place.submit(job(tmp_path, "import os; os.kill(os.getpid(), 9)"))
    told = last(place, submission)
    assert (told["state"], told["exit_code"]) == ("failed", 137)
    assert "want of memory" in told["reason"]


def test_half_a_checkpoint_is_refused(tmp_path):
    place = cloud()
    submission = place.submit(job(tmp_path, TRAINS))
    assert last(place, submission)["state"] == "succeeded"
    weights = tmp_path / "output/model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1])
    with pytest.raises(RunFailed, match=r"model\.safetensors is not there or not whole"):
        place.fetch(submission)
    weights.unlink()
    with pytest.raises(RunFailed, match="there are no weights"):
        place.fetch(submission)


def test_shards_and_adapters(tmp_path):
    from bashgym import checkpoint

    head = json.dumps({"w": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}).encode()
    weights = struct.pack("<Q", len(head)) + head + b"1234"
    (tmp_path / "config.json").write_text("{}")
    index = {"weight_map": {"a": "model-1.safetensors", "b": "model-2.safetensors"}}
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps(index))
    (tmp_path / "model-1.safetensors").write_bytes(weights)
    assert "model-2.safetensors" in (checkpoint.lacks(tmp_path) or "")
    (tmp_path / "model-2.safetensors").write_bytes(weights)
    assert checkpoint.lacks(tmp_path) is None
    (tmp_path / "adapter_config.json").write_text('{"r": ')
    assert "adapter_config.json" in (checkpoint.lacks(tmp_path) or "")
    (tmp_path / "adapter_config.json").write_text("{}")
    assert checkpoint.lacks(tmp_path) == "there are no weights"
    (tmp_path / "adapter_model.safetensors").write_bytes(weights)
    assert checkpoint.lacks(tmp_path) is None


def test_what_a_training_sees(tmp_path, monkeypatch):
    monkeypatch.setenv("MY_API_KEY", "canary-5151")
    script = "import json, os, sys; json.dump(dict(os.environ), open('seen.json', 'w')); print(os.getcwd())"
    place = cloud()
    assert last(place, place.submit(job(tmp_path, script)))["state"] == "succeeded"
    seen = json.loads((tmp_path / "seen.json").read_text())
    assert seen["GREETING"] == "hi"
    assert "canary-5151" not in json.dumps(seen)
    assert seen["HF_HUB_OFFLINE"] == "1"
    assert (tmp_path / "logs/train.log").read_text().strip() == str(tmp_path)


def test_cancel_lets_a_training_save(tmp_path):
    place = cloud(grace_seconds=20.0)
    submission = place.submit(job(tmp_path, POLITE))
    wait_for((tmp_path / "started").exists)
    began = time.monotonic()
    place.cancel(submission)
    assert time.monotonic() - began < 10
    assert (tmp_path / "saved").exists()
    assert last(place, submission) == {"state": "cancelled", "exit_code": 1, "reason": "cancelled"}


def test_ctrl_c_leaves_nothing_of_a_stubborn_tree(tmp_path):
    follower = run_follower(tmp_path, STUBBORN, "2")
    wait_for(lambda: all((tmp_path / f"alive-{depth}").exists() for depth in range(3)))
    pids = wait_for(lambda: [int(text) for d in range(3) if (text := (tmp_path / f"alive-{d}").read_text())])
    assert all(alive(pid) for pid in pids)
    follower.send_signal(signal.SIGINT)
    assert follower.wait(timeout=30) == 130
    assert not [pid for pid in pids if alive(pid)]
    assert json.loads((tmp_path / "job.json").read_text())["state"] == "cancelled"


FOLLOWER = """
import sys
from bashgym.records import Job, Submission
from bashgym.registry import load
import msgspec, pathlib
folder, python, command = pathlib.Path(sys.argv[1]), sys.argv[2], sys.argv[3:]
cls = load("cloud", "local")
place = cls(cls.Config(python=python, grace_seconds=0.5))
job = Job(name="t", folder=str(folder), command=tuple(command), env={}, output="output", config={}, gpu={})
submission = place.submit(job)
try:
    for progress in place.follow(submission):
        print(progress, flush=True)
except KeyboardInterrupt:
    sys.exit(130)
"""


def run_follower(folder: Path, script: str, *arguments: str) -> subprocess.Popen:
    """Submits and follows in a process of its own, which can be interrupted and killed."""
    (folder / "train.py").write_text(script)
    command = [sys.executable, "-c", FOLLOWER, str(folder), sys.executable, "python", str(folder / "train.py")]
    return subprocess.Popen([*command, *arguments], cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)})


def started(folder: Path) -> Submission:
    """The submission as another process finds it: in job.json."""

    def look():
        file = folder / "job.json"
        return file.exists() and (record := json.loads(file.read_text()))["pid"] and record

    record = wait_for(look)
    return Submission(job=record["job"], folder=str(folder), id=record["id"])


def test_another_process_follows_and_a_killed_follower_harms_nothing(tmp_path):
    script = TRAINS.replace("import json,", "import time; time.sleep(3)\nimport json,")
    follower = run_follower(tmp_path, script)
    submission = started(tmp_path)
    follower.kill()
    follower.wait(timeout=10)
    place = cloud()
    assert place.submit(job(tmp_path, script)) == submission  # not a second one beside it
    with pytest.raises(RunFailed, match="training running"):
        place.fetch(submission)
    progress = list(place.follow(submission))
    assert [one.kind for one in progress] == ["metric", "metric", "metric", "state"]
    assert progress[-1].data["state"] == "succeeded"  # nobody waited for it, and its exit code is known all the same
    assert place.fetch(submission) == tmp_path / "output"


def test_a_tree_that_was_killed_while_nobody_looked_is_found_dead(tmp_path):
    follower = run_follower(tmp_path, "import time; time.sleep(120)")
    submission = started(tmp_path)
    follower.kill()
    follower.wait(timeout=10)
    os.killpg(json.loads((tmp_path / "job.json").read_text())["pid"], signal.SIGKILL)
    told = last(cloud(), submission)
    assert (told["state"], told["exit_code"]) == ("failed", None)
    assert "vanished" in told["reason"]


def test_a_training_whose_shell_was_killed_still_runs(tmp_path):
    place = cloud()
    submission = place.submit(job(tmp_path, POLITE))
    wait_for((tmp_path / "started").exists)
    os.kill(json.loads((tmp_path / "job.json").read_text())["pid"], signal.SIGKILL)
    time.sleep(0.5)
    assert place.submit(job(tmp_path, POLITE)) == submission
    place.down(submission)
    assert last(place, submission)["state"] == "cancelled"


def test_a_reused_pid_is_not_mistaken_for_the_job(tmp_path):
    """job.json names this very test process, with another start: it is neither alive nor to be killed."""
    record = {
        "id": "x" * 32,
        "job": "old",
        "output": "output",
        "state": "running",
        "pid": os.getpid(),
        "start": "long ago",
    }
    record |= {"exit_code": None, "reason": "", "metrics_from": 0}
    (tmp_path / "job.json").write_text(json.dumps(record))
    place, submission = cloud(), Submission(job="old", folder=str(tmp_path), id="x" * 32)
    assert last(place, submission)["state"] == "failed"
    place.down(submission)
    assert alive(os.getpid())


def test_malformed_and_half_metric_lines(tmp_path):
    script = """
import time
file = open("metrics.jsonl", "a")
for text in ('{"event": "log", "st', 'ep": 1}\\n', 'not json\\n', '{"event": "end"}'):
    file.write(text); file.flush(); time.sleep(0.4)
"""
    place = cloud()
    progress = list(place.follow(place.submit(job(tmp_path, script))))
    assert [one.kind for one in progress] == ["metric", "log", "metric", "state"]
    assert progress[0].data == {"event": "log", "step": 1}
    assert "not json" in progress[1].data["message"]
    assert progress[2].data == {"event": "end"}


def test_quote_is_free_and_claims_no_hours(tmp_path):
    quote = cloud().quote(job(tmp_path, TRAINS))
    assert (quote.offers, quote.usd, quote.hours, quote.evidence) == ((), 0.0, None, "estimated")


def test_preflight(tmp_path, monkeypatch):
    assert not [one for one in cloud().preflight(job(tmp_path, TRAINS)) if one.level == "error"]
    (disk,) = cloud(free_disk_gb=1e9).preflight(job(tmp_path, TRAINS))
    assert disk.level == "error"
    assert "cloud.free_disk_gb" in disk.message
    missing = list(cloud(python="/nowhere/python").preflight(job(tmp_path, TRAINS)))
    assert [one.level for one in missing] == ["error"]
    monkeypatch.setenv("BASHGYM_ENVS", str(tmp_path / "envs"))
    monkeypatch.delenv("BASHGYM_TRAINING_PYTHON", raising=False)
    (made,) = list(cloud(python="").preflight(job(tmp_path, TRAINS)))
    assert made.level == "info"
    assert "GB" in made.message


def test_preflight_wants_the_gpus_a_job_needs(tmp_path, monkeypatch):
    """The card's own tool is stood in for: this is about what we make of its words."""
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    needs = job(tmp_path, TRAINS, gpu={"min_vram_gb": 24, "count": 1})

    def card(text: str):
        tool = tmp_path / "nvidia-smi"
        tool.write_text(f"#!/bin/sh\n{text}\n")
        tool.chmod(0o755)
        return [one.message for one in cloud().preflight(needs) if one.level == "error"]

    assert card("echo 24564") == []
    (small,) = card("echo 8192")
    assert "GPUs of 8 GB" in small
    (none,) = card("echo 'no devices were found'; exit 6")
    assert "no NVIDIA GPU" in none
    assert "training.device=cpu" in none
    assert "cloud=runpod" in none


def test_a_command_that_is_not_there(tmp_path):
    with pytest.raises(RunFailed, match=r"no `axolotl-none` beside .*cloud\.python"):
        cloud().submit(job(tmp_path, TRAINS, command=("axolotl-none", "train")))
    with pytest.raises(InputError, match=r"cloud\.python"):
        cloud(python="/nowhere/python").submit(job(tmp_path, TRAINS))
    with pytest.raises(RunFailed, match="no job was started"):
        list(cloud().follow(Submission(job="x", folder=str(tmp_path), id="x")))


def test_ps_and_proc_agree():
    """macOS has no /proc: the same facts have to come from ps."""
    if sys.platform != "linux":
        pytest.skip("there is only one of the two here")
    ours, theirs = processes.from_proc()[os.getpid()], processes.from_ps()[os.getpid()]
    assert ours[:3] == theirs[:3]
    assert ours.dead == theirs.dead


def test_the_preset_has_the_keys_of_the_config():
    values = yaml.safe_load((paths.shipped("conf") / "cloud/local.yaml").read_text())
    assert values.pop("plugin") == "local"
    assert load("cloud", "local").Config().model_dump() == values
