"""What `bashgym run` adds to Axolotl: from the written dataset to the registered model, beside `axolotl train` alone.

python benchmarks/overhead.py [--recipe tiny_dpo] [--rounds N]     both on the same axolotl.yaml, in turn

The recipe's own benchmarks are left out: they measure a model and are no part of its training. Target: the larger of
5 % and 10 seconds. On a busy machine two trainings differ by more than that: the last line is of one run alone, the
time before its own `axolotl train` began and after it ended."""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bashgym import environment

ROOT = Path(__file__).resolve().parent.parent
ENDS = ("checkpoint", "checkpoint.json", "submission.json", "job.json", "metrics.jsonl", "logs", "prepared")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--recipe", default="quickstart")
    parser.add_argument("--rounds", type=int, default=1)
    options = parser.parse_args()
    python = environment.python()
    with tempfile.TemporaryDirectory(prefix="bashgym-overhead-") as home:
        env = {**os.environ, "BASHGYM_HOME": home, "PYTHONPATH": str(ROOT), environment.OVERRIDE: str(python)}
        run = [sys.executable, "-m", "bashgym", "run", f"recipe={options.recipe}", "benchmark=[]"]
        folder = Path(home) / "run"
        run += [f"run_dir={folder}"]
        subprocess.run([*run, "--until", "dataset"], env=env, check=True, stdout=subprocess.DEVNULL)
        whole, alone, around = [], [], []
        for number in range(options.rounds):
            started = time.perf_counter()
            subprocess.run(run, env=env, check=True, stdout=subprocess.DEVNULL)
            whole.append(time.perf_counter() - started)
            around.append(whole[-1] - trained(folder))
            bare = Path(home) / f"bare{number}"
            shutil.copytree(folder, bare, ignore=shutil.ignore_patterns(*ENDS))
            shutil.copytree(folder / "prepared", bare / "prepared", ignore=lambda path, names: plain_only(path, names))
            alone.append(axolotl(bare, python))
            for name in ENDS:
                shutil.rmtree(folder / name) if (folder / name).is_dir() else (folder / name).unlink(missing_ok=True)
            shutil.rmtree(folder / "model", ignore_errors=True)
    ours, theirs = statistics.median(whole), statistics.median(alone)
    allowed = max(0.05 * theirs, 10)
    print(f"axolotl train        {theirs:6.1f} s   (measured, {options.rounds} rounds)")
    print(f"bashgym run          {ours:6.1f} s   (measured)")
    print(f"outside of Axolotl   {ours - theirs:6.1f} s   {(ours / theirs - 1) * 100:.1f} %   allowed {allowed:.1f} s")
    print(f"around the run's own {statistics.median(around):6.1f} s   (measured)")


def trained(folder: Path) -> float:
    """Seconds from the start of a run's own training to its end."""
    began = json.loads((folder / "job.json").read_bytes())["began"]
    return float((folder / "logs" / "exit_code").stat().st_mtime - began)


def plain_only(path: str, names: list[str]) -> list[str]:
    """All but the rows: what Axolotl itself prepared is prepared again."""
    return [name for name in names if not name.endswith(".jsonl")]


def axolotl(folder: Path, python: Path) -> float:
    """Seconds of `axolotl train` in a folder, with the variables that the job is given."""
    where = environment.Environment(python)
    surroundings = {"PYTHONPATH": "inside", "HF_HUB_OFFLINE": "1", "AXOLOTL_DO_NOT_TRACK": "1", "DO_NOT_TRACK": "1"}
    variables = environment.variables(where, folder, False) | surroundings | {"TOKENIZERS_PARALLELISM": "false"}
    variables |= {"HF_DATASETS_CACHE": "prepared/cache"}
    (folder / "logs").mkdir(exist_ok=True)
    started = time.perf_counter()
    with (folder / "logs" / "train.log").open("wb") as log:
        command = [str(python.parent / "axolotl"), "train", "axolotl.yaml", "--launcher", "python"]
        subprocess.run(command, cwd=folder, env=variables, stdout=log, stderr=log, check=True)
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
