"""A quote out of offers, alike for every cloud that rents."""

from collections.abc import Sequence
from typing import Any

from bashgym.records import Offer, Quote

SHOWN = 12  # offers kept, cheapest first


def costed(price: float | None, taken: float | None, **machine: str) -> Offer:
    """One machine at `price` dollars an hour for `taken` hours; None is what is not known. `machine` are the rest of
    Offer's fields."""
    return Offer(
        usd_per_hour=price,
        evidence="missing" if price is None else "estimated",
        hours=None if taken is None else round(taken, 2),
        usd=None if taken is None or price is None else round(taken * price, 2),
        **machine,
    )


def cheapest(offers: Sequence[Offer], note: str, details: dict[str, Any]) -> Quote:
    """The quote for the first of `offers` (at least one, the cheapest first), with those that stand beside it."""
    first = offers[0]
    return Quote(
        offers=tuple(offers[:SHOWN]),
        hours=first.hours,
        usd=first.usd,
        evidence="estimated" if first.usd_per_hour else "missing",
        note=note,
        details=details,
    )


def missing(note: str, details: dict[str, Any]) -> Quote:
    """Where there is no offer; `note` says why."""
    return Quote(offers=(), hours=None, usd=None, evidence="missing", note=note, details=details)
