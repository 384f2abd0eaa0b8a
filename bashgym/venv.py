"""Makes and removes the virtual environment with the training packages; used through bashgym/environment.py.

Its packages exclude ours (Hydra and Axolotl want different antlr runtimes), so nothing of it is imported here. One
environment per set of pins and Python version lies under `paths.envs()`, shared by all projects of the user."""

import fcntl
import hashlib
import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from bashgym import jsonl, paths
from bashgym.errors import InputError, RunFailed
from bashgym.surroundings import Environment, for_pip, variables

# Axolotl pins zstandard 0.22.0, which has no wheel for 3.13 and cannot be built there.
MINORS = ("3.12", "3.11")

# Measured with the pins below on Linux x86_64, rounded up: 4.2 GB with torch for CPUs only (Python 3.11), 7.5 GB with
# the torch that brings CUDA's own packages (Python 3.12). pip's cache of downloads comes on top.
SIZE_GB = 4.4
CUDA_GB = 3.3


@dataclass(frozen=True)
class Pins:
    """What is installed: groups in the order of installation (torch first, so that Axolotl finds it there), and the
    constraints that hold every other package to a version that was tried."""

    groups: tuple[tuple[str, ...], ...] = (("torch==2.13.0",), ("axolotl==0.19.0",))
    constraints: Path = field(default_factory=lambda: paths.HERE / paths.INSIDE / "constraints.txt")
    imports: tuple[str, ...] = ("torch", "transformers", "axolotl", "lm_eval")
    size_gb: float = SIZE_GB
    pip: str = "pip>=25,<27"  # an older one downloads whole wheels only to tell what it would install

    def digest(self, minor: str = "") -> str:
        """Names the environment: another pin or Python version (this machine's, where none is said) is another one."""
        parts = [repr(self.groups), minor or maker().minor, self.constraints.read_text(encoding="utf-8")]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


class Maker(NamedTuple):
    """The interpreter an environment is made with, and its version as `3.12`."""

    python: str
    minor: str


@lru_cache
def maker(candidates: tuple[str, ...] = (sys.executable, *(f"python{minor}" for minor in MINORS))) -> Maker:
    """The first of `candidates` that is of a version the packages are for and can make a virtual environment.

    Raises InputError with the way out when none is."""
    program = "import sys, venv, ensurepip; print('%d.%d' % sys.version_info[:2])"
    for candidate in candidates:
        path = shutil.which(candidate)
        asked = subprocess.run([path, "-c", program], capture_output=True, text=True, check=False) if path else None
        if path and asked and asked.returncode == 0 and asked.stdout.strip() in MINORS:
            return Maker(path, asked.stdout.strip())
    raise InputError(
        f"the training packages need Python {' or '.join(MINORS)} with venv, and {', '.join(candidates)} are not that; "
        f"install one (Debian and Ubuntu: apt install python{MINORS[0]}-venv), "
        f"or set cloud.python to an environment that has Axolotl"
    )


def folder(pins: Pins | None = None) -> Path:
    return paths.envs() / (pins or Pins()).digest()


def marker(root: Path) -> Path:
    """Written last: an environment without it is unfinished."""
    return root / "ready.json"


def create(on_line: Callable[[str], None], pins: Pins | None = None) -> Path:
    """Makes the environment, or finishes one that was interrupted, and returns its interpreter.

    `on_line` gets one line of progress at a time; everything pip says is in `<environment>.log`. Raises InputError
    when the disk or the interpreter will not do, RunFailed when an installation fails."""
    pins = pins or Pins()
    root = folder(pins)
    if marker(root).exists():
        return root / "bin" / "python"
    root.parent.mkdir(parents=True, exist_ok=True)
    with alone(root, on_line) as lock:
        if not marker(root).exists():
            build(root, pins, on_line, lock)
    return root / "bin" / "python"


def build(root: Path, pins: Pins, on_line: Callable[[str], None], lock: int) -> None:
    log = root.with_suffix(".log")
    wanted = " and ".join(name for group in pins.groups for name in group)
    on_line(
        f"making the training environment: {wanted} for Python {maker().minor}, about {pins.size_gb:g} GB, in {root}"
    )
    enough_disk(root, pins.size_gb)
    forget_torn(root)
    step([maker().python, "-m", "venv", str(root)], log, on_line, lock)
    pip = [str(root / "bin" / "python"), "-m", "pip"]
    step([*pip, "install", "--quiet", pins.pip], log, on_line, lock)
    cuda = companions(pip, pins, root)
    if cuda:
        on_line(f"with CUDA: {len(cuda)} packages more ({', '.join(cuda[:3])} ...), about {CUDA_GB:g} GB")
        enough_disk(root, pins.size_gb + CUDA_GB)
    for group in pins.groups:
        on_line(f"installing {' '.join(group)}; pip's own words: {log}")
        step([*pip, "install", "-c", str(pins.constraints), *group], log, on_line, lock)
    found = probe(Environment(root / "bin" / "python"), pins.imports)
    if not found["ok"]:
        raise RunFailed(f"the environment was installed and does not work: {found['error']} (log: {log})")
    jsonl.replace(
        marker(root), jsonl.dumps({"python": maker().minor, "pins": pins.groups, "versions": found["versions"]})
    )
    on_line(f"ready: {root}")


