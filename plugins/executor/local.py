"""Worker processes on this machine; none where there is little to do."""

import os
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from itertools import chain, islice
from typing import Any

from pydantic import Field

from bashgym.config import Config as BaseConfig
from bashgym.errors import RunFailed
from bashgym.lifeline import tie_to_parent

AHEAD = 4  # tasks waiting per worker: enough to keep it busy, few enough to keep memory flat
ALONE = 2.0  # seconds of work done in this process before workers start: each takes as long to import and compile
LARGE = 16 << 20  # bytes of one task from which on it is a worker's, which gives its memory back


class Executor:
    class Config(BaseConfig):
        workers: int = Field(0, ge=0)
        """Number of worker processes; 0: one for each core, once two seconds of work were done without."""
        sessions_per_worker: int = Field(200, ge=0)
        """Sessions a worker handles before a fresh one takes its place, which keeps memory flat; 0: never."""

    def __init__(self, config: Config) -> None:
        self.config = config

    def map(self, function: Callable[[Any], Any], refs: Iterable[Any]) -> Iterator[Any]:
        """Results in the order of `refs`; raises what a worker raised, RunFailed when one was killed."""
        workers = self.config.workers or cores()
        queue = iter(refs)
        if not self.config.workers:
            queue = yield from alone(function, queue)
        # A fresh pool now and then, and not max_tasks_per_child: with that, CPython 3.11 can wait for ever for a
        # worker that it does not start (gh-115634).
        shift = workers * self.config.sessions_per_worker or None
        while first := list(islice(queue, 1)):
            rest = islice(queue, shift - 1) if shift else queue
            yield from self.shift(function, chain(first, rest), workers)

    def shift(self, function: Callable[[Any], Any], refs: Iterator[Any], workers: int) -> Iterator[Any]:
        """Results of one pool of workers."""
        import multiprocessing
        from concurrent.futures import Future, ProcessPoolExecutor
        from concurrent.futures.process import BrokenProcessPool

        context = multiprocessing.get_context("spawn")
        pool = ProcessPoolExecutor(max_workers=workers, mp_context=context, initializer=tie_to_parent)
        pending: deque[Future[Any]] = deque()
        try:
            pending.extend(pool.submit(function, ref) for ref in islice(refs, workers * AHEAD))
            while pending:
                result = pending.popleft().result()
                pending.extend(pool.submit(function, ref) for ref in islice(refs, 1))
                yield result
        except BrokenProcessPool:
            way_out = "run again with executor.workers=1"
            raise RunFailed(f"a worker process was killed, perhaps for want of memory; {way_out}") from None
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def alone(function: Callable[[Any], Any], refs: Iterator[Any]) -> Generator[Any, None, Iterator[Any]]:
    """Results of the first tasks, worked on in this process while that is quicker than to start workers; returns the
    tasks that are left."""
    end = time.monotonic() + ALONE
    for ref in refs:
        if time.monotonic() > end or getattr(ref, "size", 0) > LARGE:
            return chain([ref], refs)
        yield function(ref)
    return iter(())


def cores() -> int:
    """Cores this process may use, which in a container are fewer than the machine has."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
