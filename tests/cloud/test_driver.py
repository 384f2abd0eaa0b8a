"""One real job through the real driver process, script and rsync, on a cloud that is folders (tests/fakes/sky)."""

import ast
import importlib.metadata
import json
import os
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from bashgym import checkpoint, jsonl, paths
from bashgym.config import validate
from bashgym.errors import RunFailed
from bashgym.gate import report
from bashgym.records import Job
from bashgym.registry import load
from bashgym.rented import driver, home, ledger, renting, watching
from bashgym.stages.job import carried_out
from tests.fakes import sky as fake

FAKES = Path(fake.__file__).parents[1]
CANARY = "canary-5d0e77aa91c3"
KEY = "key-of-the-user-31337"
CALLS = ["launch", "get", "api_status", "api_cancel", "status", "queue", "job_status", "tail_logs", "cancel", "down"]
TRAINER = f"""#!/bin/bash
trap '' TERM
echo "token $HF_TOKEN in $PWD"
[ ! -f out/checkpoint-3/trainer_state.json ] || echo "goes on from step 3"
for step in 1 2 3; do
  echo "{{\\"event\\": \\"log\\", \\"step\\": $step, \\"metrics\\": {{\\"loss\\": 0.$step}}}}" >> metrics.jsonl
  printf 'step %s\\rof 3\\n' $step
  sleep ${{PACE:-0.2}}
done
mkdir -p out/checkpoint-3
echo '{{"model_type": "llama"}}' > out/config.json
printf '\\2\\0\\0\\0\\0\\0\\0\\0{{}}' > out/model.safetensors
echo left > out/checkpoint-3/optimizer
ln -s /etc/hostname out/checkpoint-3/link
echo '{{"global_step": 3}}' > out/checkpoint-3/trainer_state.json
[ -z "$FAILS" ] || {{ echo "ValueError: no rows ({CANARY[:6]})"; exit 1; }}
"""


class Said(list):
    def say(self, line: str) -> None:
        self.append(line)

    def training(self, event: dict) -> None:
        self.append(event)

    def close(self) -> None: ...


