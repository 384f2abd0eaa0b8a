"""Logit distillation beside training on the rows' own words alone, over seeds: forward KL to the teacher on test rows.

python benchmarks/kd.py [--seeds 3] [--home FOLDER]     the recipe tiny_distill, each seed twice

Both runs of a seed have the same rows, teacher, student, trainer, steps and learning rate; only
training.teacher_share differs (the recipe's, and 0). The seed draws the split, the teacher, the student, the order."""

import argparse
import statistics
import tempfile
from pathlib import Path

from runs import run, score

RECIPE = "recipe=tiny_distill"


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
            taught = run(home, f"distilled-{seed}", [RECIPE, f"seed={seed}"])
            teacher = home / f"distilled-{seed}" / "teacher" / "model"
            given = f"benchmark.teacher_kl.teacher={teacher}"
            alone = run(home, f"words-{seed}", [RECIPE, f"seed={seed}", "training.teacher_share=0", given])
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
