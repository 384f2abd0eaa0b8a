"""Lines of a training as drawing: percentages of a plot's width and height, ticks, path data. No markup, no colours."""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from bashgym.report.figures import finite

Point = tuple[int, float | None]  # (step, value or None where it was no number)

UNITS = 1000  # the paths' coordinates run from 0 to this, both ways
DRAWN = 600  # points of one line beyond which only the lowest and highest of a stretch are drawn


class Tick(NamedTuple):
    at: float  # per cent from the left, or from the top
    label: str


class Line(NamedTuple):
    """One line: its path, its ends in per cent, and its values there."""

    name: str
    path: tuple[str, ...]  # SVG path commands, in order
    ends: tuple[tuple[float, float], ...]
    first: float
    last: float
    logged: int
    drawn: int
    broken: int  # steps whose value was no finite number: a gap in the line


class Chart(NamedTuple):
    lines: tuple[Line, ...]
    across: tuple[Tick, ...]
    up: tuple[Tick, ...]


def series(curves: Sequence[dict[str, Any]], event: str, *names: str) -> list[Point]:
    """(step, value) of the first of `names` each event holds, at its top or under `metrics`."""
    points: list[Point] = []
    for one in curves:
        if one.get("event") != event:
            continue
        inner = one.get("metrics")
        values = {**inner, **one} if isinstance(inner, dict) else one
        name = next((name for name in names if name in values), None)
        if name:
            points.append((int(finite(one.get("step")) or 0), finite(values[name])))
    return points


def draw(lines: Sequence[tuple[str, list[Point]]], from_zero: bool = False) -> Chart | None:
    """A chart of every line that has a number; None where none has."""
    known = [(name, points) for name, points in lines if any(value is not None for _, value in points)]
    values = [value for _, points in known for _, value in points if value is not None]
    if not values:
        return None
    left = min(step for _, points in known for step, _ in points)
    right = max(max(step for _, points in known for step, _ in points), left + 1)
    step = nice((max(values) - (0 if from_zero else min(values))) or abs(values[0]) or 1.0, 4)
    low = 0.0 if from_zero else math.floor(min(values) / step) * step
    high = max(math.ceil(max(values) / step - 1e-9) * step, low + step)
    return Chart(
        tuple(line(name, points, (left, right), (low, high)) for name, points in known),
        across(left, right),
        tuple(Tick(place(at, high, low), label) for at, label in labels(low, high, step)),
    )


def across(left: int, right: int) -> tuple[Tick, ...]:
    """Ticks at whole steps, the last step included in place of a tick too near it."""
    step = max(1, round(nice(right - left, 5)))
    first = math.ceil(left / step) * step
    ticks = [at for at in range(first, right, step) if right - at > 0.6 * step]
    return tuple(Tick(place(at, left, right), f"{at:,}") for at in (*ticks, right))


def nice(span: float, parts: int) -> float:
    """A step of 1, 2, 2.5 or 5 times a power of ten that divides `span` into about `parts`."""
    raw = span / parts
    power = 10.0 ** math.floor(math.log10(raw))
    return next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= raw * 0.999)


def labels(low: float, high: float, step: float) -> list[tuple[float, str]]:
    """Every `step` from `low` to `high`, with the digits that tell the ticks apart."""
    count = round((high - low) / step)
    values = [low + number * step for number in range(count + 1)]
    if step < 0.001 or high >= 100_000:
        return [(value, f"{value:.3g}" if value else "0") for value in values]
    digits = max(0, math.ceil(-math.log10(step) - 1e-9))
    digits += round(step * 10**digits, 6) % 1 > 0  # a step of 2.5 or 0.25 needs one more
    return [(value, f"{value:.{digits}f}") for value in values]


def place(value: float, start: float, end: float) -> float:
    """Where `value` lies between `start` (0) and `end` (100)."""
    return round(100 * (value - start) / (end - start), 3)


def line(name: str, points: list[Point], wide: tuple[int, int], tall: tuple[float, float]) -> Line:
    known = [(step, value) for step, value in points if value is not None]
    shown = thinned(points)
    parts, pen = [], False
    for step, value in shown:
        if value is None:
            pen = False
            continue
        x, y = spot(step, value, wide, tall)
        parts.append(f"{'L' if pen else 'M'}{x * UNITS / 100:.1f} {y * UNITS / 100:.1f}")
        pen = True
    ends = (known[0], known[-1]) if len(known) > 1 else (known[0],)
    return Line(
        name,
        tuple(parts),
        tuple(spot(step, value, wide, tall) for step, value in ends),
        known[0][1],
        known[-1][1],
        len(known),
        sum(value is not None for _, value in shown),
        len(points) - len(known),
    )


def spot(step: int, value: float, wide: tuple[int, int], tall: tuple[float, float]) -> tuple[float, float]:
    return place(step, *wide), place(value, tall[1], tall[0])


def thinned(points: list[Point]) -> list[Point]:
    """Of each stretch of a long line its lowest and its highest point, and both ends: no spike is lost."""
    if len(points) <= DRAWN:
        return points
    size = math.ceil(2 * len(points) / DRAWN)
    kept = {0, len(points) - 1}
    for start in range(0, len(points), size):
        stretch = range(start, min(start + size, len(points)))
        numbers = sorted((value, at) for at in stretch if (value := points[at][1]) is not None)
        kept.update(at for at in stretch if points[at][1] is None)
        kept.update(at for _, at in (numbers[:1] + numbers[-1:]))
    return [points[at] for at in sorted(kept)]
