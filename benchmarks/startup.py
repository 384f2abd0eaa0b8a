"""How long the command line takes before it does anything: `bashgym --help`, and a composed recipe, new and known.

python benchmarks/startup.py [--runs N]     whole processes, beside `python -c pass` in the same session"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
COMPOSE = (
    # garbage is collected as seldom as by the command line
    "import gc; from bashgym.cli import COLLECT_AFTER; gc.set_threshold(COLLECT_AFTER); from bashgym import recipe; "
    "recipe.load(['recipe=sft_codellama', 'cloud=runpod', 'training.learning_rate=1e-4'])"
)
COMPOSED = "a recipe, composed"  # in a home that has not seen it: Hydra is asked
COMMANDS = {
    "python -c pass": [sys.executable, "-c", "pass"],
    "bashgym --help": [sys.executable, "-m", "bashgym", "--help"],
    COMPOSED: [sys.executable, "-c", COMPOSE],
    "the same, kept": [sys.executable, "-c", COMPOSE],
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=15)
    runs = parser.parse_args().runs
    with tempfile.TemporaryDirectory() as home:
        # bytecode is kept, as by an installation; a PYTHONDONTWRITEBYTECODE here would time the compiler
        kept = {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": f"{home}/bytecode"}
        env = {**os.environ, **kept, "BASHGYM_HOME": f"{home}/data", "PYTHONPATH": str(ROOT)}
        times: dict[str, list[float]] = {name: [] for name in COMMANDS}
        for _ in range(runs + 1):  # in turn, so that a busy moment hits all alike; the first round warms up
            for name, command in COMMANDS.items():
                if name == COMPOSED:
                    shutil.rmtree(Path(home) / "data" / "compositions", ignore_errors=True)
                started = time.perf_counter()
                subprocess.run(command, env=env, cwd=home, check=True, stdout=subprocess.DEVNULL)
                times[name].append(time.perf_counter() - started)
    floor = statistics.median(times["python -c pass"][1:])
    for name, taken in times.items():
        median = statistics.median(taken[1:])
        print(f"{name:<20} median {median * 1000:6.0f} ms   {median / floor:5.1f} x python   (measured, {runs} runs)")


if __name__ == "__main__":
    main()
