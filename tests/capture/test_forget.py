"""What is forgotten is nowhere any more, and nothing reads it again; what is not meant stays."""

import gzip
import json
import os
import shutil
import signal
import subprocess
import sys
import zlib
from pathlib import Path

import pytest

from bashgym import registry
from bashgym.capture import stored
from bashgym.reading import excluded
from bashgym.records import ModelVersion

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples" / "projects"
RUN = ("run", "recipe=quickstart", "dataset.classes=[gold,silver,unverified]", "--until", "dataset")


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A user's machine after a run: claude/ (the agent's files), home/ with spool, archive, store, runs."""
    top = tmp_path_factory.mktemp("machine")
    home, projects = top / "home", top / "claude" / "projects"
    for slug in sorted(EXAMPLES.iterdir())[:3]:
        for file in sorted(slug.glob("*.jsonl"))[:3]:
            (projects / slug.name).mkdir(parents=True, exist_ok=True)
            shutil.copy(file, projects / slug.name)
            if file.with_suffix("").is_dir():
                shutil.copytree(file.with_suffix(""), projects / slug.name / file.stem)
    for file in projects.rglob("*.jsonl"):
        copy = home / "archive" / "claude_code" / file.relative_to(projects).with_name(file.name + ".gz")
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(gzip.compress(file.read_bytes()))
    spool = home / "spool" / "claude_code"
    spool.mkdir(parents=True)
    for file in projects.glob("*/*.jsonl"):
        event = {"session_id": file.stem, "hook_event_name": "Stop", "cwd": folder_of(file)}
        (spool / file.name).write_text(json.dumps({"ts": "2026-11-01T00:00:00.000Z", "event": event}) + "\n")
    done = call(top, *RUN, "source=claude_code")
    assert done.returncode == 0, done.stderr
    (run,) = (home / "runs").iterdir()
    (run / "prepared").mkdir()
    shutil.copy(run / "dataset" / "train.jsonl", run / "prepared")
    (run / "benchmarks" / "lm_eval").mkdir(parents=True)
    shutil.copy(run / "dataset" / "train.jsonl", run / "benchmarks" / "lm_eval" / "docs.jsonl")
    (run / "benchmarks" / "lm_eval" / "base.scores.json").write_text("{}")
    return top


@pytest.fixture
def machine(kept: Path, tmp_path: Path) -> Path:
    shutil.copytree(kept, tmp_path / "machine")
    text = (tmp_path / "machine" / "home" / "ledger.jsonl").read_text().replace(str(kept), str(tmp_path / "machine"))
    (tmp_path / "machine" / "home" / "ledger.jsonl").write_text(text)
    return tmp_path / "machine"


def command(machine: Path, *words: str) -> tuple[list[str], dict[str, str]]:
    places = {"BASHGYM_HOME": str(machine / "home"), "CLAUDE_CONFIG_DIR": str(machine / "claude")}
    return [sys.executable, "-m", "bashgym", *words], {**os.environ, "PYTHONPATH": str(ROOT), **places}


def call(machine: Path, *words: str, **more: object) -> subprocess.CompletedProcess[str]:
    argv, env = command(machine, *words)
    return subprocess.run(argv, env=env, cwd=machine, capture_output=True, text=True, timeout=300, **more)


def folder_of(file: Path) -> str:
    return next(json.loads(line)["cwd"] for line in file.read_text().splitlines() if '"cwd"' in line)


def sessions(machine: Path) -> dict[str, Path]:
    return {file.stem: file for file in sorted((machine / "claude" / "projects").glob("*/*.jsonl"))}


def run_of(machine: Path) -> Path:
    return next((machine / "home" / "runs").iterdir())


def rows(machine: Path) -> dict[str, int]:
    """Session -> rows in the dataset."""
    found: dict[str, int] = {}
    for file in (run_of(machine) / "dataset").glob("*.jsonl"):
        for line in file.read_text().splitlines():
            name = json.loads(line)["id"].partition("#")[0].partition("/")[0]
            found[name] = found.get(name, 0) + 1
    return found


def holding(machine: Path, session: str) -> list[str]:
    """Files under the data home that hold the session's id in whatever wrapping, or bear it in their name."""
    found = []
    for path in (path for path in (machine / "home").rglob("*") if path.is_file()):
        raw = path.read_bytes()
        if path.suffix == ".z":
            raw = zlib.decompress(raw)
        if path.suffix == ".gz":
            raw = gzip.decompress(raw)
        if session.encode() in raw or session in str(path):
            found.append(str(path.relative_to(machine / "home")))
    return found


def best(machine: Path) -> str:
    """A session with rows in the dataset."""
    return max(rows(machine).items(), key=lambda one: one[1])[0]


