"""Training on rewards over seeds, beside the same training on a coin: held-out reward before and after.

python benchmarks/rl.py [--seeds 3] [--home FOLDER]     the recipes tiny_grpo and tiny_rlvr, and tiny_rlvr on a coin

A seed draws the split, the weights, the first phase, the order and the answers; the three runs of a seed start from the
same model, whose held-out reward is measured once more for each. What is asked: that the mean gain of GRPO and of RLVR
is more than its spread over seeds (SD) and more than twice its standard error, and that the control's is neither."""

import argparse
import json
import statistics
import tempfile
from pathlib import Path

from runs import run, score

RUNS = {
    "grpo": ["recipe=tiny_grpo"],
    "rlvr": ["recipe=tiny_rlvr"],
    "control": ["recipe=tiny_rlvr", "reward=[spurious]"],
}


def paid(folder: Path) -> tuple[float, float]:
    """What the first and the last quarter of the steps were paid by the rewards of training, on average."""
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").open()]
    curve = [one["metrics"]["reward"] for one in lines if one["event"] == "log" and "reward" in one["metrics"]]
    part = max(1, len(curve) // 4)
    return statistics.mean(curve[:part]), statistics.mean(curve[-part:])


def verdict(name: str, gains: list[float]) -> str:
    """The mean gain with its spread, and whether it is one."""
    mean = statistics.mean(gains)
    spread = statistics.stdev(gains) if len(gains) > 1 else float("nan")
    error = spread / len(gains) ** 0.5
    rises = mean > spread and mean > 2 * error
    told = f"{name}: mean gain {mean:+.3f}, spread over seeds (SD) {spread:.3f}, standard error {error:.3f}"
    return f"{told}: {'rises' if rises else 'does not rise'}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--home", type=Path, help="where runs and what is cached are kept; empty: thrown away")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as thrown:
        home = (options.home or Path(thrown)).resolve()
        home.mkdir(parents=True, exist_ok=True)
        gains: dict[str, list[float]] = {name: [] for name in RUNS}
        print("| run | seed | held-out before | after | greedy before | after | paid, first quarter | last | seconds |")
        print("|---|---|---|---|---|---|---|---|---|")
        for seed in range(1, options.seeds + 1):
            for name in RUNS:
                made = run(home, f"{name}-{seed}", [*RUNS[name], f"seed={seed}"])
                roles = [(metric, role) for metric in ("held_out_reward", "solved") for role in ("base", "trained")]
                values = [*(score(made, *one) for one in roles), *paid(home / f"{name}-{seed}")]
                gains[name].append(values[1] - values[0])
                seconds = sum(stage["seconds"] for stage in made["stages"])
                cells = " | ".join(f"{value:.3f}" for value in values)
                print(f"| {name} | {seed} | {cells} | {seconds:.0f} |", flush=True)
    print()
    for name, found in gains.items():
        print(verdict(name, found))


if __name__ == "__main__":
    main()
