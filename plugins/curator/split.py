"""Seeded split into train, validation and test; forks, resumes and sub-agents are never divided."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Literal

from pydantic import Field, model_validator

from bashgym.config import Config as BaseConfig
from bashgym.records import Decision, SessionKey, Split
from bashgym.similar.requests import Asked, templates

LARGEST = 2.0  # a group may overshoot the share it is put into by this factor, no more


class Curator:
    class Config(BaseConfig):
        by: Literal["auto", "repository", "session", "request"] = "auto"
        """What is never divided: `repository`, `session` (with its forks, resumes and sub-agents), `request` (sessions
        that ask in the same words around other names), or `auto`: by repository or session."""
        min_repositories: int = Field(12, ge=3)
        """With by=auto, the number of repositories from which on the split goes by repository."""
        validation: float = Field(0.1, ge=0, lt=1)
        """Share of the rows kept for validation during training."""
        test: float = Field(0.15, ge=0, lt=1)
        """Share of the rows kept for the final measurement."""
        seed: int = 42
        """Changes who goes where."""

        @model_validator(mode="after")
        def leave_something(self) -> "Curator.Config":
            if self.validation + self.test >= 1:
                raise ValueError(f"validation {self.validation} and test {self.test} leave nothing to train on")
            return self

    def __init__(self, config: Config) -> None:
        self.config = config

    def curate(self, index: Sequence[SessionKey]) -> Iterable[Decision]:
        """Every session, in a split; the reason says what was kept whole. Where the requests are so alike that nothing
        would be left to measure by, the split goes by session after all, and the reason says that."""
        by, why = self.config.by, ""
        if by == "auto":
            by = "repository" if len({key.repo for key in index}) >= self.config.min_repositories else "session"
        groups, splits = self.divided(index, by)
        if by == "request" and self.config.test and "test" not in splits.values():
            by, why = "session", ": too many of the requests are alike to keep some apart"
            groups, splits = self.divided(index, by)
        for name, keys in groups.items():
            for key in keys:
                yield Decision(session=key.session, keep=True, split=splits[name], reason=f"split by {by}{why}")

    def divided(self, index: Sequence[SessionKey], by: str) -> tuple[dict[str, list[SessionKey]], dict[str, Split]]:
        groups = grouped(index, by)
        return groups, assign({name: sum(key.rows for key in keys) for name, keys in groups.items()}, self.config)


def grouped(index: Sequence[SessionKey], by: str) -> dict[str, list[SessionKey]]:
    """Families; or families joined wherever they share a repository or the template of a request."""
    asked = {key.session: Asked(key.requests, key.repo, key.family) for key in index} if by == "request" else {}
    template = templates(asked)
    parent: dict[str, str] = {}

    def root(name: str) -> str:
        while parent.setdefault(name, name) != name:
            name = parent[name]
        return name

    for key in index:
        family = root(f"family {key.family}")
        if by == "repository":
            parent[family] = root(f"repository {key.repo}")
        elif by == "request":
            parent[family] = root(f"request {template[key.session]}")
    groups: dict[str, list[SessionKey]] = defaultdict(list)
    for key in index:
        groups[root(f"family {key.family}")].append(key)
    return {min(key.session for key in keys): keys for keys in groups.values()}


def assign(rows: dict[str, int], config: Curator.Config) -> dict[str, Split]:
    """Group name -> split: groups in a seeded order fill test, then validation, to their share of the rows."""
    order = sorted(rows, key=lambda name: hashlib.sha256(f"{config.seed} {name}".encode()).digest())
    total = sum(rows.values())
    splits: dict[str, Split] = dict.fromkeys(order, "train")
    wanted: list[tuple[Split, float]] = [("test", config.test), ("validation", config.validation)]
    for split, share in wanted:
        filled = 0
        for name in order:
            room = share * total - filled
            if splits[name] != "train" or room <= 0 or not rows[name]:
                continue
            alone = sum(1 for other in order if splits[other] == "train" and rows[other]) <= 1
            if not alone and rows[name] <= max(LARGEST * room, 1):
                splits[name] = split
                filled += rows[name]
    return splits