@pytest.fixture
def place(tmp_path, monkeypatch):
    """The user's HOME with a key, a gated run folder, programs of the machine, SkyPilot's stand-in for the driver."""
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "axolotl").write_text(TRAINER)
    (tools / "axolotl").chmod(0o755)
    shutil.copy(FAKES / "fake_ssh", tools / "ssh")
    key = tmp_path / "user" / ".runpod" / "config.toml"
    key.parent.mkdir(parents=True)
    key.write_text(f'[default]\napi_key = "{KEY}"\n')
    monkeypatch.setenv("HOME", str(tmp_path / "user"))
    monkeypatch.setenv("BASHGYM_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("HF_TOKEN", CANARY)
    real = home.variables

    def variables(cloud: str) -> dict[str, str]:
        found = real(cloud)
        found["PYTHONPATH"] = f"{FAKES}:{found['PYTHONPATH']}"
        return found | {"PATH": f"{tools}:{found['PATH']}"}

    monkeypatch.setattr(home, "variables", variables)
    monkeypatch.setattr("bashgym.rented.life.BACK_OFF", (0.05,))
    monkeypatch.setattr("bashgym.rented.launching.POLL", 0.05)
    monkeypatch.setattr("bashgym.rented.ending.TRIES", (0.0, 0.1))
    folder = tmp_path / "run"
    (folder / "dataset").mkdir(parents=True)
    for split in report.SPLITS:
        (folder / "dataset" / f"{split}.jsonl").write_text("{}\n")
    passed = {"passed": True, "rows": 1, "values": 0, "skipped": {}, "repaired": 0, "canaries": 0, "engines": {}}
    digest = report.dataset_hash(folder / "dataset")
    report.write(folder, report.GateReport(dataset=digest, sessions=[], **passed))
    (folder / "axolotl.yaml").write_text("base_model: tiny\n")
    sky = tmp_path / "data" / "sky" / "runpod" / "fake"
    sky.mkdir(parents=True)
    return tmp_path


def job(place: Path, **env: str) -> Job:
    return Job(
        name="sft",
        folder=str(place / "run"),
        command=("axolotl", "train", "axolotl.yaml"),
        env=env,
        output="out",
        config={},
        gpu={"min_vram_gb": 24, "count": 1},
        uploads=("axolotl.yaml", "dataset"),
    )


def cloud(monkeypatch, **settings):
    """The plugin, its quote taken as it is: tests/cloud/test_skypilot.py has quotes."""
    from bashgym.rented import quoting

    def checked(self, job: Job) -> float:
        quoting.render(self.config, job, ("L4:1",))
        return 0.55

    monkeypatch.setattr(renting.Renting, "checked", checked)
    cls = load("cloud", "skypilot")
    return cls(validate(cls.Config, {"infra": "runpod", "secrets": ["HF_TOKEN"], **settings}, "cloud"))


def machines(place: Path) -> list[str]:
    folder = place / "data" / "sky" / "runpod" / "fake"
    return [one.name for one in folder.iterdir() if one.is_dir()]


def launches(place: Path) -> int:
    return len((place / "data" / "sky" / "runpod" / "fake" / "launches").read_text().split())


def holding(place: Path, word: str) -> list[str]:
    files = [
        path for path in place.rglob("*") if path.is_file() and "user" not in path.parts and "fake" not in path.parts
    ]
    return [str(path) for path in files if word.encode() in path.read_bytes()]


def test_a_job_from_launch_to_checkpoint_leaves_no_machine_and_no_secret(place, monkeypatch):
    said = Said()
    carried_out(cloud(monkeypatch), job(place), "same", said, lambda: said.append("agreed"))
    run = place / "run"
    assert checkpoint.lacks(run / "out") is None
    assert not (run / "out" / "checkpoint-3").exists()  # optimizer states do not travel
    assert [event["step"] for event in said if isinstance(event, dict)] == [1, 2, 3]
    assert [line.value["step"] for line in jsonl.read_lines(run / "metrics.jsonl")] == [1, 2, 3]
    log = (run / "logs" / "train.log").read_text().splitlines()
    assert log[0].startswith("token [secret] in ")
    assert log[1:] == ["of 3"] * 3
    assert any("$0.55/h" in line for line in said if isinstance(line, str))
    assert machines(place) == []
    assert ledger.all_open() == []
    assert (place / "data" / "sky" / "runpod" / "fake" / "stopped").exists()  # SkyPilot's server
    assert holding(place, CANARY) == []
    assert holding(place, KEY) == []
    told = json.loads((run / "rented.json").read_bytes())
    assert (told["state"], told["evidence"]) == ("succeeded", "estimated")


def test_secrets_are_there_while_it_runs_or_this_file_shows_nothing(place, monkeypatch):
    """The canary of the test above does stand in SkyPilot's requests, and the key in its home, until the end."""
    ours = cloud(monkeypatch)
    submission = ours.submit(job(place, PACE="1"))
    following = ours.follow(submission)
    while not machines(place):
        next(following)
    assert [Path(path).name for path in holding(place, CANARY)] == ["requests.db"]
    assert [Path(path).name for path in holding(place, KEY)] == ["config.toml"]
    assert Path(holding(place, KEY)[0]).stat().st_mode & 0o777 == 0o600
    following.close()
    ours.down(submission)
    assert machines(place) == []
    assert holding(place, CANARY) == []


def test_killed_with_9_it_is_taken_up_and_not_rented_again(place, monkeypatch):
    program = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "import pytest; from pathlib import Path; from tests.cloud import test_driver as t\n"
        "with pytest.MonkeyPatch.context() as patch:\n"
        "    real = t.home.variables\n"
        "    found = f'{t.FAKES}:{t.paths.HERE.parent}'\n"
        "    more = {'PYTHONPATH': found, 'PATH': f'{sys.argv[2]}/tools:' + t.os.environ['PATH']}\n"
        "    patch.setattr(t.home, 'variables', lambda cloud: real(cloud) | more)\n"
        "    place = Path(sys.argv[2])\n"
        "    t.carried_out(t.cloud(patch), t.job(place, PACE='1.5'), 'same', t.Said(), lambda: None)\n"
    )
    child = subprocess.Popen([sys.executable, "-c", program, str(paths.HERE.parent), str(place)], cwd=paths.HERE.parent)
    metrics = place / "run" / "metrics.jsonl"
    deadline = time.monotonic() + 60
    while not metrics.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    child.kill()
    child.wait()
    (orphan,) = ledger.orphans()
    assert orphan.state == "running"
    said = Said()
    carried_out(cloud(monkeypatch), job(place, PACE="1.5"), "same", said, lambda: pytest.fail("asked a second time"))
    assert launches(place) == 1
    assert [line.value["step"] for line in jsonl.read_lines(metrics)] == [1, 2, 3]
    assert checkpoint.lacks(place / "run" / "out") is None
    assert machines(place) == []
    assert ledger.all_open() == []