def state(machine: Path) -> dict[str, bytes]:
    home = machine / "home"
    return {str(path.relative_to(home)): path.read_bytes() for path in sorted(home.rglob("*")) if path.is_file()}


def test_a_session_is_gone_from_everywhere_and_does_not_return(machine: Path):
    session, before = best(machine), rows(machine)
    assert len(holding(machine, session)) > 4
    agents_own = sessions(machine)[session].read_bytes()
    done = call(machine, "forget", session[:8], "--yes", "--json")
    assert done.returncode == 0, done.stderr
    facts = json.loads(done.stdout)
    assert facts["sessions"] == [session] and facts["results"] == 1
    assert sum(facts["rows"][str(run_of(machine))].values()) == before[session]
    assert holding(machine, session) == []
    assert rows(machine) == {name: n for name, n in before.items() if name != session}
    assert sessions(machine)[session].read_bytes() == agents_own
    assert not (run_of(machine) / "prepared").exists()
    assert [path.name for path in (run_of(machine) / "benchmarks" / "lm_eval").iterdir()] == ["base.scores.json"]
    noted = json.loads((run_of(machine) / "manifest.json").read_text())["forgotten"]
    assert [one["session_sha256"] for one in noted] == [excluded.digest(session)]

    done = call(machine, *RUN, "source=claude_code", "--fresh", "--json")
    assert done.returncode == 0, done.stderr
    source = json.loads(done.stdout)["stages"][0]
    assert source["dropped"]["forgotten (bashgym forget)"] == 1 and source["in"] == len(sessions(machine))
    assert holding(machine, session) == []
    assert "rescue" not in call(machine, "capture", "rescue").stderr and holding(machine, session) == []
    again = call(machine, "forget", session, "--yes", "--json")
    assert again.returncode == 0 and json.loads(again.stdout)["results"] == 0


def test_a_folder_and_all_below_it(machine: Path):
    by_folder: dict[str, list[str]] = {}
    for name, file in sessions(machine).items():
        by_folder.setdefault(folder_of(file), []).append(name)
    folder, meant = max(by_folder.items(), key=lambda one: len(one[1]))
    others = set(rows(machine)) - set(meant)
    facts = json.loads(call(machine, "forget", folder, "--yes", "--json").stdout)
    assert facts["sessions"] == sorted(meant)
    assert all(holding(machine, name) == [] for name in meant)
    assert set(rows(machine)) == others and all(holding(machine, name) for name in others)


def test_a_repository_by_its_remote(machine: Path, tmp_path: Path):
    checkout = tmp_path / "checkout"
    (checkout / ".git").mkdir(parents=True)
    (checkout / ".git" / "config").write_text('[remote "origin"]\n\turl = git@host.org:Team/Thing.git\n')
    session, file = next(iter(sessions(machine).items()))
    moved = json.dumps({"type": "user", "cwd": str(checkout / "src"), "sessionId": session})
    with file.open("a") as out:
        out.write(moved + "\n")
    facts = json.loads(call(machine, "forget", "https://host.org/team/thing", "--yes", "--json").stdout)
    assert facts["sessions"] == [session] and holding(machine, session) == []


def test_it_says_what_it_will_do_and_asks(machine: Path):
    session, before = best(machine), state(machine)
    done = call(machine, "forget", session, stdin=subprocess.DEVNULL)
    assert done.returncode == 2 and "--yes" in done.stderr and "Nothing was changed" in done.stderr
    for word in ("archive", "store      1 results", "dataset", "not touched"):
        assert word in done.stdout
    assert call(machine, "forget", session, "--json").returncode == 2
    done = call(machine, "forget", "no-such-session", "--yes")
    assert done.returncode == 2 and "no session, folder or repository" in done.stderr
    done = call(machine, "forget", "/nobody/was/here", "--yes")
    assert done.returncode == 0 and "no session of it" in done.stdout
    changed = {name for name, raw in state(machine).items() if before.get(name) != raw}
    assert {name for name in changed if not name.startswith("cache/")} == set()


