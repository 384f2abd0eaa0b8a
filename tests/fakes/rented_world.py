"""A cloud with SkyPilot before it, in memory and by a clock of its own, in which things go wrong as they are told to.

It keeps what no program of ours may be asked about: which machines were up when, and what they cost."""

import hashlib
import signal
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from bashgym.rented.client import NoAnswer, SkyError

CALLS = ("launch", "launched", "requests", "cancel_request", "cluster", "jobs", "job", "tail", "cancel", "down", "copy")
FAULTS = ("silent", "silent after", "away", "refused", "killed", "killed after", "interrupted", "twice", "slow")
WEIGHTS = (2).to_bytes(8, "little") + b"{}"  # the smallest whole safetensors file
SAVED = {"trainer_state.json": b'{"global_step": 7}', "optimizer.pt": b"moments"}
RESULT = {"config.json": b'{"model_type": "llama"}', "model.safetensors": WEIGHTS}


class Killed(BaseException):
    """kill -9: nothing of the program runs any more, no `finally` either."""


@dataclass
class Machine:
    name: str
    born: float
    price: float
    works: float  # seconds its job takes
    ends: str = "SUCCEEDED"
    limit: float = 1e9  # the run script ends the job after so many seconds
    job_at: float = 1e18  # when the job begins
    taken_back: float = 1e18
    autodown: float = 600.0
    died: float | None = None
    cancelled: float | None = None
    fetched: bool = False

    def job_ended(self) -> float:
        return min(self.job_at + min(self.works, self.limit), self.cancelled or 1e18)

    def status(self, now: float) -> str:
        if now < self.job_ended():
            return "RUNNING"
        if self.cancelled and self.cancelled <= self.job_ended():
            return "CANCELLED"
        return "FAILED" if self.works > self.limit else self.ends


@dataclass
class World:
    """`plan` draws how each machine turns out; `faults` says what goes wrong at a call: (call, how often before)."""

    random: Random
    now: float = 1_000_000.0
    boot: float = 120.0
    price: float = 0.5
    works: float = 1800.0
    ends: str = "SUCCEEDED"
    launch_fails: str = ""  # "", "empty", "left" (a machine stays), "hang"
    taken_back_after: list[float] = field(default_factory=list)  # for one machine after the other
    faults: dict[tuple[str, int], str] = field(default_factory=dict)
    chance: float = 0.0
    counts: dict[str, int] = field(default_factory=dict)
    hit: set[tuple[str, str]] = field(default_factory=set)
    machines: list[Machine] = field(default_factory=list)
    requests: dict[str, tuple[float, str, int | None]] = field(default_factory=dict)
    dead: bool = False
    away_until: float = 0.0

    def pass_time(self, seconds: float) -> None:
        if self.dead:
            raise Killed
        self.now += seconds
        for machine in self.machines:
            if machine.died is None:
                over = min(machine.taken_back, machine.job_ended() + machine.autodown)
                machine.died = over if over <= self.now else None

    def up(self, name: str | None = None) -> list[Machine]:
        self.pass_time(0)
        return [one for one in self.machines if one.died is None and name in (None, one.name) and one.born <= self.now]

    def dollars(self) -> float:
        return sum(
            ((one.died or self.now) - one.born) / 3600 * one.price for one in self.machines if one.born < self.now
        )

    def before(self, call: str) -> str:
        """The fault of this call, after what it does to the caller at once."""
        self.pass_time(0.5)
        number = self.counts[call] = self.counts.get(call, 0) + 1
        fault = self.faults.pop((call, number), "")
        if not fault and self.random.random() < self.chance:
            fault = self.random.choice(FAULTS)
        if fault:
            self.hit.add((call, fault))
        if fault == "away":
            self.away_until = self.now + self.random.choice((5, 60, 300))
        if self.now < self.away_until:
            raise SkyError("ApiServerConnectionError", "no network")
        if fault == "silent":
            self.pass_time(180)
            raise NoAnswer(call)
        if fault == "slow":
            self.pass_time(150)
        if fault == "refused":
            raise SkyError("RuntimeError", f"{call} did not work")
        if fault == "killed":
            self.dead = True
            raise Killed
        for _ in range({"interrupted": 1, "twice": 2}.get(fault, 0)):
            signal.raise_signal(signal.SIGINT)
        return fault

    def after(self, fault: str) -> None:
        if fault == "killed after":
            self.dead = True
            raise Killed
        if fault == "silent after":
            raise NoAnswer("no answer, and yet it was done")