def enough_disk(root: Path, needed_gb: float) -> None:
    """Raises InputError when what is still to be written does not fit; an interrupted attempt counts as written."""
    free = shutil.disk_usage(root.parent).free / 1e9
    missing = max(needed_gb - written_gb(root), 0.0)
    if free < missing:
        raise InputError(
            f"{root.parent}: {missing:.1f} GB are needed and {free:.1f} GB are free; "
            f"free some, or set BASHGYM_ENVS to a larger disk"
        )


def written_gb(root: Path) -> float:
    return sum(file.lstat().st_size for file in root.rglob("*") if not file.is_dir()) / 1e9 if root.exists() else 0.0


def forget_torn(root: Path) -> None:
    """Un-registers packages whose installation was interrupted: pip writes RECORD last and trusts what lies there."""
    for packages in root.glob("lib/python*/site-packages"):
        torn = [info for info in packages.glob("*.dist-info") if not (info / "RECORD").exists()]
        for leftover in [*torn, *packages.glob("~*")]:
            shutil.rmtree(leftover)


def companions(pip: Sequence[str], pins: Pins, root: Path) -> list[str]:
    """Names of the CUDA packages that the first group would bring along here; found by asking pip, nothing is kept."""
    report = root / "report.json"
    asked = [*pip, "install", "--dry-run", "--quiet", "--report", str(report), "-c", str(pins.constraints)]
    done = subprocess.run([*asked, *pins.groups[0]], env=for_pip(), capture_output=True, text=True, check=False)
    if done.returncode:
        raise RunFailed(f"pip cannot install {' '.join(pins.groups[0])}: {last_line(done.stderr)}")
    planned = json.loads(report.read_bytes())["install"]
    report.unlink()
    return sorted(name for one in planned if (name := one["metadata"]["name"]).startswith(("nvidia-", "cuda-")))


def step(command: Sequence[str], log: Path, on_line: Callable[[str], None], lock: int) -> None:
    """One command of the installation, all it says in the log and the telling lines to `on_line`.

    It inherits the lock: should we be killed, the next `create` waits until it too has ended."""
    telling = ("Collecting ", "Downloading ", "Installing ", "Successfully ", "ERROR")
    last = ""
    with log.open("a", encoding="utf-8") as file:
        process = subprocess.Popen(
            command,
            env=for_pip(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            pass_fds=(lock,),
        )
        assert process.stdout is not None
        try:
            for line in process.stdout:
                file.write(line)
                file.flush()
                last = line.strip() or last
                if line.strip().startswith(telling):
                    on_line(line.strip()[:200])
            process.wait()
        except BaseException:
            process.terminate()
            process.wait()
            raise
    if process.returncode:
        raise RunFailed(f"making the training environment failed: {last} (log: {log}); run it again to go on from here")


def last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "it said nothing"


@contextmanager
def alone(root: Path, on_line: Callable[[str], None]) -> Iterator[int]:
    """Only one process at a time makes or removes an environment; the kernel lets go when a process dies."""
    with root.with_suffix(".lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            on_line(f"another process is at work on {root}; waiting for it")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield file.fileno()


def remove(pins: Pins | None = None) -> list[Path]:
    """Deletes the environment and returns what was there; a kill in between leaves an unfinished one."""
    root = folder(pins)
    if not root.exists():
        return []
    with alone(root, lambda line: None):
        marker(root).unlink(missing_ok=True)
        shutil.rmtree(root)
    return [root]


def probe(environment: Environment, imports: Sequence[str] = Pins.imports) -> dict[str, Any]:
    """Imports the training packages over there: {ok, versions, cuda, error}; some ten seconds."""
    program = (
        "import importlib, json, sys\n"
        "from importlib.metadata import version, PackageNotFoundError\n"
        "found = {}\n"
        "for name in sys.argv[1:]:\n"
        "    module = importlib.import_module(name)\n"
        "    try: found[name] = version(name)\n"
        "    except PackageNotFoundError: found[name] = str(getattr(module, '__version__', ''))\n"
        "torch = sys.modules.get('torch')\n"
        "print(json.dumps({'versions': found, 'cuda': bool(torch and torch.cuda.is_available())}))"
    )
    command = [str(environment.python), "-c", program, *imports]
    done = subprocess.run(command, env=variables(environment), capture_output=True, text=True, check=False)
    if done.returncode:
        return {"ok": False, "versions": {}, "cuda": False, "error": last_line(done.stderr)}
    return {"ok": True, "error": "", **json.loads(done.stdout.strip().splitlines()[-1])}
