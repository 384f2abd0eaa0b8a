"""What a killed program left: told, left at its work, or ended by the next start and by `bashgym clouds reap`."""

import json
import time
from pathlib import Path
from random import Random

import pytest

from bashgym import cli
from bashgym.records import Submission
from bashgym.rented import ledger, renting
from bashgym.stages import reap
from tests.fakes.rented_world import Machine, World, WorldSky

CONFIG = {"infra": "runpod"}


@pytest.fixture
def world(tmp_path, monkeypatch):
    monkeypatch.setenv("BASHGYM_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(ledger, "alive", lambda entry: "followed" in entry.notes)
    made = World(Random(1), now=time.time())
    monkeypatch.setattr(renting, "Client", lambda cloud: WorldSky(made))
    return made


def left(world: World, tmp_path: Path, id: str, **more) -> ledger.Rented:
    world.machines.append(Machine(f"bg-{id}", time.time() - 3600, 0.5, 7200.0, job_at=time.time() - 3000))
    notes = {"machine_began": time.time() - 3600, **more.pop("notes", {})}
    submission = Submission(job="sft", folder=str(tmp_path / id), id=id)
    given = {"usd_per_hour": 0.5, "max_usd": 2.0, "deadline": time.time() + 3600, "by_hand": f"sky down -y bg-{id}"}
    settings = {"cloud": "runpod", "plugin": "skypilot", "config": CONFIG, "name": f"bg-{id}", "notes": notes}
    entry = ledger.opened(submission, began=time.time() - 3600, **settings, **given)
    return ledger.updated(entry, **more)


def test_the_next_start_ends_what_is_of_no_use_and_leaves_what_trains(world, tmp_path):
    left(world, tmp_path, "trains", state="running")
    left(world, tmp_path, "waits", state="ending", notes={"outcome": {"state": "succeeded"}})
    left(world, tmp_path, "mine", state="launching")  # of the run that starts: it takes it up
    left(world, tmp_path, "other", state="running", notes={"followed": True})
    left(world, tmp_path, "starting", state="launching")
    left(world, tmp_path, "over", state="running", deadline=time.time() - 60)
    left(world, tmp_path, "stuck", state="stuck", notes={"outcome": {"state": "failed"}})
    said: list[str] = []
    reap.sweep(tmp_path / "mine", said.append)
    assert {one.name for one in world.up()} == {"bg-trains", "bg-waits", "bg-mine", "bg-other"}
    assert {one.id for one in ledger.all_open()} == {"trains", "waits", "mine", "other"}
    assert len([line for line in said if "still trains" in line]) == 2
    assert len([line for line in said if "bringing bg-" in line]) == 3


def test_what_was_left_is_ended_also_where_the_run_cannot_begin(world, tmp_path, capsys):
    left(world, tmp_path, "stuck", state="stuck", notes={"outcome": {"state": "failed"}})
    assert cli.main(["run", "recipe=quickstart", "cloud=ssh"]) == 2
    assert "cloud.host says no machine" in capsys.readouterr().err
    assert (world.up(), ledger.all_open()) == ([], [])


def test_ps_shows_what_it_costs_and_reap_ends_it(world, tmp_path, capsys):
    assert cli.main(["clouds", "ps"]) == 0
    assert "nothing is rented" in capsys.readouterr().out
    left(world, tmp_path, "trains", state="running")
    left(world, tmp_path, "other", state="running", notes={"followed": True})
    assert cli.main(["clouds", "ps", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [(one["machine"], one["usd"], one["evidence"]) for one in rows] == [
        ("bg-trains", 0.5, "estimated"),
        ("bg-other", 0.5, "estimated"),
    ]
    assert cli.main(["clouds", "ps"]) == 0
    assert "by hand: sky down -y bg-trains" in capsys.readouterr().out
    assert cli.main(["clouds", "reap"]) == 2  # nobody is here to be asked
    assert "add --yes" in capsys.readouterr().err
    assert len(world.up()) == 2
    assert cli.main(["clouds", "reap", "--yes"]) == 0
    assert [one.name for one in world.up()] == ["bg-other"]


def test_reap_that_does_not_come_through_says_so(world, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("bashgym.rented.ending.TRIES", (0.0,) * 6)
    left(world, tmp_path, "stays", state="running")
    world.faults = {("down", number): "refused" for number in range(1, 7)}
    assert cli.main(["clouds", "reap", "--yes"]) == 1
    assert "sky down -y bg-stays" in capsys.readouterr().err
    assert [one.state for one in ledger.all_open()] == ["stuck"]
