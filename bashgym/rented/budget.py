"""One cap for the runs of a sweep: what they have taken of it, and what their user has agreed to."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bashgym.rented import ledger


@dataclass
class Budget:
    """`limit` is what all runs may take together, None where nothing costs; `taken` is an estimate. Both in dollars."""

    limit: float | None = None
    taken: float = 0.0
    agreed: set[tuple[str, float]] = field(default_factory=set)  # (cloud, cap) that its user has said yes to

    @property
    def left(self) -> float | None:
        return None if self.limit is None else max(0.0, self.limit - self.taken)

    @contextmanager
    def counting(self, folder: Path) -> Iterator[None]:
        """Counts the machine that a training in `folder` comes to an end with, also where it fails; one that is not
        seen to be gone counts as all that it may take."""
        before = ledger.past(folder).get("id")
        try:
            yield
        finally:
            told, left = ledger.past(folder), ledger.of_folder(folder)
            if told.get("id") != before:
                self.taken += float(told["usd"])
            if left is not None:
                self.taken += left.max_usd
