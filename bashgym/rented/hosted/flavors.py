"""Flavors of Hugging Face Jobs: which cards each has, and which of those on offer fit a job.

Names from huggingface_hub's SpaceHardware and the Hub's own page on Jobs; memory from the vendors' data sheets. Only
cards from Ampere on, as in bashgym/rented/gpus.py: the recipes train in bf16 (no T4). Prices are the Hub's own word."""

from collections.abc import Iterable
from typing import NamedTuple

from bashgym.rented.gpus import hours


class Cards(NamedTuple):
    """GPUs of a flavor; `memory` in GB each."""

    name: str
    gpus: int
    memory: int


CARDS: dict[str, Cards] = {
    "l4x1": Cards("L4", 1, 24),
    "l4x4": Cards("L4", 4, 24),
    "a10g-small": Cards("A10G", 1, 24),
    "a10g-large": Cards("A10G", 1, 24),
    "a10g-largex2": Cards("A10G", 2, 24),
    "a10g-largex4": Cards("A10G", 4, 24),
    "l40sx1": Cards("L40S", 1, 48),
    "l40sx4": Cards("L40S", 4, 48),
    "l40sx8": Cards("L40S", 8, 48),
    "a100-large": Cards("A100", 1, 80),
    "a100x4": Cards("A100", 4, 80),
    "a100x8": Cards("A100", 8, 80),
    "rtx-pro-6000": Cards("RTXPRO6000", 1, 96),
    "rtx-pro-6000x2": Cards("RTXPRO6000", 2, 96),
    "rtx-pro-6000x4": Cards("RTXPRO6000", 4, 96),
    "rtx-pro-6000x8": Cards("RTXPRO6000", 8, 96),
    "h200": Cards("H200", 1, 141),
    "h200x2": Cards("H200", 2, 141),
    "h200x4": Cards("H200", 4, 141),
    "h200x8": Cards("H200", 8, 141),
}
CPU = ("cpu-basic", "cpu-upgrade", "cpu-performance", "cpu-xl")


class Priced(NamedTuple):
    """A flavor as the Hub offers it; dollars an hour, None where it names no price."""

    flavor: str
    usd_per_hour: float | None

    @property
    def accelerators(self) -> str:
        cards = CARDS.get(self.flavor)
        return f"{cards.name}:{cards.gpus}" if cards else "CPU"

    def hours(self, flops: float | None) -> float | None:
        return hours(flops, self.accelerators) if self.flavor in CARDS else None


def fitting(offered: Iterable[Priced], min_vram_gb: float, count: int, prefer: tuple[str, ...]) -> list[Priced]:
    """Those large enough, the cheapest first and those without a price last; only preferred ones where one is.

    `min_vram_gb` 0: no GPU is needed, and none is rented."""
    if not min_vram_gb:
        enough = [one for one in offered if one.flavor in CPU]
    else:
        enough = [one for one in offered if large(CARDS.get(one.flavor), min_vram_gb, count)]
    chosen = [one for one in enough if one.flavor in prefer] or enough
    return sorted(chosen, key=lambda one: (one.usd_per_hour is None, one.usd_per_hour or 0.0, one.flavor))


def large(cards: Cards | None, min_vram_gb: float, count: int) -> bool:
    return cards is not None and cards.memory >= min_vram_gb and cards.gpus >= count
