"""Replies and interruptions, the grain in which copies of sessions are told; added up by month and model."""

import hashlib
from collections.abc import Iterable

import msgspec

TOKENS = ("input_tokens", "output_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")
ADDED = ("replies", *TOKENS, "calls", "errors", "rejections", "interrupts", "pairs")


class Unit(msgspec.Struct, array_like=True):
    """One model reply, or one interruption by the user: the grain in which copies of sessions are told."""

    message: int  # 64-bit hash of the id that forks and resumes share
    request: int  # of the request's id; 0 where there is none
    month: str  # YYYY-MM
    model: str
    trace: int  # its place in SessionFacts.traces
    example: int  # the example of that trace it is in, -1 for none
    replies: int
    input_tokens: int
    output_tokens: int
    cache_read_input_tokens: int
    cache_creation_input_tokens: int
    usd: float | None
    calls: int
    errors: int
    rejections: int
    interrupts: int
    pairs: int


class Tally(msgspec.Struct, array_like=True):
    """Units of one month and model added up. `usd` is the sum over those that have a price."""

    month: str
    model: str
    replies: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_input_tokens: int = 0
    cache_creation_input_tokens: int = 0
    usd: float = 0.0
    unpriced: int = 0  # replies whose cost is not known
    calls: int = 0
    errors: int = 0
    rejections: int = 0
    interrupts: int = 0
    pairs: int = 0


def hashed(*parts: str) -> int:
    """64 bits, so that they can be kept as a number; the same for the same id in every session."""
    data = "\0".join(parts).encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.blake2b(data, digest_size=8).digest(), "big") >> 1


def same(one: Unit, other: Unit) -> bool:
    """Whether two units are copies of one reply: copies by an old resume have lost their request's id."""
    return one.message == other.message and (one.request == other.request or 0 in (one.request, other.request))


def merged(units: Iterable[Unit]) -> list[Unit]:
    """The units with copies of one reply made one, whose tokens are the largest of each kind (a copy may have been
    written before the reply was whole)."""
    found: dict[int, list[Unit]] = {}
    for unit in units:
        known = found.setdefault(unit.message, [])
        earlier = next((one for one in known if same(one, unit)), None)
        if earlier is None:
            known.append(unit)
        else:
            enlarge(earlier, unit)
    return [unit for known in found.values() for unit in known]


def enlarge(unit: Unit, copy: Unit) -> None:
    unit.request = unit.request or copy.request
    for field in ("input_tokens", "output_tokens", "cache_read_input_tokens", "cache_creation_input_tokens"):
        setattr(unit, field, max(getattr(unit, field), getattr(copy, field)))
    if copy.usd is not None:
        unit.usd = max(unit.usd or 0.0, copy.usd)


def tallied(units: Iterable[Unit]) -> list[Tally]:
    """The units by month and model."""
    found: dict[tuple[str, str], Tally] = {}
    for unit in units:
        tally = found.setdefault((unit.month, unit.model), Tally(unit.month, unit.model))
        for field in ADDED:
            setattr(tally, field, getattr(tally, field) + getattr(unit, field))
        tally.usd += unit.usd or 0.0
        tally.unpriced += unit.usd is None and unit.replies
    return list(found.values())
