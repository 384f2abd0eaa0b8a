"""`bashgym audit`: what passed yesterday's rules is looked at with today's."""

import json
import re
import shutil
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import pytest

from bashgym import audit
from bashgym.errors import PrivacyError
from bashgym.gate import report
from bashgym.kinds import ScanContext
from bashgym.records import Span
from tests.test_run import new_home, some_sessions, words


@pytest.fixture(scope="module")
def projects(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return some_sessions(tmp_path_factory.mktemp("sessions"), 8)


class Capitals:
    """Finds words in capitals: broader than any rule of ours."""

    def find(self, strings: Sequence[str], context: ScanContext) -> Iterable[Span]:
        for index, text in enumerate(strings):
            for match in re.finditer(r"\b[A-Z][a-z]{3,}\b", text):
                yield Span(index=index, start=match.start(), end=match.end(), type="TOKEN", rule="capitals")

    def engine(self) -> str:
        return "capitals 1"


def test_a_new_rule_finds_what_passed(
    bashgym: Callable, projects: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    home = new_home(tmp_path / "home")
    monkeypatch.setenv("BASHGYM_HOME", str(home))
    done = bashgym(*words(projects), BASHGYM_HOME=str(home))
    assert done.returncode == 0, done.stderr
    done = bashgym("audit", "--json", BASHGYM_HOME=str(home))
    assert done.returncode == 0, done.stderr
    (one,) = json.loads(done.stdout)
    assert one["passed"]
    assert one["rows"] > 0
    assert one["values"] > 0
    assert one["lost"] == 0

    # a rule that is new
    run = Path(one["folder"])
    real = audit.sanitizers
    monkeypatch.setattr(audit, "sanitizers", lambda folder: [*real(folder), ("new", Capitals())])
    failed = audit.audit(run, [audit.Model("mine 1", one["dataset"]), audit.Model("other 1", "")])
    assert not failed.passed
    assert "new/capitals" in failed.why
    assert failed.models == ("mine 1",)
    assert not (run / "dataset").exists()
    assert list((run / "quarantine").iterdir())
    found = report.read(run)
    assert found is not None
    assert not found.passed
    with pytest.raises(PrivacyError, match="leak gate found"):
        report.require(run)


def test_values_the_store_has_lost_are_counted(bashgym: Callable, projects: Path, tmp_path: Path):
    home = new_home(tmp_path / "home")
    assert bashgym(*words(projects), BASHGYM_HOME=str(home)).returncode == 0
    shutil.rmtree(home / "store")
    done = bashgym("audit", "--json", BASHGYM_HOME=str(home))
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)[0]["lost"] > 0


def test_no_runs_and_no_such_run(bashgym: Callable, tmp_path: Path):
    home = new_home(tmp_path / "home")
    done = bashgym("audit", BASHGYM_HOME=str(home))
    assert done.returncode == 0
    assert "no run has written a dataset" in done.stdout
    done = bashgym("audit", "nothing", BASHGYM_HOME=str(home))
    assert done.returncode == 2
    assert "is no run" in done.stderr
