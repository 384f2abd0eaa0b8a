"""Logit distillation beside training on the rows' own words alone, over seeds: forward KL to the teacher on test rows.

python benchmarks/kd.py [--seeds 3] [--home FOLDER]     the recipe tiny_distill, each seed twice

Both runs of a seed have the same rows, teacher, student, trainer, steps and learning rate; only
training.teacher_share differs (the recipe's, and 0). The seed draws the split, the teacher, the student, the order."""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent


def run(home: Path, seed: int, name: str, *words: str) -> dict[str, Any]:
    """The manifest of one run of the recipe."""
    folder = home / f"{name}-{seed}"
    env = {**os.environ, "BASHGYM_HOME": str(home), "PYTHONPATH": str(ROOT)}
    typed = ["run", "recipe=tiny_distill", f"seed={seed}", f"run_dir={folder}", *words]
    done = subprocess.run([sys.executable, "-m", "bashgym", *typed], env=env, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{' '.join(typed)}: {done.stderr[-2000:]}")
    return dict(json.loads((folder / "manifest.json").read_text()))


def score(manifest: dict[str, Any], metric: str, role: str) -> float:
    (found,) = [one for one in manifest["scores"] if (one["metric"], one["role"]) == (metric, role)]
    return float(found["value"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--home", type=Path, help="where runs and what is cached are kept; empty: thrown away")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as thrown:
        home = (options.home or Path(thrown)).resolve()
        home.mkdir(parents=True, exist_ok=True)
        gains = []
        print("| seed | untrained | words alone | distilled | agreement, words | agreement, distilled | test tokens |")
        print("|---|---|---|---|---|---|---|")
        for seed in range(1, options.seeds + 1):
            taught = run(home, seed, "distilled")
            teacher = home / f"distilled-{seed}" / "teacher" / "model"
            alone = run(home, seed, "words", "training.teacher_share=0", f"benchmark.teacher_kl.teacher={teacher}")
            if taught["training"]["steps"] != alone["training"]["steps"]:
                raise SystemExit(f"seed {seed}: the runs differ in their steps")
            values = [score(taught, "forward_kl", "base"), score(alone, "forward_kl", "trained")]
            values += [score(taught, "forward_kl", "trained")]
            values += [score(one, "agreement", "trained") for one in (alone, taught)]
            gains.append(values[1] - values[2])
            n = next(one["n"] for one in taught["scores"] if one["role"] == "trained")
            print(f"| {seed} | {' | '.join(f'{value:.4f}' for value in values)} | {n} |", flush=True)
    mean = statistics.mean(gains)
    spread = statistics.stdev(gains) if len(gains) > 1 else float("nan")
    told = f"{mean:.4f} nats per token, spread over seeds (SD) {spread:.4f}; lower is nearer"
    print(f"\nwords alone minus distilled: {told}")


if __name__ == "__main__":
    main()