class WorldSky:
    """bashgym.rented.client.Sky over a World."""

    def __init__(self, world: World) -> None:
        self.world = world

    def one(self, name: str) -> Machine:
        found = self.world.up(name)
        if not found:
            raise SkyError("ClusterDoesNotExist", name)
        return found[0]

    def launch(self, task: str, name: str, secrets: Mapping[str, str], variables: Mapping[str, str]) -> str:
        world, fault = self.world, self.world.before("launch")
        assert not [one for one in world.machines if one.died is None], "a second machine while one is up"
        assert not [one for one in world.machines if one.status(world.now) == "SUCCEEDED" and one.fetched]
        kind, request = world.launch_fails, f"r{len(world.requests) + 1}"
        number: int | None = None
        if kind != "empty":
            back = world.taken_back_after.pop(0) if world.taken_back_after else 1e18
            machine = Machine(name, world.now + world.boot / 2, world.price, world.works, world.ends)
            machine.limit, machine.taken_back = float(variables["BASHGYM_SECONDS"]), machine.born + back
            machine.job_at = world.now + world.boot if not kind else 1e18
            world.machines.append(machine)
            number = len(world.machines) - 1
        world.requests[request] = (world.now + (1e18 if kind == "hang" else world.boot), kind, number)
        world.after(fault)
        return request

    def launched(self, request: str) -> dict | None:
        fault = self.world.before("launched")
        ready, kind, _ = self.world.requests[request]
        self.world.after(fault)
        if self.world.now < ready:
            return None
        if kind:
            raise SkyError("ResourcesUnavailableError", "no such machine is left")
        return {"job": 1}

    def requests(self, name: str) -> list[str]:
        fault = self.world.before("requests")
        self.world.after(fault)
        return [id for id, (ready, _, _) in self.world.requests.items() if ready > self.world.now]

    def cancel_request(self, request: str) -> None:
        fault = self.world.before("cancel_request")
        _, kind, number = self.world.requests[request]
        self.world.requests[request] = (self.world.now, kind or "cancelled", number)
        if number is not None and self.world.machines[number].born > self.world.now:
            self.world.machines[number].died = self.world.machines[number].born = self.world.now
        self.world.after(fault)

    def cluster(self, name: str) -> dict | None:
        fault = self.world.before("cluster")
        found = self.world.up(name)
        self.world.after(fault)
        status = {"status": "UP", "usd_per_hour": found[0].price if found else None, "instance": "1x_L4 US"}
        return status if found else None

    def jobs(self, name: str) -> list[int]:
        fault = self.world.before("jobs")
        self.world.after(fault)
        return [1] if self.one(name).job_at <= self.world.now else []

    def job(self, name: str, job: int) -> str | None:
        fault = self.world.before("job")
        self.world.after(fault)
        return self.one(name).status(self.world.now)

    def tail(self, name: str, job: int) -> Iterator[str | None]:
        """A metric line each ten minutes; the log goes silent where a fault is planned for it."""
        world, fault = self.world, self.world.before("tail")
        machine = self.one(name)
        sent, attempt = 0, len([one for one in world.machines if one.born <= machine.born])
        while True:
            while machine.job_at + sent * 600 <= min(world.now, machine.job_ended()):
                sent += 1
                yield f'(bg, pid=7) bashgym metric {attempt} {sent} {{"event":"log","step":{sent + 100 * attempt}}}\n'
                if sent > 1:
                    world.after(fault)
            if world.now >= machine.job_ended():
                yield f"bashgym exit {attempt} 1 {0 if machine.status(world.now) == 'SUCCEEDED' else 1}"
                return
            world.pass_time(60)
            self.one(name)
            yield None

    def cancel(self, name: str, job: int) -> None:
        fault = self.world.before("cancel")
        machine = self.one(name)
        machine.cancelled = machine.cancelled or self.world.now
        self.world.after(fault)

    def down(self, name: str) -> None:
        """At a fault `hollow` it says it did, and did nothing."""
        fault = self.world.before("down")
        for machine in self.world.up(name) if fault != "hollow" else ():
            machine.died = self.world.now
        self.world.after(fault)

    def copy(
        self, name: str, source: str, target: Path, excluded: tuple[str, ...] = (), patience: float | None = None
    ) -> None:
        fault = self.world.before("copy")
        machine = self.one(name)
        status = machine.status(self.world.now)
        assert status not in ("RUNNING", "CANCELLED")
        if status != "SUCCEEDED":
            self.saved(machine, source, target, fault)
        elif target.name.endswith(".sha256"):
            lines = [f"{hashlib.sha256(raw).hexdigest()}  ./{path}" for path, raw in RESULT.items()]
            target.write_text("\n".join(lines) + "\n")
        else:
            target.mkdir(exist_ok=True)
            for path, raw in RESULT.items():
                (target / path).write_bytes(raw[:3] if fault == "slow" else raw)
            machine.fetched = fault != "slow"
        self.world.after(fault)

    def saved(self, machine: Machine, source: str, target: Path, fault: str) -> None:
        """Of a failed job: a checkpoint, where it has trained for half an hour."""
        if machine.status(self.world.now) != "FAILED" or machine.job_ended() - machine.job_at < 1800:
            raise NoAnswer("rsync ended with 23: no such file")
        if target.name == "saved.sha256":
            lines = [f"{hashlib.sha256(raw).hexdigest()}  ./checkpoint-7/{path}" for path, raw in SAVED.items()]
            target.write_text("\n".join(lines) + "\n")
            return
        assert source.endswith("/out/checkpoint-7/")
        for path, raw in SAVED.items():
            (target / path).write_bytes(raw[:3] if fault == "slow" else raw)

    def close(self, last: bool) -> None:
        return
