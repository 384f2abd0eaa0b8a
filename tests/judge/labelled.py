"""The labelled sessions of tests/data/labelled, and what the judges say of them."""

from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from bashgym import jsonl, registry
from bashgym.kinds import JudgeContext
from bashgym.records import Verdict
from bashgym.trace import Trace, from_builtins

FILE = Path(__file__).resolve().parents[1] / "data" / "labelled" / "traces.jsonl"


class Labelled(NamedTuple):
    id: str
    group: str
    label: dict[str, str]
    trace: Trace


@lru_cache
def sessions() -> tuple[Labelled, ...]:
    rows: list[Any] = [line.value for line in jsonl.read_lines(FILE)]
    return tuple(Labelled(row["id"], row["set"], row["label"], from_builtins(row["trace"])) for row in rows)


def session(name: str) -> Labelled:
    return next(one for one in sessions() if one.id == name)


@lru_cache
def judge(name: str) -> Any:
    plugin = registry.load("judge", name)
    return plugin(plugin.Config())


@lru_cache
def verdict(name: str, session_id: str) -> Verdict:
    return judge(name).judge(session(session_id).trace, JudgeContext())
