"""The leak gate in real runs: what it lets through, what it stops, and that nothing changed gets past it later."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from bashgym.errors import PrivacyError
from bashgym.gate import report
from tests.test_run import new_home, some_sessions, words

LEAK = "Kestrel-9911-brackenfold"  # looks like no secret where it stands
SLEEPING = '''"""Finds nothing."""

from collections.abc import Iterable, Sequence

from bashgym.config import Config as Base
from bashgym.kinds import ScanContext
from bashgym.records import Span


class Sanitizer:
    class Config(Base):
        pass

    def __init__(self, config: Config) -> None:
        self.config = config

    def find(self, strings: Sequence[str], context: ScanContext) -> Iterable[Span]:
        return []

    def engine(self) -> str:
        return "asleep"
'''


@pytest.fixture(scope="module")
def projects(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return some_sessions(tmp_path_factory.mktemp("sessions"), 12)


def gate_of(run: Path) -> report.GateReport:
    found = report.read(run)
    assert found is not None
    return found


def test_a_dataset_passes_and_its_report_is_bound_to_its_bytes(bashgym: Callable, projects: Path, tmp_path: Path):
    home, run = new_home(tmp_path / "home"), tmp_path / "run"
    done = bashgym(*words(projects, run), BASHGYM_HOME=str(home))
    assert done.returncode == 0, done.stderr
    passed = gate_of(run)
    assert passed.passed
    assert passed.dataset == report.dataset_hash(run / "dataset") == report.require(run).dataset
    assert passed.canaries == 14
    assert passed.values > 0
    assert not (run / "dataset" / "canary.jsonl").exists()

    # a value that was removed, put back by hand: nobody trains on it
    train = run / "dataset" / "train.jsonl"
    train.write_bytes(train.read_bytes().replace(b'"content":"', b'"content":"' + LEAK.encode(), 1))
    with pytest.raises(PrivacyError, match="changed after the leak gate passed it"):
        report.require(run)
    done = bashgym("audit", str(run), BASHGYM_HOME=str(home))
    assert done.returncode == 3
    assert "changed after the leak gate" in done.stdout + done.stderr
    train.unlink()
    with pytest.raises(PrivacyError, match="gone since"):
        report.require(run)


def test_sanitizers_that_sleep_are_found_out(bashgym: Callable, projects: Path, tmp_path: Path):
    (tmp_path / "plugins" / "sanitizer").mkdir(parents=True)
    (tmp_path / "plugins" / "sanitizer" / "asleep.py").write_text(SLEEPING)
    (tmp_path / "conf" / "sanitizer").mkdir(parents=True)
    (tmp_path / "conf" / "sanitizer" / "asleep.yaml").write_text("# @package sanitizer.asleep\nplugin: asleep\n")
    home, run = new_home(tmp_path / "home"), tmp_path / "run"
    done = bashgym(*words(projects, run, "sanitizer=[asleep]"), BASHGYM_HOME=str(home))
    assert done.returncode == 3, done.stderr
    assert "came out of the sanitizers unharmed" in done.stderr
    assert done.stderr.strip().count("\n") < 8
    assert not (run / "dataset").exists()
    assert list((run / "quarantine").iterdir())
    assert not gate_of(run).passed
    assert "Traceback" not in done.stderr


def test_what_may_stay_is_said_in_the_recipe(bashgym: Callable, projects: Path, tmp_path: Path):
    home, run = new_home(tmp_path / "home"), tmp_path / "run"
    chosen = ["sanitizer=[secrets]", "gate.canaries=[secret]"]
    done = bashgym(*words(projects, run, *chosen), BASHGYM_HOME=str(home))
    assert done.returncode == 0, done.stderr
    done = bashgym(*words(projects, tmp_path / "other", "sanitizer=[secrets]"), BASHGYM_HOME=str(home))
    assert done.returncode == 3
    assert "person" in done.stderr or "place" in done.stderr


def planted(projects: Path, target: Path) -> Path:
    """The sessions, with one value that only the first of them gives away as a secret."""
    for file in sorted(projects.glob("*/*.jsonl")):
        copy = target / file.relative_to(projects)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(file.read_bytes())
    first, second = sorted(target.glob("*/*.jsonl"))[:2]
    for file, text in ((first, f'the settings hold {{"password": "{LEAK}"}}'), (second, f"why does {LEAK} show up?")):
        lines = file.read_text().splitlines()
        at = next(n for n, line in enumerate(lines) if human(json.loads(line)))
        value = json.loads(lines[at])
        value["message"]["content"] = f"{value['message']['content']}\n{text}"
        lines[at] = json.dumps(value)
        file.write_text("\n".join(lines) + "\n")
    return target


def human(line: dict) -> bool:
    return line.get("type") == "user" and isinstance(line["message"]["content"], str)


def test_what_one_session_gave_away_is_removed_from_all(bashgym: Callable, projects: Path, tmp_path: Path):
    home, run = new_home(tmp_path / "home"), tmp_path / "run"
    sessions = planted(projects, tmp_path / "sessions")
    done = bashgym(*words(sessions, run), BASHGYM_HOME=str(home))
    assert done.returncode == 0, done.stderr
    for path in (run / "dataset").iterdir():
        assert LEAK not in path.read_text()
    assert gate_of(run).repaired >= 1


def test_surrogates_stand_for_values_where_the_recipe_says_so(bashgym: Callable, projects: Path, tmp_path: Path):
    home = new_home(tmp_path / "home")
    done = bashgym(*words(projects, tmp_path / "run", "sanitize.style=surrogate"), BASHGYM_HOME=str(home))
    assert done.returncode == 0, done.stderr
    text = "".join(path.read_text() for path in sorted((tmp_path / "run" / "dataset").glob("*.jsonl")))
    assert "@example.com" in text
    assert "EMAIL_" not in text
    assert gate_of(tmp_path / "run").passed
