"""Every row of a dataset ends at existing lines of its session's files, also after these were deleted; and for every
session that is in no dataset there is a stage and a reason."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bashgym import paths
from bashgym.capture.archive import rescue
from bashgym.errors import InputError
from bashgym.lineage import kept, walk, whynot
from bashgym.lineage.origin import Place, absent
from bashgym.reading.files import opened

ROOT = Path(__file__).resolve().parent.parent
BROKEN = "99999999-2222-4333-8444-555555555555"
RESUMED = "11111111-2222-4333-8444-555555555555"
CLASSES = "dataset.classes=[gold,silver,unverified,failed]"
REAL = ("claude-code-entire", "rig-claude-code")


def made(home: Path, run_dir: Path, *words: str, **env: str) -> Path:
    """A dataset by the real command line; returns the run's folder."""
    seen = {**os.environ, "PYTHONPATH": str(ROOT), "BASHGYM_HOME": str(home), **env}
    command = [sys.executable, "-m", "bashgym", "run", "recipe=quickstart", *words, f"run_dir={run_dir}"]
    done = subprocess.run([*command, "--until", "dataset"], env=seen, capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stderr
    return run_dir


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("data")


@pytest.fixture
def used(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("BASHGYM_HOME", str(home))
    return home


@pytest.fixture(scope="module")
def projects(samples: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Real sessions laid out as Claude Code keeps them: files of one repository, and a whole projects folder."""
    folder = tmp_path_factory.mktemp("claude") / "projects"
    shutil.copytree(samples / REAL[0], folder / "-src-cli", ignore=shutil.ignore_patterns("*.md", "*.txt"))
    for path in sorted((samples / REAL[1]).rglob("*.jsonl*")):
        target = folder / path.relative_to(samples / REAL[1])
        target = folder / "-src-rig" / path.name if target.parent == folder else target
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)
    return folder


@pytest.fixture(scope="module")
def real(projects: Path, home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run over the user's own history, whose folder is the real sessions."""
    words = ("source=claude_code", CLASSES, "executor.workers=2", "model.sequence_len=8192")
    return made(home, tmp_path_factory.mktemp("run") / "real", *words, CLAUDE_CONFIG_DIR=str(projects.parent))


def held_words(path: Path, numbers: tuple[int, ...]) -> str:
    """The text of these lines, unescaped as far as JSON escapes it."""
    with opened(path) as file:
        lines = {number: line for number, line in enumerate(file, 1) if number in numbers}
    assert set(lines) == set(numbers)
    return "\n".join(json.dumps(json.loads(line), ensure_ascii=False) for line in lines.values())


def check_row(row: kept.Row) -> dict[str, Any]:
    """What must hold of every row's lineage."""
    found = walk.lineage(row)
    assert not found["lost"]
    assert found["gate"] == {"passed": True, "when": found["gate"]["when"], "unchanged": True}
    assert found["curate"]["split"] == row.split and found["judge"]["verdicts"]
    assert found["steps"] and not found["source"]["changed"]
    for step in found["steps"]:
        assert step["places"], step
        for place in step["places"]:
            assert place["unit"] == "line"
            text = held_words(Path(place["path"]), tuple(place["numbers"]))
            assert not step["ids"] or any(name in text for name in step["ids"]), (step, text[:200])
    return found


def test_every_row_of_real_sessions_ends_at_lines_also_after_the_originals_are_gone(
    real: Path, projects: Path, used: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", str(projects.parent))
    (run,) = kept.runs(str(real))
    rows = list(kept.rows(run))
    assert len(rows) == sum(run.manifest["dataset"]["rows"].values()) > 20
    before = {kept.row_id(row.data): check_row(row) for row in rows}
    assert not any(found["source"]["archived"] for found in before.values())
    steps = sum(len(found["steps"]) for found in before.values())
    print(f"{len(rows)} rows, {steps} steps, {len({found['source']['session'] for found in before.values()})} sessions")
    rescue()
    shutil.move(projects, projects.with_name("gone"))
    try:
        for row in rows:
            after = check_row(row)
            first = before[after["row"]]
            assert after["source"]["archived"] and after["source"]["sha256"] == first["source"]["sha256"]
            assert [step["step"] for step in after["steps"]] == [step["step"] for step in first["steps"]]
            assert [place["numbers"] for step in after["steps"] for place in step["places"]] == [
                place["numbers"] for step in first["steps"] for place in step["places"]
            ]
            assert all(place["path"].endswith(".gz") for step in after["steps"] for place in step["places"])
        shutil.move(paths.archive(), used / "aside")
        with pytest.raises(InputError, match="archive"):
            walk.lineage(rows[0])
        shutil.move(used / "aside", paths.archive())
    finally:
        shutil.move(projects.with_name("gone"), projects)


def test_every_session_of_the_run_is_in_the_dataset_or_left_out_for_a_reason(
    real: Path, projects: Path, used: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", str(projects.parent))
    (run,) = kept.runs(str(real))
    rows = list(kept.rows(run))
    named = {kept.row_id(row.data).rpartition("#")[0] for row in rows}
    stages = []
    for session in run.sessions:
        found = whynot.why_not(session.session, str(real))["found"]
        assert found and all(one["reason"] for one in found)
        for one in found:
            stages.append(one["stage"])
            assert (one["trace"] in named) == (one["stage"] == "kept") == (one["rows"] > 0)
    assert "kept" in stages and len(set(stages)) > 1, stages


@pytest.fixture(scope="module")
def examples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("examples")
    files = sorted((ROOT / "examples" / "projects").glob("*/*.jsonl"))
    for path in files[:: len(files) // 6][:6]:
        (folder / path.parent.name).mkdir(exist_ok=True)
        shutil.copy(path, folder / path.parent.name)
    copy = files[0]
    (folder / copy.parent.name / f"{RESUMED}.jsonl").write_text(copy.read_text().replace(copy.stem, RESUMED))
    (folder / copy.parent.name / "99999999-2222-4333-8444-555555555555.jsonl").write_text(
        '{"type": "user", broken\n' * 3
    )
    return folder


@pytest.fixture(scope="module")
def run_dir(examples: Path, home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    words = (f"source.examples.path={examples}", "dataset.classes=[gold,silver]", "executor.workers=1")
    return made(home, tmp_path_factory.mktemp("run") / "examples", *words)


def reasons(word: str, run_dir: Path) -> list[tuple[str, str]]:
    return [(one["stage"], one["reason"]) for one in whynot.why_not(word, str(run_dir))["found"]]


def test_a_class_that_is_not_trained_on(run_dir: Path, used: Path):
    (run,) = kept.runs(str(run_dir))
    unfit = [one.name for session in run.sessions for one in session.traces if one.dropped.startswith("class ")]
    assert unfit
    ((stage, reason),) = reasons(unfit[0], run_dir)
    assert stage == "judge" and "gold, silver" in reason
    found = whynot.why_not(unfit[0], str(run_dir))["found"][0]
    assert any("outcome" in line for line in found["more"])


def test_a_copy_of_another_session(run_dir: Path, used: Path):
    (run,) = kept.runs(str(run_dir))
    copies = [one for session in run.sessions for one in session.traces if one.split and not one.rows]
    assert len(copies) == 1
    ((stage, reason),) = reasons(copies[0].name, run_dir)
    assert stage == "format" and "cop" in reason
    pair = {RESUMED, sorted((ROOT / "examples" / "projects").glob("*/*.jsonl"))[0].stem}
    (original,) = pair - {copies[0].name}
    assert original in reason


def test_a_file_of_malformed_lines(run_dir: Path, used: Path):
    ((stage, reason),) = reasons(BROKEN, run_dir)
    assert stage == "source" and "3 are malformed" in reason


def test_excluded_forgotten_later_and_unknown(run_dir: Path, examples: Path, used: Path):
    template = next(examples.glob("*/*.jsonl")).read_text().splitlines()
    later = "77777777-2222-4333-8444-555555555555"
    file = examples / "later" / f"{later}.jsonl"
    file.parent.mkdir()
    entries = [json.loads(line) for line in template]
    file.write_text(
        "\n".join(json.dumps({**one, "sessionId": later, "cwd": "/srv/vault/app"}) for one in entries) + "\n"
    )
    try:
        ((stage, reason),) = reasons(later, run_dir)
        assert stage == "source" and "did not when the run was made" in reason
        (used / "exclude").write_text("/srv/vault\n")
        ((stage, reason),) = reasons(later[:8], run_dir)
        assert stage == "source" and "excluded" in reason and "/srv/vault/app" in reason
        from bashgym.capture.forget import bury

        bury([later])
        ((stage, reason),) = reasons(later, run_dir)
        assert "forgotten" in reason
        with pytest.raises(InputError, match="no session of that id"):
            reasons("00000000-nobody", run_dir)
    finally:
        shutil.rmtree(file.parent)
        for name in ("exclude", "forgotten"):
            (used / name).unlink(missing_ok=True)


def test_files_that_changed_since_are_told(run_dir: Path, examples: Path, used: Path):
    (run,) = kept.runs(str(run_dir))
    row = next(iter(kept.rows(run)))
    assert not walk.lineage(row)["source"]["changed"]
    path = Path(walk.lineage(row)["source"]["files"][0])
    content = path.read_bytes()
    try:
        path.write_bytes(content + content.splitlines(keepends=True)[-1])
        assert walk.lineage(row)["source"]["changed"]
        path.write_bytes(b"".join(content.splitlines(keepends=True)[:2]))
        assert walk.lineage(row)["lost"]
    finally:
        path.write_bytes(content)


def test_lines_that_are_not_there(tmp_path: Path):
    (tmp_path / "a.jsonl").write_text("1\n2\n")
    there, beyond = (Place(str(tmp_path / "a.jsonl"), "line", numbers) for numbers in ((1, 2), (2, 3)))
    gone = Place(str(tmp_path / "b.jsonl"), "line", (1,))
    assert absent([there, beyond, gone, Place("x", "record", (9,))]) == [beyond, gone]


def test_on_the_command_line(run_dir: Path, home: Path, bashgym: Callable):
    row = json.loads((run_dir / "dataset" / "train.jsonl").read_text().splitlines()[0])
    done = bashgym("lineage", row["id"], BASHGYM_HOME=str(home))
    assert done.returncode == 0, done.stderr
    for word in ("dataset", "gate", "format", "curate", "judge", "sanitize", "source", "  step 1", "line "):
        assert word in done.stdout
    found = json.loads(bashgym("lineage", row["id"], "--json", "--run", str(run_dir), BASHGYM_HOME=str(home)).stdout)
    assert found["line"] == 1 and found["steps"][0]["places"][0]["numbers"]
    told = bashgym("lineage", "--why-not", row["meta"]["session"], "--run", str(run_dir), BASHGYM_HOME=str(home))
    assert told.returncode == 0 and "kept" in told.stdout
    for words in (
        ("lineage",),
        ("lineage", "a", "--why-not", "b"),
        ("lineage", "nobody#0"),
        ("lineage", "a", "--run", "x"),
    ):
        done = bashgym(*words, BASHGYM_HOME=str(home))
        assert done.returncode == 2 and len(done.stderr.strip().splitlines()) == 1 and "Traceback" not in done.stderr
