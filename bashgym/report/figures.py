"""Figures and names as people read them; what is no figure is None or `missing`, never a number."""

import math
from collections.abc import Iterable
from typing import Any, get_args

from bashgym.records import Evidence


def finite(value: Any) -> float | None:
    """`value` where it is a number that can be shown; NaN, infinity, text and truth values are none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return float(value) if math.isfinite(value) else None
    except OverflowError:  # an integer of hundreds of digits
        return None


def evidence_of(value: Any) -> Evidence:
    return value if value in get_args(Evidence) else "missing"


def percent(value: float | None, digits: int) -> str:
    return "missing" if value is None else f"{100 * value:.{digits}f}\N{NO-BREAK SPACE}%"


def words(name: str) -> str:
    return name.replace("_", " ").replace(",none", "") or "no metric"


def listed(names: Iterable[str]) -> str:
    *rest, last = names
    return f"{', '.join(rest)} and {last}" if rest else last


def count(value: float | None) -> str | None:
    """A figure with its thousands apart."""
    if value is None:
        return None
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.4g}"


def loss(value: float | None) -> str | None:
    return None if value is None else f"{value:.3g}"


def seconds(value: float | None) -> str | None:
    """A time as people say it."""
    if value is None:
        return None
    if value < 1:
        return f"{1000 * value:.0f} ms" if value >= 0.001 else "under 1 ms"
    if value < 60:
        return f"{value:.1f} s"
    minutes, rest = divmod(round(value), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {rest:02} s"


def size(value: float | None) -> str:
    for unit, scale in (("GB", 1e9), ("MB", 1e6), ("KB", 1e3)):
        if value is not None and value >= scale:
            return f"{value / scale:.1f} {unit}"
    return "missing" if value is None else f"{value:.0f} bytes"
