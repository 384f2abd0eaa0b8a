"""What became of one file, net: lines that went and lines that came."""

from collections import Counter
from dataclasses import dataclass, field

LONGEST = 400_000  # characters of a file
WIDEST = 1000  # characters of a line; what is longer was written by no hand


@dataclass
class Delta:
    """One file. `removed` and `added` are lines, stripped at the right, with the step that did it; `before` and `after`
    the whole text where it is known. `gone`: deleted, or moved to where no runner looks."""

    path: str
    removed: dict[str, list[int]] = field(default_factory=dict)
    added: dict[str, list[int]] = field(default_factory=dict)
    before: str | None = None
    after: str | None = None
    created: bool = False
    gone: bool = False
    shown: list[str] = field(default_factory=list)  # the new text of edits, what stayed in it included
    blind: list[str] = field(default_factory=list)  # changes whose text is not seen: `12,20d` of sed
    steps: list[int] = field(default_factory=list)

    @property
    def old(self) -> list[str]:
        return [line for line, steps in self.removed.items() for _ in steps]

    @property
    def new(self) -> list[str]:
        return [line for line, steps in self.added.items() for _ in steps]

    @property
    def text(self) -> str:
        """The file as it is now, else what edits showed of it."""
        return self.after if self.after is not None else "\n".join(self.shown)

    def step_of(self, line: str) -> int:
        """Where a line was put in or taken out; the last change of the file for a line that is not found."""
        found = self.added.get(line) or self.removed.get(line) or self.steps
        return found[-1] if found else 0

    def swap(self, old: str, new: str, step: int) -> None:
        """Notes that `old` became `new`; lines in both are no change, nor are those an earlier edit put in."""
        self.steps.append(step)
        self.shown.append(new)
        left, right = Counter(rows(old)), Counter(rows(new))
        for line, count in (left - right).items():
            for _ in range(count):
                take(self.added, self.removed, line, step)
        for line, count in (right - left).items():
            for _ in range(count):
                take(self.removed, self.added, line, step)


def take(first: dict[str, list[int]], then: dict[str, list[int]], line: str, step: int) -> None:
    """A line that is in `first` is taken out of it, and else put into `then`."""
    if first.get(line):
        first[line].pop()
        if not first[line]:
            del first[line]
    else:
        then.setdefault(line, []).append(step)


def rows(text: str) -> list[str]:
    return [line[:WIDEST].rstrip() for line in text[:LONGEST].split("\n") if line.strip()]
