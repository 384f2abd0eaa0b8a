"""What a model is asked about a session: conf/judge/rules/<name>.yaml, and the shape of its answer."""

import hashlib
import re
import unicodedata
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, create_model, field_validator

from bashgym import paths, yamls
from bashgym.config import Config, validate
from bashgym.errors import InputError

TOP = 4  # the highest level
UNSEEN = re.compile(
    r"[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0]|[\U000e0000-\U000e007f]"
)
ALIKE = str.maketrans("аеорсухіјѕԁɡοιν", "aeopcyxijsdgoiv")  # letters of other alphabets that look like ours


class Criterion(Config):
    name: str = Field(pattern=r"^[a-z_]{1,40}$")
    """What the answer calls it."""
    weight: float = Field(gt=0)
    """How much it counts."""
    question: str
    """What is asked."""
    levels: list[str] = Field(min_length=TOP + 1, max_length=TOP + 1)
    """What each level from 0 to 4 means."""


class Rubric(Config):
    system: str
    """What the model is told it is to do."""
    criteria: list[Criterion] = Field(min_length=1)
    """What it is asked."""
    left_out: str
    """What stands in the place of a line that is left out."""
    injections: list[str]
    """Lines that speak to whoever judges."""

    @field_validator("injections")
    @classmethod
    def are_patterns(cls, patterns: list[str]) -> list[str]:
        for pattern in patterns:
            try:
                re.compile(pattern)
            except re.error as error:
                raise ValueError(f"{pattern!r} is no pattern ({error})") from None
        return patterns

    def asked(self, reverse: bool) -> str:
        """The criteria in words, in the order as written or the other way round."""
        rows = []
        for one in reversed(self.criteria) if reverse else self.criteria:
            levels = "; ".join(f"{number} {level}" for number, level in enumerate(one.levels))
            rows.append(f"- {one.name}: {one.question} ({levels})")
        return "\n".join(rows)

    def score(self, answer: Any) -> float:
        """0 to 1: the mean of the levels by weight."""
        total = sum(one.weight for one in self.criteria)
        return sum(one.weight * getattr(answer, one.name) / TOP for one in self.criteria) / total

    def injected(self, line: str) -> bool:
        text = plain(line)
        return any(compiled(pattern).search(text) for pattern in self.injections)


def plain(text: str) -> str:
    """Text without signs that cannot be seen, with letters that look like others made those."""
    return UNSEEN.sub("", unicodedata.normalize("NFKC", text)).translate(ALIKE)


@lru_cache(maxsize=256)
def compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)


def shape(rubric: Rubric) -> type[BaseModel]:
    """The answer: a level for each criterion, the steps it rests on, a reason in a few words, whether it can tell."""
    levels: dict[str, Any] = {one.name: (int, Field(ge=0, le=TOP)) for one in rubric.criteria}
    rest: dict[str, Any] = {"steps": (list[int], ...), "reason": (str, ...), "cannot_tell": (bool, ...)}
    return create_model("Answer", __config__=ConfigDict(extra="forbid"), **levels, **rest)


def load(name: str) -> tuple[Rubric, str]:
    """The project's rubric of this name, else the shipped one, and its digest. Raises InputError or RecipeError."""
    own = paths.project() / "conf" / "judge" / "rules" / f"{name}.yaml"
    path = own if own.is_file() else paths.shipped("conf") / "judge" / "rules" / f"{name}.yaml"
    if not path.is_file():
        raise InputError(f"rubric {name}: there is no conf/judge/rules/{name}.yaml; copy semantic.yaml and change that")
    return read(path, path.stat().st_mtime_ns)


@lru_cache
def read(path: Path, _: int) -> tuple[Rubric, str]:
    raw = path.read_bytes()
    try:
        values = yamls.load(raw)
    except yaml.YAMLError as error:
        raise InputError(f"{path}: {str(error).splitlines()[0]}; mend it or remove it") from None
    return validate(Rubric, values, path.name), hashlib.sha256(raw).hexdigest()[:16]
