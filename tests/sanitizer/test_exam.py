"""Recall and collateral on the exam, where it lies beside this checkout: a corpus made from a seed nobody tuned for."""

import importlib.util
import json
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from bashgym.scan import Sanitized

EXAM = Path(__file__).resolve().parents[3] / "shared" / "exam"
SEED = "20251103"
FLOORS = {"secret": 0.97, "pii": 0.97, "identity": 0.95}
MOST_LOST = 20  # tokens per MB of text in which nothing was planted

pytestmark = pytest.mark.skipif(not EXAM.is_dir(), reason="the exam is not beside this checkout")


@pytest.fixture(scope="module")
def score() -> ModuleType:
    spec = importlib.util.spec_from_file_location("exam_score", EXAM / "score.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("corpus")
    subprocess.run([sys.executable, EXAM / "make_corpus.py", SEED, folder, "1.5"], check=True, capture_output=True)
    return folder


def sanitized(file: Path, clean: Callable[..., Sanitized]) -> Iterator[tuple[Any, Any]]:
    """Lines before and after, session by session, as a run sees them."""
    sessions: dict[str, list[Any]] = {}
    for line in file.read_text(encoding="utf-8").splitlines():
        value = json.loads(line)
        sessions.setdefault(value["sessionId"], []).append(value)
    for lines in sessions.values():
        yield from zip(lines, clean(lines).value, strict=True)


def test_what_was_planted_is_gone(corpus: Path, score: ModuleType, clean: Callable[..., Sanitized]) -> None:
    after = [dict(after) for _, after in sanitized(corpus / "planted.jsonl", clean)]
    removed: Counter[str] = Counter()
    total: Counter[str] = Counter()
    for plant in json.loads((corpus / "truth.json").read_text()):
        value = plant["value"].rsplit("/", 1)[-1] if plant["kind"] == "discord_hook" else plant["value"]
        family = score.group(plant).split(":")[0]
        total[family] += 1
        removed[family] += not score.survives(value, "\n".join(score.leaves(after[plant["line"]])))
    assert all(total[family] > 30 for family in FLOORS)
    assert {
        family: removed[family] / total[family]
        for family, floor in FLOORS.items()
        if removed[family] < floor * total[family]
    } == {}


def test_what_was_not_planted_stays(corpus: Path, score: ModuleType, clean: Callable[..., Sanitized]) -> None:
    lost: Counter[str] = Counter()
    for before, after in sanitized(corpus / "clean.jsonl", clean):
        for one, other in zip(score.leaves(before), score.leaves(after), strict=True):
            if one != other:
                lost += Counter(score.TOKEN.findall(one)) - Counter(score.TOKEN.findall(other))
    megabytes = (corpus / "clean.jsonl").stat().st_size / 1e6
    assert sum(lost.values()) / megabytes <= MOST_LOST, lost.most_common(10)


@pytest.mark.parametrize(("cases", "floor"), [("secrets", 0.95), ("pii", 0.97)])
def test_cases_of_other_tools(cases: str, floor: float, score: ModuleType, clean: Callable[..., Sanitized]) -> None:
    hit = total = 0
    for line in score.lines(str(EXAM / f"{cases}.dev.jsonl.gz")):
        case = json.loads(line)
        if case.get("kind") != "tp" or case.get("skip") or case.get("ambiguous") or case.get("weak"):
            continue
        if cases == "pii" and (not case.get("core") or case.get("policy") in ("keep_ok", "unclear")):
            continue
        secrets = [score.core(case["secret"])] if cases == "secrets" else [case["text"][a:b] for a, b in case["spans"]]
        after = clean(case["text"]).value
        total += 1
        hit += not any(score.survives(secret, after) for secret in secrets)
    assert total > 100 and hit / total >= floor


def test_hard_negatives_stay(score: ModuleType, clean: Callable[..., Sanitized]) -> None:
    cases = [json.loads(line) for line in score.lines(str(EXAM / "hardneg.dev.jsonl.gz"))]
    changed = [case["id"] for case in cases if clean(case["text"]).value != case["text"]]
    assert len(changed) <= 1, changed
