"""Whole lives of rented machines by a clock of their own, with every fault at every call, and drawn at random."""

import os
import signal
import tempfile
from pathlib import Path
from random import Random

import pytest
from msgspec import structs

from bashgym import checkpoint, jsonl
from bashgym.config import validate
from bashgym.errors import BashGymError, RunFailed
from bashgym.records import Job
from bashgym.registry import load
from bashgym.rented import checkpoints, ledger, renting
from bashgym.rented.budget import Budget
from bashgym.rented.life import Clock
from bashgym.stages.job import carried_out
from tests.fakes.rented_world import CALLS, FAULTS, Killed, World, WorldSky

LIMITS = {"max_hourly_usd": 1.0, "max_hours": 4.0, "max_usd": 2.0, "launch_minutes": 15}
SETTINGS = {"infra": "runpod", "limits": LIMITS, "checkpoint": {"max_restarts": 1}}


# how many times the call was made before, seconds a machine starts, what happens to the launch
CASES = ((1, 120.0, ""), (2, 120.0, ""), (1, 120.0, "killed after"), (1, 1.0, "killed after"))


class Quiet:
    def say(self, line: str) -> None: ...

    def training(self, event: dict) -> None: ...

    def close(self) -> None: ...


@pytest.fixture
def tmp_path():
    """In memory where there is such a folder: thousands of small files are made and removed here."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if os.access(memory, os.W_OK) else None) as folder:
        yield Path(folder)


@pytest.fixture(autouse=True)
def quick(tmp_path, monkeypatch):
    monkeypatch.setenv("BASHGYM_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)  # no power cut is played here
    monkeypatch.setattr(renting, "require", lambda folder: None)  # tests/cloud/test_life.py has the gate
    monkeypatch.setattr(renting, "say", lambda text: None)
    monkeypatch.setattr(renting.Renting, "checked", lambda self, job: 0.5)


class Play:
    """One training in one folder, run again and again as its user would until it is here or given up."""

    def __init__(self, folder: Path, world: World, monkeypatch, **settings) -> None:
        self.world, self.folder = world, folder
        folder.mkdir(parents=True)
        self.left_usd: float | None = None
        self.job = Job(name="sft", folder=str(folder), command=("axolotl",), env={}, output="out", config={}, gpu={})
        self.cls = load("cloud", "skypilot")
        self.config = validate(self.cls.Config, SETTINGS | settings, "cloud")
        monkeypatch.setattr(renting, "Client", lambda cloud: WorldSky(world))
        monkeypatch.setattr(ledger, "written", self.written(ledger.written))

    def written(self, real):
        def write(entry):
            if self.world.dead:
                raise Killed
            return real(entry)

        return write

    def once(self) -> str:
        """What one start of the program comes to."""
        cloud = self.cls(self.config)
        cloud.renting.clock = Clock(lambda: self.world.now, self.world.pass_time)
        cloud.left_usd = self.left_usd
        try:
            carried_out(cloud, self.job, "same", Quiet(), lambda: None)
        except Killed:
            self.world.dead = False
            signal.signal(signal.SIGINT, signal.default_int_handler)
            return "killed"
        except KeyboardInterrupt:
            return "interrupted"
        except BashGymError as error:
            return f"failed: {error}"
        return "done"

    def to_the_end(self, starts: int = 8) -> list[str]:
        """Killed or cut off by the network, it is started again; interrupted or failed, its user leaves it at that."""
        told = []
        for _ in range(starts):
            told.append(self.once())
            open = ledger.all_open()
            if told[-1] == "done" or (told[-1] != "killed" and not open):
                break
            self.world.pass_time(self.world.random.choice((1, 200)))
        return told

    def holds(self, told: list[str]) -> None:
        """What must be true whatever happened."""
        world = self.world
        world.faults, world.chance, world.away_until = {}, 0.0, 0.0
        for entry in ledger.all_open():  # the sweep of the next start
            place = self.cls(self.config)
            place.renting.clock = Clock(lambda: world.now, world.pass_time)
            place.down(entry.submission)
        assert ledger.all_open() == []
        assert world.up() == [], told
        world.pass_time(10 * 86400)
        assert world.up() == [], "came up after it was brought down"
        for one, other in zip(world.machines, world.machines[1:], strict=False):
            assert other.born >= one.died, "two machines at once"
        assert world.dollars() <= LIMITS["max_usd"] + 0.01, "more than the cap"
        if told[-1] == "done":
            assert checkpoint.lacks(self.folder / "out") is None
            assert world.machines[-1].fetched
        lines = [line.value for line in jsonl.read_lines(self.folder / "metrics.jsonl")] if told[-1] == "done" else []
        steps = [line["step"] for line in lines]
        assert steps == sorted(set(steps)), "a metric twice, or out of order"


def test_a_life_without_faults(tmp_path, monkeypatch):
    world = World(Random(1))
    play = Play(tmp_path / "run", world, monkeypatch)
    assert play.to_the_end() == ["done"]
    assert len(world.machines) == 1
    told = jsonl.parse((tmp_path / "run" / "rented.json").read_bytes())
    assert (told["state"], told["fetched"], told["usd_per_hour"]) == ("succeeded", True, 0.5)
    assert world.dollars() <= told["usd"] < 0.4
    assert play.once() == "done"  # killed before its checkpoint was noted: found again, not rented again
    assert len(world.machines) == 1
    play.holds(["done"])


@pytest.mark.parametrize("call", CALLS)
def test_every_fault_at_every_call(call, tmp_path, monkeypatch):
    """At the first and at the second time each call is made; those made only when something else went wrong, too."""
    for fault in FAULTS:
        reached = False
        for number, boot, beginning in CASES:
            world = World(Random(2), boot=boot, faults={("launch", 1): beginning} if beginning else {})
            world.faults[call, number] = world.faults.get((call, number), fault)
            world.launch_fails = "hang" if call == "cancel_request" else ""
            if call == "cancel":
                world.faults["job", 1] = "interrupted"
            play = Play(tmp_path / f"{fault} {number} {boot} {beginning}", world, monkeypatch)
            told = play.to_the_end()
            reached = reached or (call, fault) in world.hit
            play.holds(told)
            if call != "cancel" and fault in ("silent", "silent after", "away", "killed", "killed after", "slow"):
                assert told[-1] == "done" or call == "cancel_request", (fault, number, told)
                assert len(world.machines) == 1, "a second charge"
        assert reached, f"{call} never met {fault}"


@pytest.mark.parametrize(
    ("settings", "told", "machines"),
    [
        ({"ends": "FAILED_SETUP"}, "could not be set up", 1),
        ({"ends": "FAILED"}, "training failed", 1),
        ({"launch_fails": "empty"}, "no machine: ResourcesUnavailableError", 0),
        ({"launch_fails": "left"}, "no machine: ResourcesUnavailableError", 1),
        ({"launch_fails": "hang"}, "no machine within 15 minutes", 1),
        ({"price": 1.2}, "costs $1.20/h, more than cloud.limits.max_hourly_usd=1", 1),
        ({"price": 0.0}, "the price of 1x_L4 US is not known", 1),
        ({"works": 1e6}, "training failed", 1),
        ({"taken_back_after": [900.0, 900.0, 900.0]}, "the machine is gone", 2),
    ],
)
def test_what_goes_wrong_is_told_and_nothing_stays(settings, told, machines, tmp_path, monkeypatch):
    world = World(Random(3), **settings)
    play = Play(tmp_path / "run", world, monkeypatch)
    (said,) = play.to_the_end()
    assert told in said
    assert len(world.machines) == machines
    play.holds([said])


@pytest.mark.parametrize(("fault", "here"), [("", True), ("away", False), ("slow", False), ("interrupted", False)])
def test_what_a_failed_training_had_saved_is_fetched(fault, here, tmp_path, monkeypatch):
    """Whole or not at all, and never instead of the machine's end; the next machine gets it with the uploads."""
    world = World(Random(11), works=1e6, faults={("copy", 2): fault})
    play = Play(tmp_path / "run", world, monkeypatch)
    assert play.once().startswith("failed: training failed")
    assert [one.name for one in (tmp_path / "run" / "out").glob("checkpoint-*")] == (["checkpoint-7"] if here else [])
    assert checkpoints.along(play.job).uploads == (("out/checkpoint-7",) if here else ())
    assert checkpoints.along(structs.replace(play.job, config={"learning_rate": 2.0})).uploads == ()  # another training
    assert world.up() == [] and not (tmp_path / "run" / ".arriving").exists()


