"""Whether a quote is within what its user allows to be spent."""

from collections.abc import Iterator
from typing import Any

from bashgym.records import Quote


def beyond(quote: Quote, limits: Any) -> str:
    """Why nothing may be rented on these terms, with the key to change; empty where all is within the limits.

    A price that is not known, or is nought, is beyond any limit."""
    if quote.details.get("own"):  # machines of one's own, where nothing is rented
        return ""
    if not quote.offers:
        return quote.note
    return "; ".join(faults(quote, limits))


def faults(quote: Quote, limits: Any) -> Iterator[str]:
    first = quote.offers[0]
    price = first.usd_per_hour
    if not price or price < 0:
        yield f"no price of {first.instance} is known, and nothing is rented unpriced; bring the price list up to date"
        if quote.details.get("refused"):
            yield reasons(quote.details["refused"])
        return
    if price > limits.max_hourly_usd:
        yield f"{first.instance} costs ${price:.2f}/h, and cloud.limits.max_hourly_usd is {limits.max_hourly_usd:g}"
    if quote.hours is not None and quote.hours > limits.max_hours:
        yield f"it is estimated to take {quote.hours:.1f} hours, and cloud.limits.max_hours is {limits.max_hours:g}"
    if quote.usd is not None and quote.usd > limits.max_usd:
        yield f"it is estimated to cost ${quote.usd:.2f}, and cloud.limits.max_usd is {limits.max_usd:g}"
    allowed = quote.details.get("limits", {}).get("train_seconds")
    if allowed is not None and quote.hours is not None and quote.hours * 3600 > allowed:
        yield (
            f"it is estimated to take {quote.hours:.1f} hours, and cloud.limits leave {allowed / 3600:.1f} hours of "
            "training: raise max_usd or max_hours, or train less"
        )


def reasons(refused: dict[str, str]) -> str:
    """`A100:1 costs $1.64/h or more; L4:1 not offered`, at most six, those that money helps against first."""
    told = sorted(refused.items(), key=lambda one: (not one[1].startswith("costs"), one[0]))
    shown = [f"{name} {reason}" for name, reason in told[:6]]
    return "; ".join(shown) + (" ..." if len(refused) > 6 else "") + "; raise cloud.limits or change cloud.gpu.prefer"
