"""Keeps sessions that hold a benchmark's questions, or are held by one, out of what is trained on."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import Field

from bashgym import jsonl, paths
from bashgym.config import Config as BaseConfig
from bashgym.errors import InputError, RecipeError
from bashgym.records import Decision, SessionKey
from bashgym.similar import prints

SHORTEST = 4  # prints; of a text with fewer a chance meeting would be a large share


class Text(NamedTuple):
    """A question of a benchmark, by its prints."""

    benchmark: str
    kept: bytes


class Curator:
    class Config(BaseConfig):
        folder: str = ""
        """More texts to keep out: a folder of .txt, .md and .py files (each one text) and .jsonl (each line one)."""
        share: float = Field(0.5, gt=0, le=1)
        """From this share of a question's runs of words on, found in a session, the question is in it."""
        near: float = Field(0.2, gt=0, le=1)
        """From this share on a session is too near to a question, changed here and there, to train on."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.asked: list[Text] = []
        self.short = 0
        self.test_rows: list[str] = []

    def beware(self, texts: Mapping[str, Iterable[str] | None]) -> None:
        """Takes the questions of the recipe's benchmarks, and of the folder."""
        self.asked, self.short = [], 0
        self.test_rows = [label for label, found in texts.items() if found is None]
        for label, found in texts.items():
            self.take(label, found or ())
        if self.config.folder:
            self.take("folder", in_folder(self.config.folder))

    def take(self, label: str, texts: Iterable[str]) -> None:
        for text in texts:
            kept = prints.prints([text])
            if len(kept) // 4 >= SHORTEST:
                self.asked.append(Text(label, kept))
            else:
                self.short += 1

    def curate(self, index: Sequence[SessionKey]) -> Iterable[Decision]:
        """Sessions of the test split are never left out for a benchmark that is made of them; all others are."""
        if self.test_rows and not any(key.split for key in index):
            raise RecipeError(
                f"curator: benchmark {self.test_rows[0]} asks what is in the test rows, which only the split tells; "
                "put decontaminate behind it: curator=[split,decontaminate]"
            )
        tests = [Text("the test split", key.prints) for key in index if key.split == "test" and self.test_rows]
        outside, inside = Asked(self.asked), Asked([one for one in tests if len(one.kept) // 4 >= SHORTEST])
        for key in index:
            reason = outside.fault(key.prints, self.config.share, self.config.near)
            if not reason and self.test_rows and key.split != "test":
                reason = inside.fault(key.prints, self.config.share, self.config.near)
            yield Decision(session=key.session, keep=not reason, reason=reason or self.told(len(inside.texts)))

    def told(self, tests: int) -> str:
        """What was looked for, for the manifest."""
        said = f"kept apart from {len(self.asked)} texts of benchmarks"
        said += f" and {tests} test sessions" if self.test_rows else ""
        return f"{said}; {self.short} texts are too short to be told" if self.short else said


class Asked:
    """Texts, and for each print those that have it."""

    def __init__(self, texts: Sequence[Text]) -> None:
        self.texts = texts
        self.sizes = [len(one.kept) // 4 for one in texts]
        self.holders: dict[int, list[int]] = defaultdict(list)
        for number, one in enumerate(texts):
            for value in prints.array(one.kept).tolist():
                self.holders[value].append(number)

    def fault(self, kept: bytes, share: float, near: float) -> str:
        """Why a session of these prints is not trained on; "" where it may be.

        Both directions: the share of a question that is in the session, and of a session that is in a question."""
        worst, where = 0.0, 0
        size = len(kept) // 4
        for number, met in self.met(kept).items():
            smaller = self.sizes[number] if size < SHORTEST else min(size, self.sizes[number])
            if met / smaller > worst:
                worst, where = met / smaller, number
        if worst < near:
            return ""
        label = self.texts[where].benchmark
        label = label if label == "the test split" else f"benchmark {label}"
        return f"holds what {label} asks" if worst >= share else f"too near to what {label} asks"

    def met(self, kept: bytes) -> dict[int, int]:
        """number of a text -> prints it shares with the session."""
        found: dict[int, int] = defaultdict(int)
        for value in prints.array(kept).tolist():
            for number in self.holders.get(value, ()):
                found[number] += 1
        return found


def in_folder(name: str) -> Iterator[str]:
    """The texts of a folder, in the order of their names. Raises InputError for a missing folder, a line that is no
    JSON, a file that is no text."""
    folder = paths.resolve(name)
    files = sorted(path for path in folder.rglob("*") if path.suffix in (".txt", ".md", ".py", ".jsonl"))
    if not files:
        raise InputError(f"curator.decontaminate.folder={name}: no .txt, .md, .py or .jsonl file is there")
    for path in files:
        yield from lines(path) if path.suffix == ".jsonl" else [whole(path)]


def whole(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise InputError(f"{path}: not UTF-8 text; take it out of the folder, or convert it") from None


def lines(path: Path) -> Iterator[str]:
    for line in jsonl.read_lines(path):
        value: Any = line.value
        if line.error or not isinstance(value, dict | list | str):
            raise InputError(f"{path}:{line.number}: not a line of JSON; mend it or take it out")
        yield "\n".join(prints.strings(value))
