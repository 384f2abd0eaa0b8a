"""Whether a model prefers the better reply of the test pairs: by its own likelihood, or by a reward model's number.

Per model: `pair_accuracy`, the share of pairs in which the chosen reply is preferred (likelihood per token, so that
length decides nothing; of a reward model its number), and `margin`, by how much on average (nats of the whole reply; of
a reward model its own unit). Of a trained language model also `reward_margin` and `reward_accuracy`: how much more than
its base it prefers the chosen reply, which is the reward of DPO before its factor beta. Controls: always the shorter or
the longer reply, whichever is right more often on the training pairs, and the tool that is more often chosen there."""

import collections
import math
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from bashgym import checkpoint, environment, jsonl
from bashgym.config import Config as BaseConfig
from bashgym.errors import RunFailed
from bashgym.records import Score, Subject

NAME = "pairs"
PAIRS = "pairs.jsonl"
CALLED = re.compile(r'"name":\s*"([^"]+)"')
Pair = dict[str, Any]


class Benchmark:
    class Config(BaseConfig):
        reads: Literal["likelihood", "reward"] = "likelihood"
        """What tells the preference: a language model's likelihood, or the number of a reward model."""
        max_pairs: int = Field(default=0, ge=0)
        """Test pairs, the first of the file, the same for every model; 0: all."""
        batch_size: int = Field(default=8, ge=1)
        """Replies the model works on at once."""
        device: str = "cpu"
        """Where the model runs: cpu, cuda, cuda:1, mps."""
        seed: int = 42
        """Seeds the random head that a base model gets where a reward model is measured."""

    def __init__(self, config: Config) -> None:
        self.config = config

    def run(self, model: Subject) -> Iterable[Score]:
        """Raises RunFailed with the log's path when the model cannot be asked."""
        pairs = self.pairs(model)
        if not pairs:
            yield from missing(model.role)
            return
        told = self.asked(model)
        note = cut(told)
        yield share("pair_accuracy", model.role, [self.prefers(one) for one in told], note)
        yield mean("margin", model.role, [gap(one) for one in told], note)
        base = results(model, "base")
        if self.config.reads == "likelihood" and model.role != "base" and base.exists():
            before = {one["id"]: gap(one) for one in read(base)}
            more = [gap(one) - before[one["id"]] for one in told]
            yield mean("reward_margin", model.role, more, "over its base, in nats")
            yield share("reward_accuracy", model.role, [one > 0 for one in more], "over its base")

    def controls(self, model: Subject) -> Iterable[Score]:
        """What needs no model: length, and the favourite tool."""
        pairs, known = self.pairs(model), list(pairs_of(Path(model.dataset) / "train.jsonl"))
        if not pairs or not known:
            yield from missing("favoured_length")
            return
        shorter = 2 * sum(len(one["chosen"]) < len(one["rejected"]) for one in known) >= len(known)
        right = [(len(one["chosen"]) < len(one["rejected"])) == shorter for one in pairs]
        yield share("pair_accuracy", "favoured_length", right, f"always the {'shorter' if shorter else 'longer'} reply")
        liked = favourites(known)
        hits = [verdict(liked, tool(one["chosen"]), tool(one["rejected"])) for one in pairs]
        yield share(
            "pair_accuracy", "favoured_tool", hits, "the tool more often chosen than not; equal ones count half"
        )

    def texts(self) -> None:
        """It asks what stands in the test rows."""

    def pairs(self, model: Subject) -> list[Pair]:
        """The test pairs, written to `pairs.jsonl`: they depend on test.jsonl and the config, never on the model."""
        found = list(pairs_of(Path(model.dataset) / "test.jsonl"))
        chosen = found[: self.config.max_pairs] if self.config.max_pairs else found
        jsonl.replace(Path(model.folder) / PAIRS, b"".join(jsonl.dumps(one) + b"\n" for one in chosen))
        return chosen

    def asked(self, model: Subject) -> list[Pair]:
        """What the model says of every pair; kept in `results/`."""
        folder, out = Path(model.folder), results(model, model.role)
        base, adapter = checkpoint.weights(Path(model.path)) if Path(model.path).exists() else (model.path, None)
        command = ["python", "-m", "pair_scores", "--pairs", PAIRS, "--model", base, "--tokenizer", model.path]
        command += ["--adapter", adapter] if adapter else []
        command += ["--reads", self.config.reads, "--context", str(model.sequence_len), "--out", str(out)]
        command += ["--batch-size", str(self.config.batch_size), "--device", self.config.device]
        environment.place(folder)
        out.parent.mkdir(parents=True, exist_ok=True)
        there, log = environment.Environment(environment.python()), folder / "logs" / f"{model.role}.log"
        environment.run(there, [*command, "--seed", str(self.config.seed)], folder, log, online=not Path(base).exists())
        return read(out)

    def prefers(self, told: Pair) -> bool:
        """Whether the chosen reply is preferred; a likelihood counts per token."""
        each = self.config.reads == "likelihood"
        one, other = (told[name]["value"] / (told[name]["tokens"] if each else 1) for name in ("chosen", "rejected"))
        return bool(one > other)


