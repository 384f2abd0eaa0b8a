"""Leaves out sessions that repeat others, word for word or nearly so; the best of each kind stays."""

from collections.abc import Iterable, Sequence

from pydantic import Field

from bashgym.config import Config as BaseConfig
from bashgym.records import Decision, SessionKey
from bashgym.similar.minhash import Index

RANK = {"gold": 0, "silver": 1, "unverified": 2, "failed": 3}


class Curator:
    class Config(BaseConfig):
        near: float = Field(0.7, gt=0, le=1)
        """Sessions that share so much of what was said and called, 0 to 1, are the same; 1: only exact copies are."""

    def __init__(self, config: Config) -> None:
        self.config = config

    def curate(self, index: Sequence[SessionKey]) -> Iterable[Decision]:
        """Drops with the reason "exact duplicate" or "near duplicate".

        Forks, resumes and sub-agents of one session are never held against each other: what they share is known
        reply by reply, and taught once (stages/curate.py)."""
        kept: dict[str, set[str]] = {}  # digest -> families of those kept
        seen, families = Index(), list[str]()
        for key in sorted(index, key=preference):
            reason = ""
            if kept.get(key.digest, set()) - {key.family}:
                reason = "exact duplicate"
            elif any(families[number] != key.family for number, _ in seen.like(key.prints, self.config.near)):
                reason = "near duplicate"
            if not reason:
                kept.setdefault(key.digest, set()).add(key.family)
                seen.add(key.prints)
                families.append(key.family)
            yield Decision(session=key.session, keep=not reason, reason=reason)


def preference(key: SessionKey) -> tuple[bool, int, float, str, str]:
    """Which of two equal sessions stays: one's own, the better class, the higher score, the earlier, the smaller id."""
    return bool(key.dataset), RANK[key.label], -(key.score or 0.0), key.started, key.session
