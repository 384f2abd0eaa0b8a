"""A reward of somebody else's pack in a process of its own: without our environment variables, spoken to in JSON.

Over there it gets completions and rows, and what comes back are numbers: a token in a variable of the training stays
with the training. One question at a time, a line each; what the reward prints goes to standard error."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import IO, Any

KEPT = ("PATH", "HOME", "USER", "LOGNAME", "LANG", "TZ", "TMPDIR")  # of our environment, and LC_*
PLAIN = ("verifies", "control", "repeatable")  # what a reward may say of itself
START = """
import sys
sys.path.insert(0, sys.argv[1])
from bashgym.tasks import apart, loading
apart.answer(loading.reward)
"""


class Ended(RuntimeError):
    """The reward, or its process, failed."""


class Reward:
    """A reward as seen from here; `told` is its entry in the file that names the rewards in `folder`."""

    def __init__(self, folder: Path, told: dict[str, Any]) -> None:
        self.label = told["label"]
        self.lock = threading.Lock()
        env = {key: value for key, value in os.environ.items() if key in KEPT or key.startswith("LC_")}
        command = [sys.executable, "-I", "-c", START, str(Path(__file__).resolve().parents[2])]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=env)
        said = self.ask([str(folder), {**told, "apart": False}])
        for name, value in said["plain"].items():
            setattr(self, name, value)
        if said["folders"]:
            self.score_folder = self.scored_folder

    def score(self, completion: str, row: dict[str, Any]) -> float:
        """Raises Ended, in one line, with what the reward raised."""
        return float(self.ask(["score", completion, row]))

    def scored_folder(self, folder: Path, row: dict[str, Any]) -> float:
        return float(self.ask(["score_folder", str(folder), row]))

    def ask(self, question: Any) -> Any:
        says, hears = self.process.stdin, self.process.stdout
        assert says is not None and hears is not None
        with self.lock:
            try:
                says.write(json.dumps(question, default=str).encode() + b"\n")
                says.flush()
                line = hears.readline()
            except OSError:
                line = b""
        if not line:
            raise Ended(f"reward.{self.label}: its process ended")
        answer = json.loads(line)
        if "error" in answer:
            raise Ended(f"reward.{self.label}: {answer['error']}")
        return answer["answer"]


def answer(load: Callable[[Path, dict[str, Any]], Any]) -> None:
    """The other side: loads the reward, then answers until nobody asks any more."""
    hears, says = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)  # what the reward prints is no answer
    folder, told = json.loads(hears.readline())
    built = answered(says, lambda: load(Path(folder), told), described)
    while built is not None and (line := hears.readline()):
        name, given, row = json.loads(line)
        value = Path(given) if name == "score_folder" else given
        answered(says, partial(scored, getattr(built, name), value, row))


def scored(score: Callable[[Any, Any], Any], given: Any, row: Any) -> float:
    return float(score(given, row))


def described(built: Any) -> dict[str, Any]:
    plain = {name: bool(getattr(built, name)) for name in PLAIN if hasattr(built, name)}
    return {"plain": plain, "folders": hasattr(built, "score_folder")}


def answered(says: IO[bytes], work: Callable[[], Any], tell: Callable[[Any], Any] = lambda value: value) -> Any:
    """Does the work and says what came of it, or in one line what it raised; None where it raised."""
    value, told = None, {}
    try:
        value = work()
        told = {"answer": tell(value)}
    except Exception as error:
        told = {"error": " ".join(f"{type(error).__name__}: {error}".split())}
    says.write(json.dumps(told).encode() + b"\n")
    says.flush()
    return value
