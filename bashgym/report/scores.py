"""Scores as a table and as bars: metrics down, roles across, the best marked only among figures of the same kind."""

from collections.abc import Sequence
from typing import Any

from bashgym.records import Score
from bashgym.report.figures import percent
from bashgym.report.outcome import Metric, Outcome, written


def score_bars(result: Outcome) -> list[dict[str, Any]]:
    """The metric of the sentence as bars, where its values are shares; `low` and `high` bound one standard error."""
    metric = result.metric
    if metric is None or not metric.share:
        return []
    shown = written(metric)
    return [
        {
            "role": role,
            "shown": shown[role],
            "share": 100 * score.value if score.value is not None else None,
            "low": max(0.0, 100 * (score.value - score.stderr)) if score.value is not None and score.stderr else None,
            "high": min(100.0, 100 * (score.value + score.stderr))
            if score.value is not None and score.stderr
            else None,
            "evidence": score.evidence,
            "n": score.n,
        }
        for role, score in metric.scores.items()
    ]


def score_groups(found: Sequence[Metric]) -> list[dict[str, Any]]:
    """The scores table: per benchmark its roles (columns) and its metrics (rows) with a cell, or None, per role."""
    groups = []
    for benchmark in dict.fromkeys(metric.benchmark for metric in found):
        rows = [metric for metric in found if metric.benchmark == benchmark]
        named = list(dict.fromkeys(role for metric in rows for role in metric.scores))
        roles = sorted(named, key=lambda role: {"trained": 0, "base": 1}.get(role, 2))
        groups.append(
            {"benchmark": benchmark or "missing", "roles": roles, "rows": [score_row(metric, roles) for metric in rows]}
        )
    return groups


def score_row(metric: Metric, roles: Sequence[str]) -> dict[str, Any]:
    alike = len({score.evidence for score in metric.known}) == 1 and len(metric.known) > 1
    values = [score.value for score in metric.known if score.value is not None]
    best = (max if metric.higher_is_better else min)(values) if alike and len(set(values)) > 1 else None
    return {
        "name": metric.name,
        "higher_is_better": metric.higher_is_better,
        "cells": [(role, score_cell(metric, metric.scores.get(role), best)) for role in roles],
        "notes": list(dict.fromkeys(score.note for score in metric.scores.values() if score.note)),
        "mixed": len({score.evidence for score in metric.known}) > 1,
    }


def score_cell(metric: Metric, score: Score | None, best: float | None) -> dict[str, Any]:
    if score is None:
        return {"scored": False, "shown": None, "stderr": None, "n": 0, "evidence": "missing", "best": False}
    value, error = score.value, score.stderr
    if metric.share:
        shown = percent(value, 1) if value is not None else None
        spread = f"{100 * error:.1f}" if error is not None and value is not None else None
    else:
        shown = f"{value:.4g}" if value is not None else None
        spread = f"{error:.2g}" if error is not None and value is not None else None
    return {
        "scored": True,
        "shown": shown,
        "stderr": spread,
        "n": score.n,
        "evidence": score.evidence,
        "best": best is not None and value == best,
    }
