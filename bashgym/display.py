"""What a run prints: plain lines, and bars that move where a person is watching."""

import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.status import Status
from rich.table import Table

T = TypeVar("T")
WIDE = 400
SMALL = ("Collecting ", "Downloading ", "Installing collected ")
EVERY = 10.0  # seconds between lines where nobody watches a bar
# what the trainer reports -> how it is called on the terminal
SHOWN = {
    "loss": "loss",
    "eval_loss": "eval_loss",
    "reward": "reward",
    "rewards/margins": "margin",
    "learning_rate": "lr",
}


def printable(text: str) -> str:
    """`text` without control characters: what comes from a session may try to steer a terminal."""
    return "".join(char if char.isprintable() or char == "\n" else "\N{REPLACEMENT CHARACTER}" for char in text)


class Terminal:
    """The screen of a run (see stages/context.py)."""

    def __init__(self, quiet: bool = False, yes: bool = False) -> None:
        self.yes = yes  # to all questions
        self.console = Console(file=sys.stderr, highlight=False, quiet=quiet, soft_wrap=True)
        self.bar: Progress | None = None
        self.status: Status | None = None
        self.task: Any = None
        self.last = 0.0
        self.begun = 0.0
        self.pace: tuple[float, float] | None = None  # seconds and tokens of the first event that counted tokens
        self.origin = 0

    def say(self, line: str) -> None:
        self.console.print(escape(printable(line)))

    def step(self, line: str) -> None:
        """A line of an installation: the small ones replace each other where a person watches, else are left out."""
        if not line.startswith(SMALL):
            self.close()
            self.say(line)
        elif self.console.is_terminal:
            if self.status is None:
                self.status = self.console.status("")
                self.status.start()
            self.status.update(escape(printable(line))[: self.console.width - 4])

    @contextmanager
    def waiting(self, title: str) -> Iterator[None]:
        """A moving mark beside `title` while something goes on whose length is not known."""
        if not self.console.is_terminal:
            yield
            return
        with self.console.status(escape(printable(title))):
            yield

    def progress(self, title: str, items: Iterable[T], total: int) -> Iterator[T]:
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
        )
        if not self.console.is_terminal:
            self.say(f"{title}: {total}")
        with Progress(*columns, console=self.console, transient=True, disable=not self.console.is_terminal) as bar:
            task = bar.add_task(escape(title), total=total)
            for item in items:
                bar.advance(task)
                yield item

    def training(self, event: dict[str, Any]) -> None:
        """Loss and time left: a bar for a person, a line every ten seconds for a log."""
        if event.get("event") == "begin":
            self.begun, self.origin = time.monotonic(), int(event.get("step") or 0)
            self.pace = None
            self.say(f"training: {event.get('max_steps')} steps")
        if event.get("event") == "end":
            self.close()
        metrics = event.get("metrics") or {}
        parts = [
            f"{title} {metrics[name]:.3g}"
            for name, title in SHOWN.items()
            if isinstance(metrics.get(name), int | float)
        ]
        if not parts:
            return
        epoch = [f"epoch {event['epoch']:.2f}"] if event.get("epoch") else []
        shown = "  ".join([*epoch, *parts, *self.speed(event)])
        step, steps = int(event.get("step") or 0), int(event.get("max_steps") or 0)
        if self.console.is_terminal:
            self.draw(step, steps, shown)
        elif time.monotonic() - self.last >= EVERY or step == steps:
            self.last = time.monotonic()
            self.say(f"step {step}/{steps}  {shown}  {self.left(step, steps)}")

    def speed(self, event: dict[str, Any]) -> list[str]:
        """Tokens a second since the first event that counted them, by the trainer's own clock; none before a second
        one, or where it counts none."""
        tokens = event.get("tokens") or (event.get("metrics") or {}).get("num_tokens")
        if not tokens or not event.get("time"):
            return []
        now = (float(event["time"]), float(tokens))
        if self.pace is None or now[1] < self.pace[1]:
            self.pace = now
        seconds = now[0] - self.pace[0]
        return [f"{(now[1] - self.pace[1]) / seconds:,.0f} tokens/s"] if seconds > 0 else []

    def draw(self, step: int, steps: int, shown: str) -> None:
        if self.bar is None:
            columns = (
                TextColumn("training"),
                BarColumn(),
                MofNCompleteColumn(),
                TextColumn("{task.fields[shown]}"),
                TimeRemainingColumn(),
            )
            self.bar = Progress(*columns, console=self.console, transient=True)
            self.bar.start()
            self.task = self.bar.add_task("training", total=steps or None, shown="")
        self.bar.update(self.task, completed=step, shown=shown)

    def answers(self) -> bool:
        return self.yes or sys.stdin.isatty()

    def agrees(self, question: str) -> bool:
        if self.yes or not sys.stdin.isatty():
            return self.yes
        self.close()
        self.console.print(f"{escape(printable(question))} \\[y/N] ", end="")
        return sys.stdin.readline().strip().lower() in {"y", "yes"}

    def left(self, step: int, steps: int) -> str:
        """The time left at the pace so far: an estimate."""
        done = step - self.origin
        if not self.begun or done <= 0 or steps <= step:
            return ""
        seconds = (time.monotonic() - self.begun) / done * (steps - step)
        return f"about {seconds / 60:.0f} min left" if seconds >= 90 else f"about {seconds:.0f} s left"

    def close(self) -> None:
        if self.bar is not None:
            self.bar.stop()
            self.bar = None
        if self.status is not None:
            self.status.stop()
            self.status = None


def table(headers: list[str], rows: Iterable[list[str]]) -> None:
    """A table on standard output."""
    shown = Table(*headers, box=None, pad_edge=False, header_style="bold")
    for row in rows:
        shown.add_row(*(escape(printable(cell)) for cell in row))
    # wide where nobody looks: a table that is piped into something must not be folded
    Console(highlight=False, width=None if sys.stdout.isatty() else WIDE).print(shown)
