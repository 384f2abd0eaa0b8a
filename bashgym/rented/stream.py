"""What a rented machine says of its job, as it arrives in SkyPilot's log: each line once, however often it is sent.

The run script (run.sh) sends the job's log and its metrics as `bashgym KIND ATTEMPT NUMBER TEXT`. A log that is
followed again after a lost connection begins anew, so lines are known by their numbers; what was taken is on disk."""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from bashgym import jsonl, training_log
from bashgym.records import Progress

LINE = re.compile(r"bashgym (log|metric|exit|limit) (\d+) (\d+) ?(.*)")
METRICS = "metrics.jsonl"
LOG = "logs/train.log"
FROM = "from"  # in a metric line: whose it is, [id of the submission, attempt, number]


class Stream:
    """The lines of one attempt, written to `metrics.jsonl` and `logs/train.log` of a run's folder.

    `hidden` are values that must not be written: those of the job's secrets, which a trainer may print."""

    def __init__(self, folder: Path, id: str, attempt: int, hidden: Iterable[str] = ()) -> None:
        self.folder, self.id, self.attempt = folder, id, attempt
        self.hidden = sorted((value for value in hidden if value), key=len, reverse=True)
        self.code: int | None = None
        self.limited = False
        self.metrics = self.kept()
        self.lines = self.logged()

    def kept(self) -> int:
        """The number of the last metric line of this attempt that is on disk."""
        path = self.folder / METRICS
        values = (line.value for line in jsonl.read_lines(path)) if path.exists() else ()
        marks = (value.get(FROM) for value in values if isinstance(value, dict))
        return max((mark[2] for mark in marks if mark and mark[:2] == [self.id, self.attempt]), default=0)

    def logged(self) -> int:
        """How many lines of this attempt's log are on disk; the log of an earlier one is put aside."""
        log, whose = self.folder / LOG, self.folder / f"{LOG}.of"
        log.parent.mkdir(parents=True, exist_ok=True)
        mine = f"{self.id} {self.attempt}"
        if not whose.exists() or whose.read_text() != mine:
            if log.exists():
                log.replace(log.with_name(f"train-{int(log.stat().st_mtime)}.log"))
            jsonl.replace(whose, mine.encode())
        if not log.exists():
            return 0
        content = log.read_bytes()
        whole = content[: content.rfind(b"\n") + 1]
        if whole != content:  # a line that a kill cut off comes again
            jsonl.replace(log, whole)
        return whole.count(b"\n")

    def take(self, text: str) -> Iterator[Progress]:
        """One line of SkyPilot's log; what it prints itself is passed over."""
        match = LINE.search(text)
        if match is None or int(match[2]) != self.attempt:
            return
        number, rest = int(match[3]), self.shown(match[4])
        if match[1] == "exit":
            self.code = int(rest)
        elif match[1] == "limit":
            self.limited = True
        elif match[1] == "metric" and number > self.metrics:
            self.metrics = number
            yield self.metric(rest)
        elif match[1] == "log" and number > self.lines:
            self.lines = number
            with (self.folder / LOG).open("ab", buffering=0) as log:
                log.write(rest.encode(errors="replace") + b"\n")

    def metric(self, text: str) -> Progress:
        found = training_log.event(text.encode(errors="replace"))
        if found.kind == "metric":
            jsonl.append(self.folder / METRICS, {**found.data, FROM: [self.id, self.attempt, self.metrics]})
        return found

    def shown(self, text: str) -> str:
        text = training_log.CONTROL.sub("", text)
        for value in self.hidden:
            text = text.replace(value, "[secret]")
        return text
