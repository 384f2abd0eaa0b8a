"""A hosted job's lines as they come: its log into the job's folder, its metrics into the run's, none of them twice.

The Hub sends a job's log as a stream that begins anew with every connection, and may break at any time."""

import contextlib
import queue
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from bashgym import training_log
from bashgym.records import Progress
from bashgym.underway import LOG, METRICS

METRIC = "bashgym-metric "


class Stream:
    """The log of one hosted job, read by a thread of its own for as long as the job runs; `lines` never waits."""

    def __init__(self, api: Any, namespace: str, job_id: str) -> None:
        self.api, self.namespace, self.job_id = api, namespace, job_id
        self.queue: queue.SimpleQueue[str] = queue.SimpleQueue()
        self.seen = 0
        self.thread: threading.Thread | None = None

    def start(self) -> None:
        """Connects, unless it is connected."""
        if self.thread is None or not self.thread.is_alive():
            self.thread = threading.Thread(target=self.read, daemon=True)
            self.thread.start()

    def over(self) -> bool:
        """Whether the connection ended: with the job, or by itself."""
        return self.thread is not None and not self.thread.is_alive()

    def read(self) -> None:
        """The stream begins with the first line each time: those that were seen are passed over."""
        import httpx

        with contextlib.suppress(httpx.HTTPError, ValueError):  # broken: the next look connects again
            lines = self.api.fetch_job_logs(job_id=self.job_id, namespace=self.namespace, follow=True)
            for number, line in enumerate(lines):
                if number >= self.seen:
                    self.seen = number + 1
                    self.queue.put(line)

    def rest(self, seconds: float) -> list[str]:
        """What is still to come of a job that has ended, for at most so long."""
        self.start()
        if self.thread:
            self.thread.join(seconds)
        return self.lines()

    def lines(self) -> list[str]:
        found = []
        with contextlib.suppress(queue.Empty):
            while True:
                found.append(self.queue.get_nowait())
        return found


class Kept:
    """What was told before, so that a stream that begins anew doubles nothing in the run's files."""

    def __init__(self, folder: Path) -> None:
        self.metrics, self.log = folder / METRICS, folder / LOG
        self.known = set(self.metrics.read_bytes().splitlines()) if self.metrics.exists() else set()
        self.log.parent.mkdir(parents=True, exist_ok=True)

    def anew(self, restarts: int) -> None:
        """The log is told from its beginning; that of the job before a restart is kept beside it."""
        before = self.log.with_name(f"train-{restarts}.log")
        if restarts and self.log.exists() and not before.exists():
            self.log.rename(before)
        self.log.write_bytes(b"")

    def take(self, lines: Iterable[str]) -> Iterator[Progress]:
        """Writes lines where they belong; a metric for each line of metrics, whether it is new or not."""
        for line in lines:
            if line.startswith(METRIC):
                raw = line.removeprefix(METRIC).strip().encode()
                self.add(raw)
                yield training_log.event(raw)
            else:
                with self.log.open("ab") as file:
                    file.write(line.encode(errors="replace") + b"\n")

    def add(self, raw: bytes) -> None:
        """One line of metrics, where it is not there yet."""
        if raw in self.known or not raw.strip():
            return
        self.known.add(raw)
        with self.metrics.open("a+b") as file:
            file.seek(0, 2)
            if file.tell():
                file.seek(-1, 2)
                if file.read(1) != b"\n":  # cut off by a kill
                    raw = b"\n" + raw
            file.write(raw + b"\n")

    def whole(self, metrics: Path, log: Path) -> Iterator[Progress]:
        """The files as the job itself pushed them: what the stream lost is added, the log is replaced."""
        for raw in metrics.read_bytes().splitlines() if metrics.exists() else ():
            if raw not in self.known:
                self.add(raw)
                yield training_log.event(raw)
        if log.exists():
            self.log.write_bytes(log.read_bytes())