def results(model: Subject, role: str) -> Path:
    return Path(model.folder) / "results" / f"{role}.jsonl"


def read(path: Path) -> list[Pair]:
    return [line.value for line in jsonl.read_lines(path)]


def gap(told: Pair) -> float:
    return float(told["chosen"]["value"] - told["rejected"]["value"])


def pairs_of(path: Path) -> Iterator[Pair]:
    """The pairs in a file of rows: of preferences as they stand, of feedback those whose two replies are both there."""
    half: dict[str, Pair] = {}
    for line in jsonl.read_lines(path):
        if line.error:
            raise RunFailed(f"{path} line {line.number}: {line.error}; make the dataset anew")
        row = line.value
        if "chosen" in row and isinstance(row["chosen"], str):
            yield {name: row[name] for name in ("id", "prompt", "chosen", "rejected")}
        elif "completion" in row and "label" in row:
            stem = row["id"].removesuffix(".good").removesuffix(".bad")
            other = half.pop(stem, None)
            if other is None:
                half[stem] = row
            elif other["prompt"] == row["prompt"] and other["label"] != row["label"]:
                good, bad = (row, other) if row["label"] else (other, row)
                yield {"id": stem, "prompt": row["prompt"], "chosen": good["completion"], "rejected": bad["completion"]}


def tool(reply: str) -> str:
    """The tool a reply calls; "" where it calls none."""
    found = CALLED.search(reply)
    return found.group(1) if found else ""


def favourites(known: Sequence[Pair]) -> dict[str, float]:
    """tool -> how often it is the chosen one, of the pairs it is in with another."""
    won: collections.Counter[str] = collections.Counter()
    seen: collections.Counter[str] = collections.Counter()
    for one in known:
        better, worse = tool(one["chosen"]), tool(one["rejected"])
        if better != worse:
            won[better] += 1
            seen.update([better, worse])
    return {name: won[name] / seen[name] for name in seen}


def verdict(liked: dict[str, float], better: str, worse: str) -> float:
    one, other = liked.get(better, 0.5), liked.get(worse, 0.5)
    return 0.5 if better == worse or one == other else float(one > other)


def share(metric: str, role: str, hits: Sequence[float], note: str = "") -> Score:
    value = sum(hits) / len(hits)
    spread = math.sqrt(value * (1 - value) / (len(hits) - 1)) if len(hits) > 1 else None
    return score(metric, role, value, len(hits), spread, note)


def mean(metric: str, role: str, values: Sequence[float], note: str = "") -> Score:
    value = sum(values) / len(values)
    squares = sum((one - value) ** 2 for one in values)
    spread = math.sqrt(squares / (len(values) - 1) / len(values)) if len(values) > 1 else None
    return score(metric, role, value, len(values), spread, note)


def score(metric: str, role: str, value: float, n: int, stderr: float | None, note: str) -> Score:
    return Score(
        benchmark=NAME, metric=metric, role=role, value=value, evidence="measured", n=n, stderr=stderr, note=note
    )


def missing(role: str) -> Iterator[Score]:
    note = "there are no pairs in the test rows"
    for metric in ("pair_accuracy", "margin"):
        yield Score(benchmark=NAME, metric=metric, role=role, value=None, evidence="missing", note=note)


def cut(told: Sequence[Pair]) -> str:
    """What happened to prompts on the way to the model."""
    count = sum(bool(one["cut"]) for one in told)
    return f"{count} prompts cut at the beginning to fit the context" if count else ""