def test_models_that_saw_it_are_named(machine: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("BASHGYM_HOME", str(machine / "home"))
    run, session = run_of(machine), best(machine)
    models = registry.load("model_registry", "mlflow")
    keeper = models(models.Config())
    seen = {"run": run.name, "run_folder": str(run), "base": "scratch"}
    keeper.add(ModelVersion(name="mine", path=str(run / "checkpoint"), lineage=seen, created="2026-11-01T00:00:00Z"))
    onward = {"run": "later", "run_folder": "/elsewhere", "base": str(run / "checkpoint")}
    keeper.add(ModelVersion(name="next", path="/elsewhere/c", lineage=onward, created="2026-11-02T00:00:00Z"))
    other = {"run": "other", "run_folder": "/other", "base": "some/model"}
    keeper.add(ModelVersion(name="innocent", path="/other/c", lineage=other, created="2026-11-02T00:00:00Z"))
    facts = json.loads(call(machine, "forget", session, "--yes", "--json").stdout)
    assert sorted(one["name"] for one in facts["models"]) == ["mine", "next"]
    again = json.loads(call(machine, "forget", session, "--yes", "--json").stdout)
    assert sorted(one["name"] for one in again["models"]) == ["mine", "next"], "known also when the rows are gone"


def test_copies_of_its_replies_are_told_of_and_can_go_too(machine: Path):
    session = best(machine)
    file = sessions(machine)[session]
    fork = "11111111-2222-4333-8444-555555555555"
    file.with_name(f"{fork}.jsonl").write_text(file.read_text().replace(session, fork))
    assert call(machine, *RUN, "source=claude_code", "--fresh").returncode == 0
    facts = json.loads(call(machine, "forget", session, "--yes", "--json").stdout)
    assert fork in facts["copies"] and holding(machine, fork) and holding(machine, session) == []
    facts = json.loads(call(machine, "forget", fork, "--copies", "--yes", "--json").stdout)
    assert fork in facts["sessions"] and holding(machine, fork) == []


def test_with_copies_both_go_at_once(machine: Path):
    session = best(machine)
    file = sessions(machine)[session]
    fork = "11111111-2222-4333-8444-555555555555"
    file.with_name(f"{fork}.jsonl").write_text(file.read_text().replace(session, fork))
    assert call(machine, *RUN, "source=claude_code", "--fresh").returncode == 0
    facts = json.loads(call(machine, "forget", session, "--copies", "--yes", "--json").stdout)
    assert {session, fork} <= set(facts["sessions"]) and facts["copies"] == []
    assert holding(machine, session) == [] == holding(machine, fork)


def test_while_a_run_is_under_way_nothing_is_forgotten(machine: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("BASHGYM_HOME", str(machine / "home"))
    session = best(machine)
    with stored.store().used():
        done = call(machine, "forget", session, "--yes")
    assert done.returncode == 2 and "a run is under way" in done.stderr and holding(machine, session)
    assert not (machine / "home" / "forgotten").exists()


def test_a_damaged_result_is_no_obstacle(machine: Path):
    session = best(machine)
    for path in (machine / "home" / "store").rglob("*.z"):
        if session.encode() in zlib.decompress(path.read_bytes())[:200]:
            path.write_bytes(path.read_bytes()[:20])
    assert call(machine, "forget", session, "--yes").returncode == 0
    assert session not in rows(machine)


KILLED_AT = """
import os, signal, sys
from bashgym.cli import main
at, count = int(sys.argv[1]), 0

def counted(event, details):
    global count
    if event in {"os.remove", "os.rename", "os.rmdir"} and "home" in str(details[0]):
        count += 1
        if count == at:
            os.kill(os.getpid(), signal.SIGKILL)

sys.addaudithook(counted)
code = main(sys.argv[2:])
print(count)
sys.exit(code)
"""


def killed_at(machine: Path, at: int, *words: str) -> subprocess.CompletedProcess[str]:
    """The command, killed just before it deletes or moves its file number `at`; its last line counts them."""
    _, env = command(machine)
    argv = [sys.executable, "-c", KILLED_AT, str(at), *words]
    return subprocess.run(argv, env=env, cwd=machine, capture_output=True, text=True, timeout=300)


@pytest.mark.slow
def test_cut_off_at_any_instant_it_is_finished_by_the_next(machine: Path, tmp_path: Path):
    session = best(machine)
    others = {name: n for name, n in rows(machine).items() if name != session}

    def fresh(name: str) -> Path:
        copy = tmp_path / name
        shutil.copytree(machine, copy)
        ledger = copy / "home" / "ledger.jsonl"
        ledger.write_text(ledger.read_text().replace(str(machine), str(copy)))
        return copy

    steps = int(killed_at(fresh("whole"), 0, "forget", session, "--yes").stdout.split()[-1])
    assert steps > 10
    for at in {*range(1, steps, max(1, steps // 7)), steps}:
        copy = fresh(f"cut-{at}")
        assert killed_at(copy, at, "forget", session, "--yes").returncode == -signal.SIGKILL
        for line in (line for file in (run_of(copy) / "dataset").glob("*.jsonl") for line in file.open()):
            json.loads(line)
        done = call(copy, "forget", session, "--yes")
        assert done.returncode == 0, done.stderr
        assert holding(copy, session) == [], f"killed before step {at} of {steps}"
        assert rows(copy) == others
        shutil.rmtree(copy)
