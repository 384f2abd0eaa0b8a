"""Real virtual environments from small wheels made here; the large one is made before the tests, and checked last."""

import base64
import hashlib
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
import zipfile
from pathlib import Path

import pytest

from bashgym import environment, paths, venv
from bashgym.errors import InputError, RunFailed

ROOT = Path(__file__).resolve().parent.parent


def wheel(folder: Path, name: str, code: str = "VALUE = 1\n") -> str:
    """A wheel pip takes: a package of one file."""
    info = f"{name}-1.0.dist-info"
    files = {
        f"{name}/__init__.py": code,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(
        f"{path},sha256={base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b'=').decode()},{len(text)}\n"
        for path, text in files.items()
    )
    target = folder / f"{name}-1.0-py3-none-any.whl"
    with zipfile.ZipFile(target, "w") as archive:
        for path, text in {**files, f"{info}/RECORD": record + f"{info}/RECORD,,\n"}.items():
            archive.writestr(path, text)
    return str(target)


@pytest.fixture
def pins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> venv.Pins:
    """Two small packages in two groups, as torch and Axolotl are; no network is needed."""
    monkeypatch.setenv("BASHGYM_ENVS", str(tmp_path / "envs"))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    (tmp_path / "constraints.txt").write_text("bgfirst==1.0\n")
    groups = ((wheel(tmp_path, "bgfirst"),), (wheel(tmp_path, "bgsecond"),))
    return venv.Pins(groups, tmp_path / "constraints.txt", ("bgfirst", "bgsecond"), size_gb=0.05, pip="pip")


def imported(python: Path, name: str) -> bool:
    return subprocess.run([python, "-c", f"import {name}"], capture_output=True, check=False).returncode == 0


def test_create_check_remove(pins: venv.Pins):
    lines: list[str] = []
    python = environment.create(lines.append, pins)
    assert imported(python, "bgfirst") and imported(python, "bgsecond")
    assert "0.05 GB" in lines[0] and lines[-1].startswith("ready")
    root = venv.folder(pins)
    assert python == root / "bin" / "python" and root.parent == paths.envs()
    ready = json.loads(venv.marker(root).read_bytes())
    assert ready["versions"] == {"bgfirst": "1.0", "bgsecond": "1.0"}
    assert "Successfully installed bgsecond" in root.with_suffix(".log").read_text()
    again: list[str] = []
    assert environment.create(again.append, pins) == python
    assert again == []
    assert environment.remove(pins) == [root]
    assert not root.exists()
    assert environment.remove(pins) == []


def test_killed_and_taken_up(pins: venv.Pins, tmp_path: Path):
    """SIGKILL while the second package is put in; what pip left torn is put right."""
    program = (
        "import os, signal, sys; from pathlib import Path; from bashgym import venv\n"
        "first, second, constraints = sys.argv[1:]\n"
        "pins = venv.Pins(((first,), (second,)), Path(constraints), ('bgfirst', 'bgsecond'), 0.05, 'pip')\n"
        "def line(text):\n"
        "    if text.startswith('installing') and 'bgsecond' in text: os.kill(os.getpid(), signal.SIGKILL)\n"
        "venv.create(line, pins)\n"
    )
    command = [sys.executable, "-c", program, pins.groups[0][0], pins.groups[1][0], str(pins.constraints)]
    died = subprocess.run(command, env={**os.environ, "PYTHONPATH": str(ROOT)}, check=False)
    assert died.returncode == -signal.SIGKILL
    root = venv.folder(pins)
    assert root.exists() and not venv.marker(root).exists()
    packages = next(root.glob("lib/python*/site-packages"))
    (packages / "bgfirst-1.0.dist-info" / "RECORD").unlink()
    (packages / "bgfirst" / "__init__.py").unlink()
    python = environment.create(lambda line: None, pins)
    assert imported(python, "bgsecond")
    assert (packages / "bgfirst" / "__init__.py").read_text() == "VALUE = 1\n"


def test_second_waits_and_says_so(pins: venv.Pins):
    root = venv.folder(pins)
    root.parent.mkdir(parents=True)
    lines: list[str] = []
    other = threading.Thread(target=environment.create, args=(lines.append, pins))
    with venv.alone(root, lines.append):
        other.start()
        limit = time.monotonic() + 10
        while not lines and time.monotonic() < limit:
            time.sleep(0.02)
        assert "waiting" in lines[0]
        assert not root.exists()
    other.join()
    assert venv.marker(root).exists()


def test_no_room(pins: venv.Pins):
    huge = venv.Pins(pins.groups, pins.constraints, pins.imports, size_gb=1e7)
    with pytest.raises(InputError, match=r"10000000\.0 GB are needed and [\d.]+ GB are free.*BASHGYM_ENVS"):
        environment.create(lambda line: None, huge)
    assert not venv.folder(huge).exists()


def test_failure_names_the_log(pins: venv.Pins, tmp_path: Path):
    broken = wheel(tmp_path, "bgbroken", "raise RuntimeError('broken inside')\n")
    bad = venv.Pins((*pins.groups, (broken,)), pins.constraints, (*pins.imports, "bgbroken"), 0.05, "pip")
    with pytest.raises(RunFailed, match=r"broken inside.*\.log"):
        environment.create(lambda line: None, bad)
    missing = venv.Pins((("bg-no-such-package==1",),), pins.constraints, (), 0.05, "pip")
    with pytest.raises(RunFailed, match="bg-no-such-package"):
        environment.create(lambda line: None, missing)


def test_another_pin_is_another_environment(pins: venv.Pins, tmp_path: Path):
    one = pins.digest()
    pins.constraints.write_text("bgfirst==1.1\n")
    assert pins.digest() != one
    assert venv.Pins().groups == (("torch==2.13.0",), ("axolotl==0.19.0",))


def test_which_interpreter_makes_it(tmp_path: Path):
    wrong = tmp_path / "python-of-another-version"
    wrong.write_text("#!/bin/sh\necho 3.99\n")
    wrong.chmod(0o755)
    assert venv.maker(("no-such-python", str(wrong), sys.executable)).minor in venv.MINORS
    with pytest.raises(InputError, match=r"Python 3\.12 or 3\.11 with venv.*apt install.*cloud\.python"):
        venv.maker(("no-such-python", str(wrong)))


def test_which_python(pins: venv.Pins, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.delenv(environment.OVERRIDE, raising=False)
    with pytest.raises(InputError, match="bashgym env create"):
        environment.python()
    assert environment.python(sys.executable) == Path(sys.executable).absolute()
    monkeypatch.setenv(environment.OVERRIDE, str(tmp_path / "nothing"))
    with pytest.raises(InputError, match=environment.OVERRIDE):
        environment.python()
    with pytest.raises(InputError, match=r"cloud\.python"):
        environment.python(str(tmp_path))


def test_no_secret_goes_over(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    secrets = {"HF_TOKEN": "hf_x", "AWS_SECRET_ACCESS_KEY": "a", "ANTHROPIC_API_KEY": "b", "WANDB_API_KEY": "c"}
    for name, value in {**secrets, "PYTHONPATH": "/elsewhere", "LC_ALL": "C"}.items():
        monkeypatch.setenv(name, value)
    there = environment.Environment(Path(sys.executable))
    code = "import json, os; print(json.dumps(dict(os.environ)))"
    seen = json.loads(environment.run(there, [sys.executable, "-c", code], tmp_path, tmp_path / "log"))
    assert not set(secrets) & set(seen)
    assert seen["PYTHONPATH"] == str(tmp_path / "inside") and seen["LC_ALL"] == "C"
    assert seen["AXOLOTL_DO_NOT_TRACK"] == seen["HF_HUB_OFFLINE"] == "1"
    assert seen["PATH"].split(os.pathsep)[0] == str(there.bin)
    online = environment.variables(there, tmp_path, online=True)
    assert online["HF_TOKEN"] == "hf_x" and "HF_HUB_OFFLINE" not in online
    assert not {"AWS_SECRET_ACCESS_KEY", "ANTHROPIC_API_KEY"} & set(online)


def test_a_failing_command_names_its_log(tmp_path: Path):
    there = environment.Environment(Path(sys.executable))
    with pytest.raises(RunFailed, match=r"ValueError: no luck.*log"):
        environment.run(there, ["python", "-c", "raise ValueError('no luck')"], tmp_path, tmp_path / "x.log")


def test_place_copies_what_runs_over_there(tmp_path: Path):
    there = environment.place(tmp_path)
    names = {str(path.relative_to(there)) for path in there.rglob("*") if path.is_file()}
    assert {"metrics.py", "scratch.py", "check_config.py", "lm_task.py", "templates/chatml_tools.jinja"} <= names
    assert "constraints.txt" not in names and not any("pycache" in name for name in names)
    assert {"bashgym/__init__.py", "bashgym/sandbox/__init__.py", "bashgym/sandbox/attempts.py"} <= names
    assert not {name for name in names if name.startswith("bashgym/")} - {
        "bashgym/__init__.py",
        *(f"bashgym/{room}/{path.name}" for room in ("sandbox", "tasks") for path in (paths.HERE / room).glob("*.py")),
        *("bashgym/boxed.py", "bashgym/config.py", "bashgym/errors.py", "bashgym/near.py", "bashgym/rented/pushed.py"),
    }


def test_the_sandbox_works_from_the_run_folder_alone(tmp_path: Path):
    """With the standard library and nothing else on the path, as in the training environment."""
    there = environment.place(tmp_path)
    code = "from bashgym import sandbox; print(sandbox.__file__, sorted(sandbox.BOXES))"
    command = [sys.executable, "-S", "-c", code]
    told = subprocess.run(
        command, env={"PYTHONPATH": str(there)}, cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert told.stdout.split()[0] == str(there / "bashgym" / "sandbox" / "__init__.py")
    assert "bubblewrap" in told.stdout


def test_constraints_are_of_no_machine():
    lines = [line for line in venv.Pins().constraints.read_text().splitlines() if not line.startswith("#")]
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9.]+", line) for line in lines), lines
    assert {"torch==2.13.0", "axolotl==0.19.0", "lm_eval==0.4.11"} <= set(lines)


@pytest.mark.training
def test_the_training_environment_works(training_python: Path):
    found = environment.check(str(training_python))
    assert found["ok"], found["error"]
    assert found["versions"]["axolotl"] == "0.19.0"
    assert found["versions"]["torch"].split("+")[0] == "2.13.0"
