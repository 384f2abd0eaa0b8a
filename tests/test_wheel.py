"""The built wheel, installed in a fresh environment and run from an empty folder: everything that ships is inside."""

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out), str(ROOT)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return next(out.glob("*.whl"))


def test_the_wheel_holds_what_ships(wheel: Path):
    names = set(zipfile.ZipFile(wheel).namelist())
    for part in ("conf", "recipes", "plugins", "hooks", "examples"):
        for path in (ROOT / part).rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts:
                assert f"bashgym/{path.relative_to(ROOT)}" in names
    assert {"bashgym/stages/report.html.j2", "bashgym/inside/constraints.txt"} <= names
    assert not [name for name in names if name.startswith("tests/") or ".venv" in name]


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_fresh_environment_runs_from_an_empty_folder(wheel: Path, tmp_path: Path, own_home: Path):
    site = tmp_path / "env"
    subprocess.run([sys.executable, "-m", "venv", str(site)], check=True)
    install = [str(site / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    done = subprocess.run([*install, str(wheel)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    empty = tmp_path / "empty"
    empty.mkdir()
    env = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}

    def call(*words: str) -> str:
        command = [str(site / "bin" / "bashgym"), *words]
        done = subprocess.run(command, cwd=empty, env=env, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    listed = json.loads(call("plugins", "list", "--json"))
    assert {row["origin"] for row in listed} == {"shipped"}
    assert all(str(site) in row["path"] for row in listed)
    manifest = json.loads(call("run", "recipe=quickstart", "--until", "dataset", "--json"))
    assert manifest["dataset"]["rows"]["train"] > 50
    plan = json.loads(call("run", "recipe=sft_codellama", "--plan", "--json"))  # the cloud extra is not installed
    assert plan["base"].startswith("codellama/")
    assert list(empty.iterdir()) == []
