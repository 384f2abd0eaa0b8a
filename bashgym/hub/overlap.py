"""Rows that are requests to a model repeat the conversation so far: of a row and those that go on from it, the longest
holds all. A row is left out where its messages are the first ones of another row's, or all of an earlier one's."""

import hashlib
from array import array
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from bashgym import jsonl

MOVES = "cache_control"  # what a client sets anew in each request, on other blocks


def longest(histories: Iterable[Sequence[Any] | None]) -> list[int]:
    """The numbers of the rows that no other row goes on from; a row without a list of messages stays."""
    ends: dict[int, int] = {}
    chains: list[array[int]] = []
    kept: list[int] = []
    for number, messages in enumerate(histories):
        chain = array("Q", links(messages or ()))
        if not chain or chain[-1] not in ends:
            kept.append(number)
            if chain:
                ends[chain[-1]] = number
                chains.append(chain)
    begun = {link for chain in chains for link in chain[:-1] if link in ends}
    left_out = {ends[link] for link in begun}
    return [number for number in kept if number not in left_out]


def links(messages: Iterable[Any]) -> Iterator[int]:
    """For each message a hash of it and of all before it; 64 bits."""
    digest = hashlib.blake2b(digest_size=8)
    for message in messages:
        digest.update(jsonl.dumps(steady(message)) + b"\0")
        yield int.from_bytes(digest.copy().digest(), "big")


def steady(value: Any) -> Any:
    """A message without what changes from one request to the next: text as a block, in whichever way it is written."""
    if isinstance(value, list):
        return [steady(one) for one in value]
    if not isinstance(value, dict):
        return value
    kept = {key: steady(value[key]) for key in sorted(value) if key != MOVES}
    if isinstance(kept.get("content"), str):
        kept["content"] = [{"text": kept["content"], "type": "text"}]
    return kept
