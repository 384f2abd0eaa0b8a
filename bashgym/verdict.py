"""One class per session out of the judges' words."""

from collections.abc import Sequence

from bashgym.records import Class, Verdict
from bashgym.settings import VerdictSettings


def classify(verdicts: Sequence[Verdict], settings: VerdictSettings) -> tuple[Class, float | None]:
    """(class, score): the score is the weighted mean over the judges that spoke, at most the least of their caps; None
    where too few spoke.

    failed: a judge saw it fail, or the score is below silver. gold and silver: at or above their threshold and
    verified by something that ran. unverified: all else, whatever the score."""
    spoken = [verdict for verdict in verdicts if verdict.score is not None]
    if any(verdict.fatal for verdict in spoken):
        return "failed", weighted(spoken, settings)
    if len(spoken) < settings.at_least:
        return "unverified", None
    score = weighted(spoken, settings)
    if score is None:
        return "unverified", None
    if score < settings.silver:
        return "failed", score
    if not any(verdict.verified for verdict in spoken):
        return "unverified", score
    return ("gold" if score >= settings.gold else "silver"), score


def weighted(spoken: Sequence[Verdict], settings: VerdictSettings) -> float | None:
    """The weighted mean of the scores, under every cap; None when all weights are zero."""
    weights = [settings.weights.get(verdict.judge, 1.0) for verdict in spoken]
    total = sum(weights)
    if not total:
        return None
    mean = sum(weight * (verdict.score or 0.0) for weight, verdict in zip(weights, spoken, strict=True)) / total
    return min([mean, *(verdict.cap for verdict in spoken if verdict.cap is not None)])
