"""What is rented is on disk before it can cost, and stays there until it is seen to be gone."""

import os
import subprocess
import sys

import pytest

from bashgym import paths
from bashgym.errors import RunFailed
from bashgym.records import Submission
from bashgym.rented import ledger


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("BASHGYM_HOME", str(tmp_path / "home"))


def entry(id: str = "a1", **more) -> ledger.Rented:
    submission = Submission(job="sft", folder=f"/runs/{id}", id=id)
    return ledger.opened(submission, cloud="runpod", plugin="skypilot", config={"infra": "runpod"}, name="bg-1", **more)


def test_an_entry_lives_until_it_is_closed():
    first = entry(began=5.0, usd_per_hour=0.5, notes={"request": None})
    file = paths.home() / "rented" / "a1.json"
    assert file.stat().st_mode & 0o777 == 0o600
    second = ledger.updated(entry("b2", began=1.0), state="stuck")
    assert ledger.all_open() == [second, first]  # the oldest first, as they were written
    assert (ledger.of("b2"), ledger.of("c3")) == (second, None)
    assert ledger.orphans() == []  # this process follows them
    assert ledger.closed(first).state == "gone"
    assert ledger.all_open() == [second]


def test_whose_follower_was_killed_is_an_orphan():
    program = (
        "import sys; from bashgym.records import Submission; from bashgym.rented import ledger\n"
        "sent = Submission(job='j', folder='/f', id='dead')\n"
        "ledger.opened(sent, cloud='vast', plugin='skypilot', config={}, name='n')\n"
        "import os; os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", program], env=os.environ | {"PYTHONPATH": str(paths.HERE.parent)})
    (orphan,) = ledger.orphans()
    assert orphan.id == "dead"
    ledger.followed(orphan)
    assert ledger.orphans() == []


def test_an_entry_that_cannot_be_read_is_not_passed_over():
    entry()
    file = paths.home() / "rented" / "a1.json"
    file.write_bytes(file.read_bytes()[:40])
    with pytest.raises(RunFailed, match=r"a1\.json.*your cloud's own page"):
        ledger.orphans()