def test_lost_connections_double_nothing_and_a_failure_is_told(place, monkeypatch):
    faults = ["tail_logs ApiServerConnectionError", "job_status ApiServerConnectionError", "status RuntimeError"]
    faults += ["down RuntimeError", "api_stop RuntimeError"]
    (place / "data" / "sky" / "runpod" / "fake" / "fault").write_text("\n".join(faults))
    with pytest.raises(RunFailed, match="ValueError: no rows"):
        carried_out(cloud(monkeypatch), job(place, FAILS="1"), "same", Said(), lambda: None)
    assert [line.value["step"] for line in jsonl.read_lines(place / "run" / "metrics.jsonl")] == [1, 2, 3]
    assert machines(place) == []
    assert holding(place, CANARY) == []  # although its server did not end when it was told
    assert not (place / "run" / "out" / "config.json").exists()
    saved = place / "run" / "out" / "checkpoint-3"
    assert (saved / "optimizer").read_text() == "left\n"
    assert not (saved / "link").is_symlink()
    carried_out(cloud(monkeypatch), job(place), "same", Said(), lambda: None)  # what it had saved goes along
    assert "goes on from step 3" in (place / "run" / "logs" / "train.log").read_text()
    assert checkpoint.lacks(place / "run" / "out") is None and not saved.exists()


def test_ctrl_c_ends_a_trainer_that_ignores_sigterm(place, monkeypatch):
    import signal

    metrics = place / "run" / "metrics.jsonl"

    def press() -> None:
        while not metrics.exists():
            time.sleep(0.05)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=press, daemon=True).start()
    with pytest.raises(KeyboardInterrupt):
        carried_out(cloud(monkeypatch), job(place, PACE="30"), "same", Said(), lambda: None)
    assert machines(place) == []
    assert ledger.all_open() == []
    assert holding(place, CANARY) == []


def test_only_a_gated_dataset_leaves(place, monkeypatch):
    (place / "run" / "dataset" / "train.jsonl").write_text('{"changed": 1}\n')
    from bashgym.errors import PrivacyError

    with pytest.raises(PrivacyError, match="changed after the leak gate"):
        cloud(monkeypatch).submit(job(place))
    assert ledger.all_open() == []


def test_ssh_finds_the_keys_of_skypilots_home(place):
    """Its settings name them below `~`, which ssh takes for the user's home whatever HOME says."""
    written = home.place("runpod") / ".sky" / "generated" / "ssh" / "bg-x"
    written.parent.mkdir(parents=True)
    written.write_text("Host bg-x\n  IdentityFile ~/.sky/clients/key\n  ProxyCommand ssh -i ~/.sky/k -W %h:%p a@b\n")
    home.ssh("runpod", "bg-x")
    text = (home.place("runpod") / ".sky" / "generated" / "bashgym-bg-x").read_text()
    assert f"IdentityFile {home.place('runpod')}/.sky/clients/key" in text
    assert f"-i {home.place('runpod')}/.sky/k -W" in text


def shape(call: ast.FunctionDef) -> list[str]:
    """Parameters in order, as a call sees them."""
    given = call.args
    return [*(one.arg for one in given.args), "*", *(one.arg for one in given.kwonlyargs)]


def definitions(file: Path) -> dict[str, ast.AST]:
    """Functions (of overloaded ones the last, which is the real one) and classes of a file, methods too, by name."""
    tree = ast.parse(file.read_bytes())
    return {node.name: node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.ClassDef)}


def values(cls: ast.ClassDef) -> list[str]:
    """What the members of an enumeration are called."""
    return [node.targets[0].id for node in cls.body if isinstance(node, ast.Assign)]


def test_the_stand_in_is_called_as_skypilot_is():
    """Names and parameters of every call the driver makes, and the states that are told apart: read from SkyPilot's
    own source, which takes ten seconds to import."""
    try:  # not by `find_spec`: another test may have put the stand-in on this process's path
        sky = Path(str(importlib.metadata.distribution("skypilot").locate_file("sky")))
    except importlib.metadata.PackageNotFoundError:
        pytest.skip("skypilot is not installed")
    real, ours = definitions(sky / "client" / "sdk.py"), definitions(Path(fake.__file__))
    for name in [*CALLS, "api_start", "api_stop"]:
        assert shape(ours[name]) == shape(real[name]), name
    assert shape(ours["from_yaml_config"]) == shape(definitions(sky / "task.py")["from_yaml_config"])
    states = values(definitions(sky / "skylet" / "job_lib.py")["JobStatus"])
    assert [one for one in states if one not in ("INIT", "PENDING", "SETTING_UP", "RUNNING")] == [
        one for one in states if one in watching.ENDED
    ]
    assert set(watching.ENDED) <= set(states)
    requests = values(definitions(sky / "server" / "requests" / "requests.py")["RequestStatus"])
    assert set(requests) - {"PENDING", "WAITING", "RUNNING"} == {"SUCCEEDED", "FAILED", "CANCELLED"}
    assert "FORCE" in values(definitions(sky / "utils" / "common.py")["StatusRefreshMode"])
    assert {"ClusterDoesNotExist", "ApiServerConnectionError"} <= set(definitions(sky / "exceptions.py"))
    assert f"CLUSTER_LAUNCH = '{driver.LAUNCH}'" in (sky / "server" / "requests" / "request_names.py").read_text()