def test_a_machine_that_is_taken_back_is_replaced_once(tmp_path, monkeypatch):
    world = World(Random(4), taken_back_after=[700.0])
    play = Play(tmp_path / "run", world, monkeypatch)
    assert play.to_the_end() == ["done"]
    assert len(world.machines) == 2
    play.holds(["done"])


def test_a_machine_that_stays_is_shouted_about_and_brought_down_by_the_next_start(tmp_path, monkeypatch):
    world = World(Random(5), faults={("down", number): "hollow" if number % 2 else "refused" for number in range(1, 7)})
    play = Play(tmp_path / "run", world, monkeypatch)
    budget = Budget(limit=5.0)
    with budget.counting(play.folder):
        said = play.once()
    assert budget.taken == LIMITS["max_usd"]  # of which a sweep must not go on as if it had cost nothing
    assert "MAY STILL BE RUNNING" in said
    assert "sky down -y bg-sft" in said
    (entry,) = ledger.all_open()
    assert entry.state == "stuck"
    assert play.once() == "done"
    assert len(world.machines) == 1
    play.holds(["done"])


def test_an_old_failure_is_told_before_another_machine_is_rented(tmp_path, monkeypatch):
    world = World(Random(6), ends="FAILED", faults={("tail", 1): "killed after"})
    play = Play(tmp_path / "run", world, monkeypatch)
    assert play.once() == "killed"
    world.pass_time(1200)
    world.ends = "SUCCEEDED"
    assert play.once().startswith("failed: training failed")
    assert len(world.machines) == 1
    assert play.once() == "done"  # asked for again, it is
    assert len(world.machines) == 2


