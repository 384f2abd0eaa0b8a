"""What was taken out of the sessions, and what the leak gate said of the dataset."""

from collections.abc import Mapping
from typing import Any

from bashgym.report.figures import finite

FEW = 12  # rules and fields that are shown; sanitization.json has them all


def bars(counts: Any, at_most: int | None = None) -> list[tuple[str, float | None, float]] | None:
    """(name, count, per cent of the largest), the most frequent first; None where it is not known."""
    if not isinstance(counts, Mapping):
        return None
    known = [(str(name), finite(n)) for name, n in counts.items()]
    largest = max((n or 0 for _, n in known), default=0) or 1
    ordered = sorted(known, key=lambda one: (-(one[1] or 0), one[0]))
    return [(name, n, 100 * (n or 0) / largest) for name, n in ordered[:at_most]]


def gate(content: Mapping[str, Any]) -> dict[str, Any] | None:
    """What the gate looked at; None where no gate has looked."""
    said = content.get("gate")
    if not isinstance(said, Mapping):
        return None
    skipped = said.get("skipped")
    return {
        "passed": said.get("passed") is True,
        "rows": finite(said.get("rows")),
        "swept": finite(said.get("values")),
        "skipped": sum(finite(n) or 0 for n in skipped.values()) if isinstance(skipped, Mapping) else None,
        "repaired": finite(said.get("repaired")),
        "canaries": finite(said.get("canaries")),
    }
