"""Recall and collateral on the exam, where it lies beside this checkout: corpora from seeds nobody tuned for."""

import importlib.util
import json
import random
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from bashgym.registry import load
from bashgym.scan import Sanitized, sanitize

EXAM = Path(__file__).resolve().parents[3] / "shared" / "exam"
KEY = bytes(range(32))
DRAWN = random.SystemRandom().randrange(10**9)  # another corpus in every run; printed, so that it can be made again
MOST_LOST = 5  # tokens per MB of text in which nothing was planted
FLOOR = 0.93
# Four of secretlint's 37 labels begin with the name of the variable, `AZURE_CLIENT_ID=dac6...`. Names stay, since code
# without them teaches nothing, so as labelled these are misses; without the names in them, labels are held to FLOOR
LABELLED = {"secretlint": 0.85}
ASSIGNED = re.compile(r"""["']?[A-Za-z_][\w.-]*["']?\s*(?::=|=>|[:=])\s*["']?(?=[^\s"'/=]{8})""")

pytestmark = pytest.mark.skipif(not EXAM.is_dir(), reason="the exam is not beside this checkout")


@pytest.fixture(scope="module")
def score() -> ModuleType:
    spec = importlib.util.spec_from_file_location("exam_score", EXAM / "score.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Callable[[int, str], Path]:
    def made(seed: int, megabytes: str) -> Path:
        folder = tmp_path_factory.mktemp("corpus")
        command = [sys.executable, EXAM / "make_corpus.py", str(seed), folder, megabytes]
        subprocess.run(command, check=True, capture_output=True)
        return folder

    return made


def sanitized(file: Path, clean: Callable[..., Sanitized]) -> Iterator[tuple[Any, Any]]:
    """Lines before and after, session by session, as a run sees them."""
    sessions: dict[str, list[Any]] = {}
    for line in file.read_text(encoding="utf-8").splitlines():
        value = json.loads(line)
        sessions.setdefault(value["sessionId"], []).append(value)
    for lines in sessions.values():
        yield from zip(lines, clean(lines).value, strict=True)


def left(folder: Path, score: ModuleType, clean: Callable[..., Sanitized]) -> list[tuple[str, str]]:
    """Kind and form of what was planted and is still there."""
    after = [dict(after) for _, after in sanitized(folder / "planted.jsonl", clean)]
    planted = json.loads((folder / "truth.json").read_text())
    assert len(planted) > 200
    found = []
    for plant in planted:
        value = plant["value"].rsplit("/", 1)[-1] if plant["kind"] == "discord_hook" else plant["value"]
        if score.survives(value, "\n".join(score.leaves(after[plant["line"]]))):
            found.append((plant["kind"], plant["form"]))
    return found


def test_all_that_was_planted_is_gone(
    corpus: Callable[..., Path], score: ModuleType, clean: Callable[..., Sanitized]
) -> None:
    print(f"corpus of seed {DRAWN}")
    assert left(corpus(DRAWN, "1"), score, clean) == []


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1, 21))
def test_all_that_was_planted_is_gone_seed_by_seed(
    seed: int, corpus: Callable[..., Path], score: ModuleType, clean: Callable[..., Sanitized]
) -> None:
    assert left(corpus(seed, "0.6"), score, clean) == []


def test_what_was_not_planted_stays(
    corpus: Callable[..., Path], score: ModuleType, clean: Callable[..., Sanitized]
) -> None:
    file = corpus(20251103, "1.5") / "clean.jsonl"
    lost: Counter[str] = Counter()
    for before, after in sanitized(file, clean):
        for one, other in zip(score.leaves(before), score.leaves(after), strict=True):
            if one != other:
                lost += Counter(score.TOKEN.findall(one)) - Counter(score.TOKEN.findall(other))
    assert sum(lost.values()) / (file.stat().st_size / 1e6) <= MOST_LOST, lost.most_common(10)


def recall(
    cases: str, score: ModuleType, clean: Callable[..., Sanitized], whole: bool = True
) -> dict[str, tuple[int, int]]:
    """Hits and cases, by source (of secrets) or `all` (of personal data); `whole` labels, or without names in them."""
    counts: dict[str, tuple[int, int]] = {}
    for line in score.lines(str(EXAM / f"{cases}.dev.jsonl.gz")):
        case = json.loads(line)
        if case.get("kind") != "tp" or case.get("skip") or case.get("ambiguous") or case.get("weak"):
            continue
        if cases == "pii" and (not case.get("core") or case.get("policy") in ("keep_ok", "unclear")):
            continue
        secrets = [score.core(case["secret"])] if cases == "secrets" else [case["text"][a:b] for a, b in case["spans"]]
        secrets = secrets if whole else [without_name(secret) for secret in secrets]
        after = clean(case["text"]).value
        source = case["source"] if cases == "secrets" else "all"
        hits, total = counts.get(source, (0, 0))
        counts[source] = hits + (not any(score.survives(secret, after) for secret in secrets)), total + 1
    return counts


def without_name(label: str) -> str:
    named = ASSIGNED.match(label)
    return label[named.end() :] if named else label


def overall(counts: dict[str, tuple[int, int]]) -> float:
    return sum(hits for hits, _ in counts.values()) / sum(total for _, total in counts.values())


def test_secrets_of_other_tools(score: ModuleType, clean: Callable[..., Sanitized]) -> None:
    counts = recall("secrets", score, clean)
    assert overall(counts) >= 0.975
    assert {source for source, (hits, total) in counts.items() if hits < LABELLED.get(source, FLOOR) * total} == set()
    counts = recall("secrets", score, clean, whole=False)
    assert {source for source, (hits, total) in counts.items() if hits < FLOOR * total} == set()


def test_without_rules_for_providers(score: ModuleType, built: dict[str, Any]) -> None:
    plugin = load("sanitizer", "secrets")
    blind = {**built, "secrets": plugin(plugin.Config(providers=False))}
    counts = recall("secrets", score, lambda value: sanitize(value, list(blind.items()), KEY, "s"))
    assert overall(counts) >= 0.90


def test_personal_data_of_other_tools(score: ModuleType, clean: Callable[..., Sanitized]) -> None:
    assert overall(recall("pii", score, clean)) >= 0.99
    cases = [json.loads(line) for line in score.lines(str(EXAM / "pii.dev.jsonl.gz"))]
    harmless = [case for case in cases if case.get("kind") != "tp" and case.get("core")]
    kept = [case for case in harmless if not (case.get("skip") or case.get("ambiguous") or case.get("weak"))]
    kept = [case for case in kept if case.get("policy") not in ("keep_ok", "unclear")]
    assert len(kept) > 100
    assert sum(clean(case["text"]).value != case["text"] for case in kept) <= 2


def test_hard_negatives_stay(score: ModuleType, clean: Callable[..., Sanitized]) -> None:
    cases = [json.loads(line) for line in score.lines(str(EXAM / "hardneg.dev.jsonl.gz"))]
    changed = [case["id"] for case in cases if clean(case["text"]).value != case["text"]]
    assert len(changed) <= 1, changed
