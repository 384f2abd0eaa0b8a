"""Reward plugins as Axolotl's `reward_funcs`: `rewards.LABEL` is the function of the reward of that label.

Beside this file lie `rewards.json` (the rewards of the recipe: label, file, hash, settings) and `reward_plugins/`, with
their code as it was when the job was made. Before the first function is handed out the self-test is done here too,
unless it was done on this very machine since it was started: a reward that pays for cheating in the box of this machine
ends the training before its first step."""

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path
from typing import Any

from bashgym.tasks import loading
from bashgym.tasks.loading import Refused

HERE = Path(__file__).resolve().parent
ROWS = HERE.parent / "prepared" / "train.jsonl"
EPISODE = "episode_"  # columns that episodes.py adds
BOOT = Path("/proc/sys/kernel/random/boot_id")


@lru_cache
def order() -> dict[str, Any]:
    return loading.order(HERE)


@lru_cache
def plugin(label: str) -> Any:
    """The reward of a label; raises Refused where its code is not what the recipe was made with."""
    told = next((one for one in order()["rewards"] if one["label"] == label), None)
    if told is None:
        raise AttributeError(label)
    return loading.reward(HERE, told)


def machine() -> str:
    """This machine since it was started."""
    return BOOT.read_text(encoding="ascii").strip() if BOOT.exists() else ""


@lru_cache
def trusted() -> bool:
    """Raises Refused, in one line, where a known answer scores what it must not."""
    told = order()["selftest"]
    if told is None or (told.get("machine") and told["machine"] == machine()):
        return True  # a control verifies nothing, or it was done right here
    from bashgym.tasks.selftest import selftest

    rows = [json.loads(line) for line in ROWS.read_text(encoding="utf-8").splitlines()]
    report = selftest({label: plugin(label) for label in told["rewards"]}, rows, told["sample"], told["seed"])
    if report.faults:
        more = f" (and {len(report.faults) - 1} more)" if len(report.faults) > 1 else ""
        raise Refused(f"the self-test of the rewards failed on this machine: {report.faults[0]}{more}")
    print(f"self-test of the rewards: {report.tried} answers as they must be, {report.seconds} s")
    return True


def __getattr__(label: str) -> Callable[..., list[float]]:
    if label.startswith("_"):
        raise AttributeError(label)
    one = plugin(label)
    trusted()
    return function(label, one)


@lru_cache
def function(label: str, one: Any) -> Callable[..., list[float]]:
    """What the trainer calls with a batch: columns of the rows by name, a list each."""
    known: dict[tuple[str, str], float] = {}
    repeatable = getattr(one, "repeatable", True)

    def score(prompts: list[Any], completions: list[Any], **columns: Any) -> list[float]:
        if f"{EPISODE}{label}" in columns:  # what was done in several turns was judged by what it left behind
            return [float(one) for one in columns[f"{EPISODE}{label}"]]
        rows = list(of_columns(prompts, columns))
        texts = [said(one) for one in completions]
        keys = [(str(row.get("id")), text) for row, text in zip(rows, texts, strict=True)]
        if not repeatable:
            return [one.score(text, row) for text, row in zip(texts, rows, strict=True)]
        fresh = {key: row for key, row in zip(keys, rows, strict=True) if key not in known}
        with ThreadPoolExecutor() as pool:
            scores = pool.map(lambda pair: float(one.score(pair[0][1], pair[1])), fresh.items())
            known.update(zip(fresh, scores, strict=True))
        return [known[key] for key in keys]

    score.__name__ = label  # the trainer logs it as rewards/LABEL/mean
    return score


def of_columns(prompts: list[Any], columns: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A row for each completion again."""
    lists = {name: value for name, value in columns.items() if isinstance(value, list) and len(value) == len(prompts)}
    for at, prompt in enumerate(prompts):
        yield {**{name: value[at] for name, value in lists.items()}, "prompt": prompt}


def said(completion: Any) -> str:
    """The text of a completion, which may come as messages."""
    if isinstance(completion, str):
        return completion
    return "\n".join(str(one.get("content") or "") for one in completion)


def rows(cfg: Any, *arguments: Any, **named: Any) -> tuple[Callable[..., dict[str, Any]], dict[str, Any]]:
    """Axolotl's dataset transform: a row as it is; all its columns reach the rewards."""

    def same(row: dict[str, Any], tokenizer: Any = None) -> dict[str, Any]:
        return row

    return same, {"remove_columns": []}
