"""Every agent's sessions on this machine with their facts; what has not changed since last time is not opened."""

import multiprocessing
import os
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import msgspec

from bashgym import prices
from bashgym.display import Terminal
from bashgym.errors import InputError, RunFailed
from bashgym.history import agents, census, units
from bashgym.history.agents import Agent
from bashgym.history.census import Counted, SessionFacts, Task
from bashgym.history.units import Unit
from bashgym.lifeline import tie_to_parent
from bashgym.reading import files, remembered
from bashgym.records import SessionRef
from bashgym.stages.worker import code_digest

T = TypeVar("T")
R = TypeVar("R")

FEW = 16_000_000  # bytes up to which this process reads alone: starting others takes half a second
CHUNK = 4  # sessions given to a worker at a time


class Session(NamedTuple):
    """A session as listed, with what is known of it."""

    agent: Agent
    ref: SessionRef
    facts: SessionFacts
    key: bytes  # of its units in the cache

    def units(self) -> list[Unit]:
        """Its replies and interruptions, one by one."""
        kept = remembered.recall(units_key(self.key))
        if kept is None:  # the cache could not be written, or was deleted this moment
            counted = census.count(Task(self.agent.plugin, self.ref))
            kept = counted.units or b"[]"
        return msgspec.json.decode(kept, type=list[Unit])


@dataclass
class Found:
    """What there is on this machine. Reasons are one line each."""

    sessions: list[Session] = field(default_factory=list)
    agents: list[Agent] = field(default_factory=list)  # those that have a history here
    absent: dict[str, str] = field(default_factory=dict)  # agent -> where its history was looked for
    unreadable: list[str] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)  # by reason
    read: int = 0  # sessions that had to be opened
    seconds: float = 0.0


def find(screen: Terminal, only: str | None = None) -> Found:
    """All sessions of all agents, or of the source `only`. Raises RunFailed when a worker was killed."""
    started = time.perf_counter()
    found = Found()
    listed = [
        pair for agent in agents.agents() if only in (None, agent.label) for pair in listing(agent, found, screen)
    ]
    known = facts_of(listed, found, screen)
    found.sessions = [session for session in known if session is not None]
    found.seconds = time.perf_counter() - started
    return found


def listing(agent: Agent, found: Found, screen: Terminal) -> list[tuple[Agent, SessionRef]]:
    """An agent's sessions that can be read; notes what cannot, what is left out, or that there is no history."""
    try:
        with files.sparing() as reasons, screen.waiting(f"looking at {agent.name}"):
            refs = list(agent.source.list())
    except InputError as error:
        found.absent[agent.name] = str(error)
        return []
    found.unreadable += reasons
    found.left_out.update(getattr(agent.source, "left_out", {}))
    if refs or getattr(agent.source, "left_out", {}):
        found.agents.append(agent)
    else:
        found.absent[agent.name] = "there are no sessions in its folder"
    return [(agent, ref) for ref in refs if ref.sha256]


def facts_of(listed: Sequence[tuple[Agent, SessionRef]], found: Found, screen: Terminal) -> list[Session | None]:
    """The sessions with their facts, in the order of `listed`; None for one that could not be read."""
    code = digest_of_code()
    keys = [key_of(code, agent, ref) for agent, ref in listed]
    known = [remembered.recall(key) for key in keys]
    result = [
        session(agent, ref, key, blob) if blob else None
        for (agent, ref), key, blob in zip(listed, keys, known, strict=True)
    ]
    todo = sorted((n for n, blob in enumerate(known) if blob is None), key=lambda n: -listed[n][1].size)
    tasks = [Task(listed[n][0].plugin, listed[n][1]) for n in todo]
    found.read = len(tasks)
    done = screen.progress("reading sessions", counting(tasks), len(tasks)) if tasks else ()
    for n, counted in zip(todo, done, strict=True):
        agent, ref = listed[n]
        if counted.facts is None:
            found.unreadable.append(counted.fault)
            continue
        remembered.keep(units_key(keys[n]), counted.units)
        remembered.keep(keys[n], msgspec.json.encode(counted.facts))
        result[n] = Session(agent, ref, counted.facts, keys[n])
    return result


def session(agent: Agent, ref: SessionRef, key: bytes, blob: bytes) -> Session:
    return Session(agent, ref, FACTS.decode(blob), key)


FACTS = msgspec.json.Decoder(SessionFacts)


def key_of(code: str, agent: Agent, ref: SessionRef) -> bytes:
    return remembered.digest("facts", code, agent.plugin.sha256, ref.id, ref.path, ref.sha256)


def units_key(key: bytes) -> bytes:
    return remembered.digest("units", key.hex())


def digest_of_code() -> str:
    """A hash of all that facts depend on beside the session: code, judges and their settings, prices."""
    judges = [(piece.label, piece.plugin.sha256, repr(piece.values)) for piece in agents.pieces("judge")]
    ours = [Path(module.__file__ or "").read_bytes() for module in (agents, census, units)]
    parts: list[Any] = [code_digest(), ours, judges, agents.base(), repr(prices.load())]
    return remembered.digest(*map(str, parts)).hex()


def counting(tasks: Sequence[Task]) -> Iterator[Counted]:
    """The sessions of `tasks` counted, in their order."""
    return over_processes(census.count, tasks, sum(task.ref.size for task in tasks))


def over_processes(work: Callable[[T], R], tasks: Sequence[T], size: int) -> Iterator[R]:
    """`work` done for each of `tasks`, in their order; by several processes where `size`, their bytes, is large.

    Raises RunFailed when one of these was killed."""
    workers = min(cores(), len(tasks))
    if workers < 2 or size < FEW:
        yield from map(work, tasks)
        return
    context = multiprocessing.get_context("spawn")
    # without max_tasks_per_child: with that, CPython 3.11 can wait for ever for a worker it does not start
    pool = ProcessPoolExecutor(workers, mp_context=context, initializer=tie_to_parent)
    try:
        yield from pool.map(work, tasks, chunksize=CHUNK if len(tasks) > 10 * workers else 1)
    except BrokenProcessPool:
        raise RunFailed("a process that read sessions was killed, perhaps for want of memory; run it again") from None
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
