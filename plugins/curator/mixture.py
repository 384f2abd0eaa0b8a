"""Shares of the sources among the rows, and public data without what repeats one's own."""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

from pydantic import Field, field_validator

from bashgym.config import Config as BaseConfig
from bashgym.errors import RecipeError, did_you_mean
from bashgym.records import Decision, SessionKey
from bashgym.similar.minhash import Index


class Curator:
    class Config(BaseConfig):
        weights: dict[str, float] = Field({})
        """Shares of the rows, by the label of a source: {claude_code: 3, hub: 1}; a source not named is kept whole."""
        near: float = Field(0.6, gt=0, le=1)
        """Public sessions that share so much with one of one's own, 0 to 1, are left out."""
        seed: int = 42
        """Draws who stays where a source has more than its share."""

        @field_validator("weights")
        @classmethod
        def no_debts(cls, weights: dict[str, float]) -> dict[str, float]:
            if any(not 0 <= weight < float("inf") for weight in weights.values()):
                raise ValueError("a weight is 0 (none of that source) or more")
            if weights and not any(weights.values()):
                raise ValueError("every weight is 0, which leaves nothing")
            return weights

    def __init__(self, config: Config) -> None:
        self.config = config

    def curate(self, index: Sequence[SessionKey]) -> Iterable[Decision]:
        """Drops with the reasons "public session like one's own" and "more than its source's share".

        Families are drawn whole. Raises RecipeError where `weights` names a source that gave no session."""
        copies = self.like_own(index)
        rest = [key for key in index if key.session not in copies]
        self.known(rest, index)
        surplus = self.surplus(rest)
        for key in index:
            reason = "public session like one's own" if key.session in copies else ""
            reason = reason or ("more than its source's share" if key.session in surplus else "")
            yield Decision(session=key.session, keep=not reason, reason=reason)

    def like_own(self, index: Sequence[SessionKey]) -> set[str]:
        """Public sessions that repeat one's own; what is one's own is never left out for what is public."""
        own = Index()
        digests = set()
        for key in index:
            if not key.dataset:
                own.add(key.prints)
                digests.add(key.digest)
        public = [key for key in index if key.dataset]
        return {key.session for key in public if key.digest in digests or any(own.like(key.prints, self.config.near))}

    def known(self, rest: Sequence[SessionKey], index: Sequence[SessionKey]) -> None:
        there = sorted({key.source for key in index})
        for label, weight in self.config.weights.items():
            if label not in there:
                raise RecipeError(
                    f"curator.mixture.weights.{label}: no kept session is of a source of this name"
                    f"{did_you_mean(label, there)}; there are: {', '.join(there) or 'none'}"
                )
            if weight and not any(key.source == label and key.rows for key in rest):
                raise RecipeError(
                    f"curator.mixture.weights.{label}: nothing of this source is left to take a share of; "
                    "leave it out of the weights, or give it 0"
                )

    def surplus(self, index: Sequence[SessionKey]) -> set[str]:
        """Sessions beyond the largest dataset that has these shares. A family counts for the source of its first."""
        families: dict[str, list[SessionKey]] = defaultdict(list)
        for key in sorted(index, key=lambda key: key.session):
            families[key.family].append(key)
        rows: Counter[str] = Counter()
        for keys in families.values():
            rows[keys[0].source] += sum(key.rows for key in keys)
        shares = {label: weight for label, weight in self.config.weights.items() if weight}
        scale = min((rows[label] / weight for label, weight in shares.items()), default=0.0)
        room = {label: weight * scale for label, weight in self.config.weights.items()}
        found: set[str] = set()
        for name in sorted(families, key=self.draw):
            keys = families[name]
            source, size = keys[0].source, sum(key.rows for key in keys)
            if source in room and size > room[source] + 1e-9:
                found.update(key.session for key in keys)
            elif source in room:
                room[source] -= size
        return found

    def draw(self, family: str) -> bytes:
        return hashlib.sha256(f"{self.config.seed} {family}".encode()).digest()
