"""What stays above a job on the other machine until it ends: keeps its time, makes its environment first where it has
none, writes down how it ended. Runs there as there.py does; standard library only."""

import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
from importlib import metadata
from pathlib import Path

from bashgym import machine, processes
from bashgym.processes import Tree
from bashgym.remote.there import CANCELLED, METRICS, TERMINATE, environments_folder, maker, write


class Ended(Exception):
    """The supervisor was asked to end."""


class Late(Exception):
    """The job's time is over."""


def supervise(folder: str, mark: str, spec: dict) -> None:
    """Runs the job's command to its end, within its time, and writes down how it ended."""

    def asked(number: int, frame: object) -> None:
        raise Late if number == signal.SIGALRM else Ended

    for number in (signal.SIGTERM, signal.SIGALRM):
        signal.signal(number, asked)
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda number, frame: None)  # the training's to handle; ignored, it would inherit that
    signal.setitimer(signal.ITIMER_REAL, spec["seconds"])
    place = Path(folder)
    record: dict = {"id": mark, "state": "running", "pid": os.getpid(), "start": processes.start_of(os.getpid())}
    metrics = place / METRICS
    record.update(exit_code=None, metrics_from=metrics.stat().st_size if metrics.exists() else 0, late=False)
    write(place, record)
    child, code = None, None
    try:
        command = resolved(spec)
        child = subprocess.Popen(command, cwd=folder, env=seen(spec, mark, command[0]), stdin=subprocess.DEVNULL)
        code = child.wait()
    except Late:
        record["late"] = True
    except Ended:
        (place / CANCELLED).touch()
    except OSError as error:
        print(f"OSError: {error}", flush=True)
        code = 127
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGTERM, lambda number, frame: None)
    processes.end(Tree(os.getpid(), record["start"], mark), spec["grace"] if code is None else 0, TERMINATE)
    if code is None:
        code = child.wait() if child else 1
    state = "cancelled" if (place / CANCELLED).exists() else "succeeded" if code == 0 else "failed"
    write(place, dict(record, state="failed" if record["late"] else state, exit_code=128 - code if code < 0 else code))


def resolved(spec: dict) -> list:
    """The command, its program the one beside the environment's interpreter; raises OSError where it has none."""
    python = Path(spec["python"] or build(spec["make"], spec["kept"], spec["kept_prefixes"]))
    found = machine.program(python, spec["command"][0])
    if found is None:
        raise FileNotFoundError(f"no `{spec['command'][0]}` beside {python}; see cloud.remote_python")
    return [found, *spec["command"][1:]]


def kept(names: list, prefixes: list) -> dict:
    return {name: os.environ[name] for name in os.environ if name in names or name.startswith(tuple(prefixes))}


def seen(spec: dict, mark: str, program: str) -> dict:
    """What the job sees: of this machine's variables the named ones, those of the job, no other."""
    path = os.pathsep.join([str(Path(program).parent), os.environ.get("PATH", os.defpath)])
    return {**kept(spec["kept"], spec["kept_prefixes"]), "PATH": path, **spec["env"], processes.MARK: mark}


def build(make: dict, names: list, prefixes: list) -> str:
    """Makes the training environment by the pins in `make`, or finishes one that was interrupted; its interpreter.

    As bashgym/venv.py does on this side, whose `ready.json` it writes. Raises OSError where a step fails."""
    by, minor = maker(list(make["digests"]))
    if not by:
        raise FileNotFoundError(f"no Python {' or '.join(make['digests'])} with venv here")
    root = environments_folder() / make["digests"][minor]
    root.parent.mkdir(parents=True, exist_ok=True)
    env = {**kept([*names, "PATH"], [*prefixes, "PIP_"]), "PYTHONNOUSERSITE": "1", "PIP_NO_INPUT": "1"}
    python = str(root / "bin" / "python")
    pip = [python, "-m", "pip", "install", "--disable-pip-version-check"]
    with root.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if (root / "ready.json").exists():
            return python
        print(f"making the training environment in {root}", flush=True)
        shutil.rmtree(str(root), ignore_errors=True)  # half of one: pip trusts what lies there
        constraints = root.with_suffix(".constraints")
        constraints.write_text(make["constraints"], encoding="utf-8")
        steps = [[by, "-m", "venv", str(root)], [*pip, "--quiet", make["pip"]]]
        steps += [[*pip, "-c", str(constraints), *group] for group in make["groups"]]
        steps += [[python, "-c", "import sys, importlib; [importlib.import_module(one) for one in sys.argv[1:]]"]]
        steps[-1] += make["imports"]
        for step in steps:
            if subprocess.run(step, env=env, stdin=subprocess.DEVNULL).returncode:
                raise OSError(f"making the training environment failed: {' '.join(step[1:])[:200]}; see above")
        versions = {
            one.metadata["Name"]: one.version
            for one in metadata.distributions(path=[str(path) for path in root.glob("lib/python*/site-packages")])
            if one.metadata["Name"] in make["imports"]
        }
        ready = {"python": minor, "pins": make["groups"], "versions": versions}
        part = root / "ready.json.part"
        part.write_text(json.dumps(ready), encoding="utf-8")
        part.replace(root / "ready.json")
    return python


def main(text: str) -> None:
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    supervise(**json.loads(text))