@pytest.mark.parametrize("decade", range(10))
def test_random_schedules(decade, tmp_path, monkeypatch):
    """Two hundred of them: faults at any call, machines taken back, launches that fail, prices that rise."""
    for seed in range(decade * 20, decade * 20 + 20):
        random = Random(seed)
        world = World(
            random,
            boot=random.choice((30.0, 200.0, 1000.0)),
            works=random.choice((60.0, 1800.0, 3000.0, 1e6)),
            price=random.choice((0.5, 0.5, 0.9, 1.1)),
            ends=random.choice(("SUCCEEDED",) * 5 + ("FAILED", "FAILED_SETUP", "FAILED_DRIVER")),
            launch_fails=random.choice(("",) * 6 + ("empty", "left", "hang")),
            taken_back_after=[random.choice((300.0, 1500.0, 1e18)) for _ in range(random.choice((0, 0, 1, 3)))],
            chance=random.choice((0.0, 0.03, 0.1, 0.25)),
        )
        play = Play(tmp_path / str(seed), world, monkeypatch)
        play.holds(play.to_the_end())


def test_the_machine_of_another_training_is_not_taken_for_this_one(tmp_path, monkeypatch):
    """The same folder, named by run_dir, and another recipe; what the first run noted in it was put aside."""
    world = World(Random(10), faults={("tail", 1): "killed after"})
    play = Play(tmp_path / "run", world, monkeypatch)
    assert play.once() == "killed"
    (tmp_path / "run" / "submission.json").unlink()
    play.job = structs.replace(play.job, config={"learning_rate": 2.0})
    assert play.once() == "done"
    assert [one.fetched for one in world.machines] == [False, True]
    play.holds(["done"])


def test_a_run_that_nobody_takes_up_again_ends_by_itself(tmp_path, monkeypatch):
    world = World(Random(7), works=1e6, faults={("tail", 1): "killed after"})
    play = Play(tmp_path / "run", world, monkeypatch)
    assert play.once() == "killed"
    world.pass_time(4 * 3600)
    assert world.up() == []
    assert world.dollars() < LIMITS["max_usd"]


def test_what_another_program_has_ended_is_not_taken_for_a_result(tmp_path, monkeypatch):
    world = World(Random(8), faults={("copy", 1): "killed"})
    play = Play(tmp_path / "run", world, monkeypatch)
    assert play.once() == "killed"
    world.pass_time(3600)  # the machine has deleted itself, with the result
    assert play.once().startswith("failed: ")
    assert not (tmp_path / "run" / "out").exists()
    with pytest.raises(RunFailed, match="with it the result"):
        submission = __import__("bashgym.stages.job", fromlist=["noted"]).noted(tmp_path / "run")[0]
        play.cls(play.config).fetch(submission)


def test_what_a_sweep_has_left_is_all_that_is_taken(tmp_path, monkeypatch):
    world = World(Random(9), works=1e6, price=1.0)
    play = Play(tmp_path / "run", world, monkeypatch)
    budget = Budget(limit=0.8)
    play.left_usd = budget.left
    with budget.counting(play.folder):
        assert "failed" in play.once()  # and is paid for all the same
    assert 0.3 < world.dollars() <= budget.taken <= 0.81
    play.left_usd = 0.3
    assert "$0.30 are left for this run" in play.once()
    assert len(world.machines) == 1
